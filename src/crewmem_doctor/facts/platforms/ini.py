"""Files of sections as systemd and supervisord have them: keys may be repeated, and lines go on."""

from __future__ import annotations

from dataclasses import dataclass, field

from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage


@dataclass(slots=True)
class Section:
    """`values` in the order of the file; keys keep their case. `at` is the header's place."""

    name: str
    at: Location
    values: list[tuple[str, Passage]] = field(default_factory=list)

    def all(self, key: str) -> list[Passage]:
        """Every value of the key since the last empty one, which in systemd clears what stands before it."""
        out: list[Passage] = []
        for name, value in self.values:
            if name == key:
                out = [*out, value] if value.text else []
        return out

    def last(self, key: str) -> Passage | None:
        values = self.all(key)
        return values[-1] if values else None


def sections(body: str, path: str) -> list[Section]:
    """The sections of a file. A backslash at a line's end joins it with the next; `#` and `;` begin comment lines."""
    found: list[Section] = []
    key = ""
    text: list[str] = []
    marks: list[tuple[int, int, int]] = []
    for row, line in enumerate(body.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith(("#", ";")) or (not stripped and not text):
            continue
        if text:  # goes on
            start = len(line) - len(line.lstrip())
        elif stripped.startswith("[") and stripped.endswith("]"):
            column = len(line) - len(line.lstrip()) + 1
            found.append(Section(stripped[1:-1].strip(), Location(path, row, column, row, column + len(stripped))))
            continue
        else:
            key, equals, _ = line.partition("=")
            if not equals or not found:
                continue
            start = len(key) + 1
            start += len(line[start:]) - len(line[start:].lstrip())
            key = key.strip()
        part = line[start:].rstrip()
        goes_on = part.endswith("\\")
        part = part[:-1].rstrip() if goes_on else part
        marks.append((sum(len(p) + 1 for p in text), row, start + 1))
        text.append(part)
        if not goes_on:
            _take(found, key, text, marks, path)
            text, marks = [], []
    if text and found:
        _take(found, key, text, marks, path)
    return found


def _take(found: list[Section], key: str, text: list[str], marks: list[tuple[int, int, int]], path: str) -> None:
    whole = " ".join(text)
    _, row, column = marks[0]
    _, last, first = marks[-1]
    at = Location(path, row, column, last, first + len(text[-1]))
    found[-1].values.append((key, Passage(whole, at, tuple(marks))))
