"""TOML with places: the parser of the standard library gives none, so they are found again in the text."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap

_HEADER = re.compile(r"[ \t]*\[\[?([^\[\]\n]+)\]\]?[ \t]*(?:#.*)?$")
_LINE_OF_ERROR = re.compile(r"line (\d+)")


@dataclass(frozen=True)
class Document:
    """A parsed file. `table` holds plain dicts, lists and scalars."""

    path: str
    text: str
    table: Mapping[str, Any]
    _lines: list[str] = field(default_factory=list, repr=False)

    def get(self, *keys: str) -> Any:
        """The value below `keys`; None where a step is missing or is no table."""
        value: Any = self.table
        for key in keys:
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value

    def at_text(self, text: str, section: str = "") -> Location:
        """Where `text` first stands in quotes, in the section if one is given; the file's start where it does not."""
        for number, line in self._numbered(section):
            for quote in ('"', "'"):
                column = line.find(quote + text + quote)
                if column >= 0:
                    return Location(self.path, number, column + 1, number, column + len(text) + 3)
        return self.at_text(text) if section else Location(self.path)

    def at_key(self, key: str, section: str) -> Location:
        """Where `key = …` stands in the section `[section]`, or `[section.key]` itself."""
        wanted = re.compile(rf"[ \t]*([\"']?){re.escape(key)}\1[ \t]*[=.]", re.IGNORECASE)
        for number, line in self._numbered(section):
            if match := wanted.match(line):
                start = len(line) - len(line.lstrip())
                end = len(line.rstrip()) if line.rstrip()[-1:] not in ("{", "[") else match.end()
                return Location(self.path, number, start + 1, number, end + 1)
        for number, line in enumerate(self._lines, 1):
            if (header := _HEADER.match(line)) and _plain(header[1]).lower() == f"{section}.{key}".lower():
                return Location(self.path, number, 1, number, len(line) + 1)
        return Location(self.path)

    def _numbered(self, section: str) -> list[tuple[int, str]]:
        found = []
        inside = not section
        for number, line in enumerate(self._lines, 1):
            header = _HEADER.match(line)
            if header and section:
                inside = _plain(header[1]) == section
            elif inside:
                found.append((number, line))
        return found


def load(text: str, path: str) -> Document | Gap:
    """Never raises: what cannot be parsed is a gap."""
    tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    lines = text.split("\n")
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError, MemoryError) as problem:
        found = _LINE_OF_ERROR.search(str(problem))
        return Gap(path, int(found[1]) if found else 1, "parse", f"not valid TOML: {problem}")
    return Document(path, text, table, lines)


def _plain(header: str) -> str:
    """A header's dotted name without quotes and spaces: `"tool" . uv` → "tool.uv"."""
    return ".".join(part.strip().strip("\"'") for part in header.split("."))
