"""The words that all formats share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.expression import (
    Build,
    Choice,
    Concat,
    EnvVar,
    Expr,
    Fresh,
    FromCaller,
    Joined,
    Opaque,
    Place,
    Text,
)
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.redact import redact

KeyKind = Literal["none", "constant", "user", "random", "unknown"]
# Sinks that name whose records these are, before those that merely name who wrote them.
_OWNER = ("scope", "root_scope", "user_id", "session_id", "thread_id", "flow_id")
_WRITER = ("run_id", "agent_id", "crew_name", "agent_role", "source")
# C0 and C1 controls, bidirectional overrides, line separators and halves of surrogate pairs: never to a terminal.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def plain(text: str) -> str:
    """`text` on one line, without secrets and without anything that a terminal would obey."""
    return visible(redact(text))


def visible(text: str) -> str:
    """Control characters and broken bytes spelled out."""
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"        # a byte of a name that is not UTF-8
    named = {9: "\\t", 10: "\\n", 13: "\\r"}.get(code)
    return named or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def count(number: int, singular: str, plural: str = "") -> str:
    """"1 error", "2 errors"."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def listed(words: Iterable[str]) -> str:
    """"a", "a and b", "a, b and c"."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def workers(service: Service) -> int | None:
    """The processes that run application code in one replica; None where that is not known."""
    numbers = [p.workers.value for p in service.processes if isinstance(p.workers, Known)]
    return max(numbers) if numbers and len(numbers) == len(service.processes) else None


def key(memory: Memory) -> tuple[KeyKind, str]:
    """What the memory's records are keyed by, and where that comes from ("uuid4() at app/main.py:21")."""
    found = [(kind(sink.value), sink.name, source(sink.value)) for sink in memory.sinks]
    owners = [entry for entry in found if entry[1] in _OWNER and entry[0] != "none"]
    writers = [entry for entry in found if entry[1] in _WRITER and entry[0] == "random"]
    ranking: tuple[KeyKind, ...] = ("random", "user", "unknown", "constant")
    best = min(owners or writers, key=lambda entry: ranking.index(entry[0]), default=None)
    return ("none", "") if best is None else (best[0], best[2])


def kind(expr: Expr) -> KeyKind:
    """The nature of a key: the caller's, made for the request, the same for everyone, or not known."""
    if isinstance(expr, Text):
        return "none" if expr.value is None else "constant"
    if isinstance(expr, FromCaller):
        return "user"
    if isinstance(expr, Fresh):
        return "random"
    if isinstance(expr, (Opaque, Build)):
        return "unknown"
    if isinstance(expr, (Place, EnvVar)):
        return "constant"
    if isinstance(expr, Choice) and expr.fallback:
        return next((k for k in map(kind, expr.options) if k != "none"), "none")
    if isinstance(expr, Choice):
        kinds = {kind(option) for option in expr.options}
        return kinds.pop() if len(kinds) == 1 else "unknown"
    if isinstance(expr, (Concat, Joined)):
        kinds = {kind(part) for part in expr.parts}
        order: tuple[KeyKind, ...] = ("random", "user", "unknown", "constant")
        return next((k for k in order if k in kinds), "none")
    return "unknown"


def source(expr: Expr) -> str:
    """Where the deciding part of a key comes from."""
    wanted = kind(expr)
    if isinstance(expr, (Choice, Concat, Joined)):
        parts = expr.options if isinstance(expr, Choice) else expr.parts
        part = next((p for p in parts if kind(p) == wanted), None)
        if part is not None:
            return source(part)
    said = _said(expr)
    at = expr.at
    return f"{said} at {at}" if said and at is not None else said or (str(at) if at is not None else "")


def _said(expr: Expr) -> str:
    if isinstance(expr, Fresh):
        return expr.source
    if isinstance(expr, FromCaller):
        return expr.what
    if isinstance(expr, Text):
        return repr(expr.value)
    if isinstance(expr, EnvVar):
        return f"${expr.name}"
    if isinstance(expr, Build):
        return f"{expr.callee}(…)"
    return expr.why if isinstance(expr, Opaque) else ""
