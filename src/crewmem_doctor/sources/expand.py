"""`$NAME` and `${NAME:-default}` as shells and Dockerfiles know them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from crewmem_doctor.model.known import Answer, Confidence, Known, Unknown
from crewmem_doctor.model.location import Location

Lookup = Callable[[str], "Answer[str] | None"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?$!-]")
_BRACED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*])(:?[-=?+]|##?|%%?|//?|:)?", re.DOTALL)
_DEPTH = 20
_REACH = 4096


def nothing(_name: str) -> Answer[str] | None:
    """A lookup for text that stands where no variable is known to be set."""
    return None


def expand(text: str, lookup: Lookup, at: Location | None = None, escape: str = "\\", depth: int = 0) -> Answer[str]:
    """`text` with its variables replaced; one that `lookup` calls None is empty, as shells have it.

    A command substitution, or a variable that cannot be known, makes all of it Unknown. A default that stands in, or a
    value that was itself Known at less than high confidence, lowers the confidence to medium.
    """
    if "$" not in text and "`" not in text and (not escape or escape not in text):
        return Known(text, at)
    out: list[str] = []
    confidence: Confidence = "high"
    origin: Location | None = None
    i = 0
    while i < len(text):
        char = text[i]
        if char == escape and text[i + 1 : i + 2] in ("$", "`"):
            out.append(text[i + 1])
            i += 2
        elif char == "`":
            return Unknown("a command's output", at)
        elif char != "$":
            out.append(char)
            i += 1
        else:
            answer, i = _variable(text, i + 1, lookup, at, depth)
            if isinstance(answer, Unknown):
                return answer
            confidence = "medium" if answer.confidence != "high" else confidence
            origin = origin or answer.at
            out.append(answer.value)
    return Known("".join(out), origin or at, confidence)


def _variable(text: str, start: int, lookup: Lookup, at: Location | None, depth: int) -> tuple[Answer[str], int]:
    """The value of what follows a `$`, and where the text goes on."""
    opener = text[start : start + 1]
    if opener == "(":
        return Unknown("a command's output", at), len(text)
    if opener == "{":
        end = closing_brace(text, start)
        if end < 0 or depth > _DEPTH:
            return Unknown("a variable that cannot be read", at), len(text)
        return _braced(text[start + 1 : end], lookup, at, depth + 1), end + 1
    match = _NAME.match(text, start)
    if match is None:
        return Known("$"), start
    return _value(match.group(), lookup, at), match.end()


def _value(name: str, lookup: Lookup, at: Location | None) -> Answer[str]:
    if name in "#?$!-":
        return Unknown(f"${name} is known at run time only", at)
    answer = lookup(name)
    return Known("") if answer is None else answer


def _braced(inner: str, lookup: Lookup, at: Location | None, depth: int) -> Answer[str]:
    match = _BRACED.match(inner)
    if match is None:
        return Unknown(f"${{{inner}}} cannot be read", at)
    name, operator, rest = match.group(1), match.group(2) or "", inner[match.end() :]
    if not operator:
        return _value(name, lookup, at) if not rest else Unknown(f"${{{inner}}} cannot be read", at)
    value = lookup(name)
    if operator in (":-", "-", ":=", "=", ":?", "?", ":+", "+"):
        return _conditional(name, operator, rest, value, lookup, at, depth)
    if isinstance(value, Unknown):
        return value
    text = "" if value is None else value.value
    pattern = expand(rest, lookup, at, depth=depth)
    if isinstance(pattern, Unknown) or operator == ":":
        return Unknown(f"${{{inner}}} is not computed", at)
    return Known(_trimmed(text, operator, pattern.value), None if value is None else value.at)


def _conditional(
    name: str, operator: str, rest: str, value: Answer[str] | None, lookup: Lookup, at: Location | None, depth: int
) -> Answer[str]:
    if isinstance(value, Unknown):
        # Where the variable is merely not known to be set, the written default is the best reading there is.
        if operator[-1] in "-=" and value.why.startswith(f"{name} may be set"):
            value = None
        else:
            return value
    present = value is not None and (value.value != "" or ":" not in operator)
    if operator[-1] == "+":
        return expand(rest, lookup, at, depth=depth) if present else Known("")
    if present and value is not None:
        return value
    if operator[-1] == "?":
        return Unknown(f"{name} must be set from outside", at)
    answer = expand(rest, lookup, at, depth=depth)
    return answer if isinstance(answer, Unknown) else Known(answer.value, answer.at, "medium")


def _trimmed(text: str, operator: str, pattern: str) -> str:
    if operator in ("/", "//"):
        old, _, new = pattern.partition("/")
        return text.replace(old, new, -1 if operator == "//" else 1) if old else text
    sizes = range(len(text) + 1) if len(operator) == 1 else range(len(text), -1, -1)
    if len(text) > 4096:
        return text
    for size in sizes:
        if operator[0] == "#" and fnmatch.fnmatchcase(text[:size], pattern):
            return text[size:]
        if operator[0] == "%" and fnmatch.fnmatchcase(text[len(text) - size :], pattern):
            return text[: len(text) - size]
    return text


def closing_brace(text: str, start: int) -> int:
    """The offset of the `}` that closes the `{` at `start`, -1 where there is none (or it is too far to be meant)."""
    depth = 0
    i = start
    while i < min(len(text), start + _REACH):
        char = text[i]
        if char == "\\":
            i += 1
        elif char == "{" and (i == start or text[i - 1] == "$"):
            depth += 1
            if depth > _DEPTH:
                return -1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return i
        i += 1
    return -1
