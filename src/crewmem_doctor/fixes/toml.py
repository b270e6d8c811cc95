"""Splices of TOML: entries and tables, every other byte kept. What is read is checked by the real parser first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.text import Document
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources import toml

_HEADER = re.compile(r"[ \t]*(?P<open>\[\[?)(?P<name>[^\[\]\n]+)\]\]?[ \t]*(?:#.*)?$")
_ENTRY = re.compile(r"[ \t]*[A-Za-z0-9_\"'-][^=\n]*=")


@dataclass(frozen=True, slots=True)
class Header:
    """`[name]` or, where `many`, `[[name]]`. `last` is the line of its last entry, else its own."""

    name: str
    line: int
    last: int
    many: bool


class Toml:
    """Raises Refused for a file that TOML's parser does not take."""

    def __init__(self, document: Document) -> None:
        self.file = document
        parsed = toml.load(document.text, document.path)
        if isinstance(parsed, Gap):
            raise Refused(f"{document.path} cannot be read: {parsed.why}")
        self._parsed = parsed
        self.headers = tuple(self._read())

    def get(self, *keys: str) -> Any:
        return self._parsed.get(*keys)

    def _read(self) -> list[Header]:
        found: list[Header] = []
        for number in range(1, len(self.file.lines) + 1):
            line = self.file.line(number)
            if header := _HEADER.fullmatch(line):
                name = ".".join(part.strip().strip("\"'") for part in header["name"].split("."))
                found.append(Header(name, number, number, header["open"] == "[["))
            elif found and line.strip() and not line.lstrip().startswith("#"):
                last = found[-1]
                found[-1] = Header(last.name, last.line, number, last.many)
        return found

    def body(self, header: Header) -> str:
        return "\n".join(self.file.line(number) for number in range(header.line + 1, header.last + 1))

    def entry(self, header: Header, text: str) -> Edit:
        """One line more in a table, indented as its others are."""
        indent = self._indent(header) if header.last > header.line else self.indent
        return self.file.insertion(self.file.end_of(header.last), f"\n{indent}{text}")

    def section(self, head: str, lines: Sequence[str]) -> Edit:
        """A table more, at the end of the file."""
        last = max((n for n in range(1, len(self.file.lines) + 1) if self.file.line(n).strip()), default=1)
        text = "\n".join([head, *(f"{self.indent}{line}" for line in lines)])
        return self.file.insertion(self.file.end_of(last), f"\n\n{text}")

    @property
    def indent(self) -> str:
        """What this file puts before the entries of a table."""
        return next((self._indent(h) for h in self.headers if h.last > h.line), "  ")

    def _indent(self, header: Header) -> str:
        for number in range(header.line + 1, header.last + 1):
            line = self.file.line(number)
            if _ENTRY.match(line):
                return line[:len(line) - len(line.lstrip())]
        return ""
