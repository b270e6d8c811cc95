"""`$NAME`, `${NAME:-default}` and the rest of Compose's interpolation."""

from __future__ import annotations

import re
from collections.abc import Mapping

from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.yaml import Node, Scalar

_DOLLAR = re.compile(r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?P<sign>:?[-?+])?)")
_MAX_NESTING = 20
Variables = Mapping[str, Answer[str]]


@dataclass(frozen=True, slots=True)
class Filled:
    """`text` with everything replaced that the tree decides. `missing` are the names that only the shell knows; their
    `${…}` still stand in the text. `defaults` says that a default stands in for a variable that may be set. `values`
    are the variables that were replaced, with what each came to."""

    text: str
    missing: tuple[str, ...] = ()
    defaults: bool = False
    values: tuple[tuple[str, str], ...] = ()

    def answer(self, at: Location) -> Answer[str]:
        if self.missing:
            return Unknown(f"${{{self.missing[0]}}} is set outside this tree", at)
        return Known(self.text, at, "medium" if self.defaults else "high")


def fill(text: str, variables: Variables, nesting: int = 0) -> Filled:
    """Interpolate as Compose does. What it would refuse (`$1`, an unclosed brace) stays as written."""
    if "$" not in text or nesting > _MAX_NESTING:
        return Filled(text)
    parts: list[str] = []
    missing: list[str] = []
    values: list[tuple[str, str]] = []
    defaults = False
    done = 0
    while match := _DOLLAR.search(text, done):
        parts.append(text[done:match.start()])
        done = match.end()
        if match["escaped"]:
            parts.append("$")
            continue
        word = ""
        if match["braced"]:
            close = _closing(text, done)
            if close < 0:
                done = match.start()
                break
            if not match["sign"] and close != done:
                parts.append(match[0])
                continue
            word, done = text[done:close], close + 1
        one = _replacement(match["plain"] or match["braced"], match["sign"] or "", word, variables, nesting)
        parts.append(text[match.start():done] if one.missing else one.text)
        missing.extend(one.missing)
        values.extend([] if one.missing else [(match["plain"] or match["braced"], one.text)])
        defaults = defaults or one.defaults
    parts.append(text[done:])
    return Filled("".join(parts), tuple(dict.fromkeys(missing)), defaults, tuple(values))


def _replacement(name: str, sign: str, word: str, variables: Variables, nesting: int) -> Filled:
    answer = variables.get(name)
    if isinstance(answer, Unknown):
        return Filled("", (name,))
    is_set = answer is not None and (answer.value != "" or not sign.startswith(":"))
    if sign.endswith("+"):
        # Unset in the tree is not unset in the shell: what stands there is open.
        return fill(word, variables, nesting + 1) if is_set else Filled("", (name,))
    if answer is not None and is_set:
        return Filled(answer.value, defaults=answer.confidence != "high")
    if sign.endswith("-"):
        inner = fill(word, variables, nesting + 1)
        return Filled(inner.text, inner.missing, True)
    if answer is not None and not sign:
        return Filled("")
    return Filled("", (name,))


def _closing(text: str, start: int) -> int:
    """The index of the brace that closes the one before `start`, -1 where none does."""
    depth = 1
    for index in range(start, len(text)):
        if text[index] == "{" and text[index - 1] == "$":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if not depth:
                return index
    return -1


def answer_of(node: Node | None, variables: Variables) -> Answer[str] | None:
    """The text of a scalar; None where there is none (a missing key, null, a list)."""
    if not isinstance(node, Scalar) or node.null:
        return None
    if node.templated:
        return Unknown("a template fills it in", node.at)
    return fill(node.value, variables).answer(node.at)


def text_of(node: Node | None, variables: Variables) -> str:
    """The text of a scalar where it is known, else empty."""
    answer = answer_of(node, variables)
    return answer.value if isinstance(answer, Known) else ""


def number_of(node: Node | None, variables: Variables) -> Answer[int] | None:
    """A whole number that is not negative."""
    answer = answer_of(node, variables)
    if answer is None or isinstance(answer, Unknown):
        return answer
    try:
        value = int(answer.value.strip(), 10)
    except ValueError:
        return Unknown(f"“{answer.value[:40]}” is no number", answer.at)
    return Known(value, answer.at, answer.confidence) if value >= 0 else Unknown("a negative number", answer.at)


def truth_of(node: Node | None, variables: Variables) -> Answer[bool] | None:
    """A boolean, also one that interpolation gives or that stands in quotes."""
    answer = answer_of(node, variables)
    if answer is None or isinstance(answer, Unknown):
        return answer
    word = Scalar(answer.value.strip(), "str", answer.at or Location(""))
    if word.truth is None:
        return Unknown(f"“{answer.value[:40]}” is neither true nor false", answer.at)
    return Known(word.truth, answer.at, answer.confidence)
