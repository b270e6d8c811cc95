"""`.env` files, as Compose and python-dotenv read them."""

from __future__ import annotations

import re
from typing import NamedTuple

from crewmem_doctor.model.location import Location

_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.\-]*)[ \t]*(?P<sign>[=:]?)[ \t]*")
_QUOTED = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "'": "'"}


class Variable(NamedTuple):
    """`value` is None for a bare name, which takes its value from the surrounding shell. `expands` is True where
    `$NAME` in the value is replaced: everywhere but in single quotes. `at` spans name and value."""

    name: str
    value: str | None
    at: Location
    expands: bool


def parse(text: str, path: str) -> list[Variable]:
    """Every assignment in file order; lines that are none are passed over. Never raises."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found: list[Variable] = []
    position, line = 0, 1
    while position < len(text):
        break_at = text.find("\n", position)
        stop = len(text) if break_at < 0 else break_at
        match = _NAME.match(text, position, stop)
        end = stop
        if match and (match["sign"] or match.end() == stop or text[match.end()] == "#"):
            value: str | None = None
            expands, value_end = False, match.end("name")
            if match["sign"]:
                value, expands, value_end = _value(text, match.end(), stop)
            at = _span(text, path, line, position, match.start("name"), value_end)
            found.append(Variable(match["name"], value, at, expands))
            break_at = text.find("\n", value_end)
            end = len(text) if break_at < 0 else break_at
        line += text.count("\n", position, end) + 1
        position = end + 1
    return found


def _value(text: str, start: int, stop: int) -> tuple[str, bool, int]:
    """The value that begins at `start`, whether it expands, and where it ends; a quoted one may run over lines."""
    quote = text[start] if start < stop else ""
    pattern = _QUOTED.get(quote)
    match = pattern.match(text, start) if pattern else None
    if match is None:
        raw = re.split(r"(?:^|[ \t])#", text[start:stop], maxsplit=1)[0].rstrip()
        return raw, True, start + len(raw)
    if quote == "'":
        return match[1].replace("\\'", "'"), False, match.end()
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), match[1], flags=re.DOTALL), True, match.end()


def _span(text: str, path: str, line: int, line_start: int, start: int, end: int) -> Location:
    end_line_start = text.rfind("\n", 0, end) + 1
    return Location(path, line, start - line_start + 1, line + text.count("\n", start, end),
                    end - max(end_line_start, line_start) + 1)
