"""Values as YAML text: in block style below an entry, or in flow style."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Union

Value = Union[str, bool, int, None, Mapping[str, "Value"], Sequence["Value"]]
_PLAIN = re.compile(r"[A-Za-z0-9_./$-][A-Za-z0-9_./$=+@~%-]*(?::[A-Za-z0-9_./$=+@~%-]+)*")
_RESOLVED = re.compile(r"(?i)(?:[-+.]?[\d.][\d_.:eExXoO+-]*|true|false|yes|no|on|off|y|n|null|~)")


def quoted(text: str, quote: str = "") -> str:
    """A scalar that is this text and nothing else, in the quotes asked for where they can hold it."""
    if quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    if not quote and _PLAIN.fullmatch(text) and not _RESOLVED.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def scalar(value: Value, quote: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return quoted(value, quote) if isinstance(value, str) else str(value)


def entry(name: str, value: Value, indent: int, step: int, dash: int) -> Iterator[str]:
    key = " " * indent + quoted(name) + ":"
    if isinstance(value, Mapping):
        yield key
        for inner, below in value.items():
            yield from entry(inner, below, indent + step, step, dash)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield key
        yield from items(value, indent + dash, step, "")
    else:
        yield f"{key} {scalar(value, '')}".rstrip()


def items(values: Sequence[Value], indent: int, step: int, quote: str) -> Iterator[str]:
    dash = " " * indent + "- "
    for value in values:
        if isinstance(value, Mapping):
            lines = [line for name, below in value.items() for line in entry(name, below, indent + 2, step, step)]
            yield dash + lines[0].lstrip()
            yield from lines[1:]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield dash + inline(value, quote)
        else:
            yield dash + scalar(value, quote)


def inline(value: Value, quote: str = "") -> str:
    """As flow text."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(k)}: {inline(v, quote)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(inline(v, quote) for v in value) + "]"
    return scalar(value, quote) or "null"
