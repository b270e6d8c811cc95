"""Places that outlive a function under a name of their own: app state, sessions, configuration."""

from __future__ import annotations

import ast

_STATES = {
    "state",
    "session_state",
    "config",
    "extensions",
    "g",
    "app",
    "current_app",
    "context",
    "bot_data",
    "chat_data",
    "user_data",
    "application",
    "ctx",
}


def last_word(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def state_key(node: ast.expr) -> tuple[str, str] | None:
    """`app.state.x` and `request.app.state.x` share ("state", "x")."""
    if isinstance(node, ast.Attribute):
        owner = last_word(node.value)
        return (owner, node.attr) if owner in _STATES else None
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        owner = last_word(node.value)
        return (owner, node.slice.value) if owner in _STATES else None
    return None
