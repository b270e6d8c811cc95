"""Lines of styled text: wrapping for terminals, none for pipes, colours as ANSI codes or not at all.

rich's own Text would add 45 ms to every scan; only its table of cell widths is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from itertools import groupby

from rich.cells import cell_len

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.reports.words import plain

Piece = tuple[str, str]          # text and style
STYLES = {
    "": "", "bold": "1", "dim": "2", "bad": "1;31", "doubtful": "1;33", "good": "1;32", "nothing": "1",
    "error": "1;31", "warning": "1;33", "note": "1;36", "lost": "31", "stale": "33", "kept": "32", "unknown": "35",
    "path": "36", "step": "36", "caret": "1;31", "fix": "1;32", "snippet": "32",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How the report is to be shown. `width` None: a pipe, nothing is wrapped or cut."""

    width: int | None = None
    color: bool = False
    verbose: bool = False
    quiet: bool = False

    @property
    def room(self) -> int:
        """Columns for tables and source lines."""
        return 10_000 if self.width is None else max(40, min(self.width, 140))

    @property
    def measure(self) -> int:
        """Columns for prose and rules: a wide terminal still gets lines that can be read."""
        return min(self.room, 100)


@dataclass(slots=True)
class Page:
    """The report as it grows. Every piece of text is made safe on its way in."""

    look: Look
    lines: list[list[Piece]] = field(default_factory=list)

    def add(self, *pieces: Piece | str, indent: int = 0, hang: int = 0, wrap: bool = True, margin: str = "") -> None:
        """One paragraph: its first line is indented by `indent`, what is wrapped by `indent + hang`. `margin` begins
        every line."""
        safe = [(plain(p), "") if isinstance(p, str) else (plain(p[0]), p[1]) for p in pieces]
        room = self.look.measure - indent - cell_len(margin)
        lines = _wrapped(safe, room, room - hang) if wrap and self.look.width else [safe]
        for number, line in enumerate(lines):
            self.lines.append([(" " * indent + margin, "dim"), (" " * hang if number else "", ""), *line])

    def blank(self) -> None:
        """An empty line, never two."""
        if self.lines and self.lines[-1]:
            self.lines.append([])

    def heading(self, title: str, aside: str = "") -> None:
        """A title with a rule to the right edge; on a pipe the rule is short."""
        self.blank()
        room = self.look.measure if self.look.width else 72
        rule = "─" * max(3, room - cell_len(title) - cell_len(aside) - (5 if aside else 4))
        tail = f" {rule} {plain(aside)}" if aside else f" {rule}"
        self.lines.append([("── ", "dim"), (plain(title), "bold"), (tail, "dim")])

    def text(self) -> str:
        while self.lines and not self.lines[-1]:
            self.lines.pop()
        return "".join(_line(line, self.look.color) + "\n" for line in self.lines)


def _line(pieces: Iterable[Piece], color: bool) -> str:
    if not color:
        return "".join(text for text, _ in pieces).rstrip()
    runs = [(style, "".join(text for text, _ in run)) for style, run in groupby(pieces, key=lambda piece: piece[1])]
    return "".join(f"\x1b[{STYLES[style]}m{text}\x1b[0m" if STYLES[style] and text.strip() else text
                   for style, text in runs).rstrip(" ")


def _wrapped(pieces: list[Piece], first: int, rest: int) -> list[list[Piece]]:
    """Broken at spaces, in cells; a word wider than the line is broken where it must be."""
    lines: list[list[Piece]] = [[]]
    used = 0
    for word in _words(pieces):
        width = sum(cell_len(text) for text, _ in word)
        solid = width - (len(word[-1][0]) - len(word[-1][0].rstrip(" ")))
        room = first if len(lines) == 1 else rest
        if used and used + solid > room:
            lines.append([])
            used, room = 0, rest
        if solid > room:
            for text, style in word:
                for part in _chopped(text, room):
                    if used and used + cell_len(part) > room:
                        lines.append([])
                        used = 0
                    lines[-1].append((part, style))
                    used += cell_len(part)
            continue
        lines[-1] += word
        used += width
    return lines


def _words(pieces: list[Piece]) -> list[list[Piece]]:
    """Words with the spaces behind them; a word may be made of several pieces."""
    words: list[list[Piece]] = [[]]
    for text, style in pieces:
        start = 0
        for index in range(1, len(text) + 1):
            if index == len(text) or (text[index - 1] == " " and text[index] != " "):
                if words[-1] and words[-1][-1][0].endswith(" "):
                    words.append([])
                words[-1].append((text[start:index], style))
                start = index
    return [word for word in words if word]


def _chopped(text: str, room: int) -> list[str]:
    out, used = [""], 0
    for char in text:
        width = cell_len(char)
        if used + width > room and out[-1]:
            out.append("")
            used = 0
        out[-1] += char
        used += width
    return out
