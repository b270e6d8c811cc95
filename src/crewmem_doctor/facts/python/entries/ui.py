"""Apps with a user interface in Python: Streamlit, Gradio, Chainlit, Dash, Panel, NiceGUI.

Streamlit runs the whole script again for each interaction, so the entry point is the body of the module.
"""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.entries._common import Found, argument, decorated, entry, imports
from crewmem_doctor.facts.python.index import CallSite, Module
from crewmem_doctor.facts.python.survey import Survey, last_name, root

_CHAINLIT = frozenset(
    {
        "on_message",
        "on_chat_start",
        "on_chat_resume",
        "action_callback",
        "on_audio_chunk",
        "on_audio_end",
        "on_settings_update",
    }
)
_GRADIO_EVENTS = ("click", "submit", "change", "load", "upload", "select", "input", "then", "success", "stop_recording")
_DECORATORS = {
    "nicegui": ("page",),
    "dash": ("callback",),
    "reflex": ("event",),
    "mesop": ("page",),
    "shiny": ("event",),
    "panel": ("depends",),
}


def find(survey: Survey) -> Found:
    for function, _target, _call, name in decorated(survey):
        known, word = root(name), name.rsplit(".", 1)[-1]
        if known == "chainlit" and word in _CHAINLIT:
            yield entry(survey, function, "ui", f"chainlit {word}", "chainlit")
        elif word in _DECORATORS.get(known, ()):
            yield entry(survey, function, "ui", f"{known} {function.name}", known)
    for site in survey.calls("Interface", "ChatInterface", *_GRADIO_EVENTS):
        yield from _gradio(survey, site)
    for module in survey.base.modules.values():
        if is_streamlit(survey, module):
            yield entry(survey, module.body, "ui", f"streamlit {module.path}", "streamlit")


def _gradio(survey: Survey, site: CallSite) -> Found:
    known = root(site.callee)
    if known not in ("gradio", "panel") and not (not known and imports(site.scope.body, "gradio")):
        return
    function = survey.function(argument(site.node, "fn", "callback", position=0), site.scope)
    if function is not None:
        label = function.name or site.scope.module.path
        yield entry(survey, function, "ui", f"{known or 'gradio'} {label}", known or "gradio")


def is_streamlit(survey: Survey, module: Module) -> bool:
    """Its top-level code draws: by itself, or through a `main()` of the same module that it calls."""
    if not any(root(i.target) == "streamlit" and i.function is None for i in module.imports):
        return False
    aliases = {i.local for i in module.imports if root(i.target) == "streamlit"}
    for call in (site.node for site in module.body.sites):
        if _head(call.func) in aliases:
            return True
        name = last_name(call.func)
        drawn = module.functions[name].sites if isinstance(call.func, ast.Name) and name in module.functions else []
        if any(_head(inner.node.func) in aliases for inner in drawn):
            return True
    return any(
        isinstance(n, ast.With) and any(_head(i.context_expr) in aliases for i in n.items) for n in module.tree.body
    )


def _head(node: ast.expr) -> str:
    """`st` of `st.sidebar.button`."""
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
