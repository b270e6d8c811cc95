"""Whether an exception handler tells anybody."""

from __future__ import annotations

import ast
import re
from typing import Literal

from crewmem_doctor.facts.python.index import Function
from crewmem_doctor.facts.python.survey import last_name

How = Literal["silent", "logged", "answered"]
_LOGS = frozenset(
    {
        "print",
        "debug",
        "info",
        "warning",
        "warn",
        "error",
        "exception",
        "critical",
        "log",
        "log_event",
        "print_exc",
        "print_exception",
        "secho",
        "trace",
        "success",
        "pprint",
        "print_stack",
        "log_error",
        "log_warning",
        "capture_message",
    }
)
# Names and words that tell whoever called that something failed.
_TELLS = re.compile(
    r"error|fail|exception|abort|invalid|unavailable|status_code|problem|retry|sleep|alert|notify|sentry|capture_exc|"
    r"reject|rollback|nack",
    re.IGNORECASE,
)


def how_of(handler: ast.ExceptHandler, function: Function) -> How | None:
    """What the handler leaves behind. The error itself, or a word about it, anywhere but in a log line is told."""
    how, told = _left(handler)
    end = handler.end_lineno or 0
    if any(isinstance(n, ast.Name) and n.id in told and n.lineno > end for n in function.loads):
        return None  # what it noted of the error is used after it
    return how


def _left(handler: ast.ExceptHandler) -> tuple[How | None, set[str]]:
    told = {handler.name} if handler.name else set()
    how: How = "silent"
    for statement in handler.body:
        if is_log(statement):
            how = "logged" if how == "silent" else how
        elif (
            isinstance(statement, (ast.Pass, ast.Continue, ast.Break))
            or _is_text(statement)
            or isinstance(statement, (ast.Import, ast.ImportFrom))
        ):
            continue
        elif isinstance(statement, ast.Assign) and all(isinstance(t, ast.Name) for t in statement.targets):
            if mentions(statement.value, told):
                told |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
            elif any(_TELLS.search(t.id) for t in statement.targets if isinstance(t, ast.Name)):
                return None, told
            elif isinstance(statement.value, ast.Constant) and statement.value.value is False:
                return None, told  # a flag that the code after it may ask
        elif isinstance(statement, ast.Return) and not tells(statement, told):
            how = "answered" if statement.value is not None and not _is_nothing(statement.value) else how
        else:
            return None, told
    return how, told - {handler.name or ""}


def tells(statement: ast.stmt, told: set[str]) -> bool:
    if mentions(statement, told):
        return True
    for node in ast.walk(statement):
        word = (
            node.value
            if isinstance(node, ast.Constant)
            else node.attr
            if isinstance(node, ast.Attribute)
            else (node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.keyword) else None)
        )
        if isinstance(word, str) and _TELLS.search(word):
            return True
        if isinstance(word, int) and not isinstance(word, bool) and (400 <= word < 600 or word in (1, 2)):
            return True  # an error status, or the exit status of a script
    return False


def _is_nothing(value: ast.expr) -> bool:
    return (
        (isinstance(value, ast.Constant) and not value.value)
        or (isinstance(value, (ast.List, ast.Tuple)) and not value.elts)
        or (isinstance(value, ast.Dict) and not value.keys)
    )


def mentions(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(node))


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def is_log(statement: ast.stmt) -> bool:
    """A line that only writes to a log or the console. Streamlit's `st.error` shows the error to the user."""
    if not isinstance(statement, ast.Expr):
        return False
    call = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
    if not isinstance(call, ast.Call) or last_name(call.func) not in _LOGS:
        return False
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return not (isinstance(owner, ast.Name) and owner.id in ("st", "gr", "cl", "ui", "messages", "message"))
