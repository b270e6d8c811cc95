"""Whether a value counts as true."""

from __future__ import annotations

from crewmem_doctor.model.expression import (
    Build,
    Choice,
    Concat,
    EnvVar,
    Expr,
    Fresh,
    Items,
    Joined,
    Place,
    Table,
    Text,
)
from crewmem_doctor.model.known import Answer, Known, Unknown

FALSE_WORDS = {"", "0", "false", "no", "off", "none", "null", "n", "f"}
_DEPTH = 30


def truth(expr: Expr | None, depth: int = 0) -> Answer[bool]:
    """Known with medium confidence where an unset environment, or a default, decides. The text of a variable counts
    as a settings field reads it: "false" is false."""
    if expr is None or depth > _DEPTH:
        return Unknown("no value")
    if isinstance(expr, Text):
        return Known(bool(expr.value), expr.at)
    if isinstance(expr, EnvVar):
        return _variable(expr, depth)
    if isinstance(expr, Choice):
        return _fallback(expr, depth) if expr.fallback else _any(expr, depth)
    if isinstance(expr, (Build, Place, Fresh, Joined)):
        return Known(True, expr.at)
    if isinstance(expr, Concat):
        return Known(True, expr.at, "medium")
    if isinstance(expr, (Table, Items)):
        return (
            Known(bool(expr.items), expr.at)
            if expr.items or not getattr(expr, "open", False)
            else Unknown("a dict", expr.at)
        )
    return Unknown(getattr(expr, "why", "") or f"{getattr(expr, 'what', 'a value')} comes from the caller", expr.at)


def _variable(expr: EnvVar, depth: int) -> Answer[bool]:
    if expr.default is None:
        return Unknown(f"{expr.name} decides", expr.at)
    if isinstance(expr.default, Text) and isinstance(expr.default.value, str):
        return Known(expr.default.value.strip().lower() not in FALSE_WORDS, expr.at, "medium")
    answer = truth(expr.default, depth + 1)
    return Known(answer.value, expr.at, "medium") if isinstance(answer, Known) else answer


def _fallback(expr: Choice, depth: int) -> Answer[bool]:
    """The first option that is certainly true, or the last."""
    first = expr.options[0]
    if isinstance(first, Text) and len(expr.options) > 1:
        return Known(bool(first.value), expr.at, "medium")  # what an unset variable gives, before what decides
    answers = [truth(option, depth + 1) for option in expr.options]
    sure = True
    for answer in answers[:-1]:
        if isinstance(answer, Known) and answer.value:
            return Known(True, expr.at, answer.confidence if sure else "medium")
        sure = sure and isinstance(answer, Known) and answer.confidence == "high"
    last = answers[-1]
    if isinstance(last, Known) and not sure:
        return Known(last.value, expr.at, "medium")
    return last


def _any(expr: Choice, depth: int) -> Answer[bool]:
    answers = [truth(option, depth + 1) for option in expr.options]
    values = {a.value for a in answers if isinstance(a, Known)}
    unknown = next((a for a in answers if isinstance(a, Unknown)), None)
    if unknown is not None:
        return unknown
    if len(values) == 1:
        medium = any(isinstance(a, Known) and a.confidence != "high" for a in answers)
        return Known(values.pop(), expr.at, "medium" if medium else "high")
    return Unknown("the code chooses between several values", expr.at)
