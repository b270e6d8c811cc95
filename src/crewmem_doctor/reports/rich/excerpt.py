"""Source lines with underlines: the evidence of a finding, file by file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.location import Location
from crewmem_doctor.redact import hidden
from crewmem_doctor.reports.rich.page import Page, Piece
from crewmem_doctor.reports.words import visible

LONGEST = 240            # columns of a source line that a pipe gets to see


def show(page: Page, finding: Finding, excerpt: Callable[[str, int], str]) -> None:
    """The finding's own line first, then the chain that led there, in reading order."""
    marks = _marks(finding)
    gutter = max(len(str(at.line)) for at, _ in marks)
    shown: Location | None = None
    for index, (at, note) in enumerate(marks):
        style = "caret" if index == 0 else "step"
        if shown is None or shown.path != at.path:
            page.add((f"{at.path}:{at.line}:{at.column}", "path"), indent=gutter + 3, wrap=False)
            shown = None
        repeated = shown is not None and shown.line == at.line
        _line(page, at, note, excerpt(at.path, at.line), gutter, style, repeated=repeated)
        shown = at


def _marks(finding: Finding) -> list[tuple[Location, str]]:
    """Places with their notes, each once. A step at the finding's own place words its underline."""
    marks: dict[Location, str] = {finding.at: ""}
    for step in finding.because:
        if step.note not in marks.get(step.at, ""):
            marks[step.at] = f"{marks[step.at]}; {step.note}" if marks.get(step.at) else step.note
    return list(marks.items())


def _line(page: Page, at: Location, note: str, text: str, gutter: int, style: str, *, repeated: bool) -> None:
    bar = f"{'':{gutter}} │ "
    if not text.strip():
        page.add((note, ""), indent=2, margin=f"{at.line:>{gutter}} │ ")
        return
    room = page.look.room - 2 - len(bar) if page.look.width else LONGEST
    before, span, after = _fitted(_parts(text, at), room)
    if not repeated:
        page.add((f"{at.line:>{gutter}} │ ", "dim"), before + span + after, indent=2, wrap=False)
    start = cell_len(before)
    carets = "^" * max(1, min(cell_len(span.rstrip()), room - start))
    pieces: list[Piece] = [(bar, "dim"), (" " * start, ""), (carets, style)]
    if not note or start + len(carets) + 1 + cell_len(note) <= room:
        page.add(*pieces, (f" {note}" if note else "", style), indent=2, wrap=False)
        return
    page.add(*pieces, indent=2, wrap=False)
    # The note goes below: under the carets, else as far right as it fits, else wrapped.
    lead = min(start, max(room - cell_len(note), 0) or room // 3)
    page.add((note, style), indent=2, margin=bar + " " * lead)


def _parts(text: str, at: Location) -> tuple[str, str, str]:
    """The line before, in and behind the span, with secrets hidden and each part safe to print."""
    last = at.end_column if at.end_line == at.line else len(text) + 1
    begin, end = max(0, at.column - 1), max(at.column, last - 1)
    parts = ("", "", "")
    for piece, where in _visible(text.rstrip()):
        index = 0 if where < begin else 1 if where < end else 2
        parts = (parts[0] + piece, parts[1], parts[2]) if index == 0 else (
            parts[0], parts[1] + piece, parts[2]) if index == 1 else (parts[0], parts[1], parts[2] + piece)
    return _dedented(parts)


def _visible(text: str) -> Sequence[tuple[str, int]]:
    """What is shown for each stretch of the line, with the offset at which that stretch begins."""
    out: list[tuple[str, int]] = []
    at = 0
    for start, end, shown in [*hidden(text), (len(text), len(text), "")]:
        out += [("    " if char == "\t" else visible(char), at + i) for i, char in enumerate(text[at:start])]
        out.append((shown, start))
        at = end
    return out


def _dedented(parts: tuple[str, str, str]) -> tuple[str, str, str]:
    """Deep indentation says nothing about one line on its own."""
    depth = len(parts[0]) - len(parts[0].lstrip(" "))
    return (parts[0][depth - 8:], parts[1], parts[2]) if depth > 16 else parts


def _fitted(parts: tuple[str, str, str], room: int) -> tuple[str, str, str]:
    """Cut around the span where the line is too long, with … where something is missing."""
    before, span, after = parts
    if cell_len(before + span + after) <= room:
        return parts
    span = _head(span, room - 2)
    left = room - cell_len(span)
    before = _head(before[::-1], left - min(cell_len(after), left // 3))[::-1]
    return before, span, _head(after, left - cell_len(before))


def _head(text: str, room: int) -> str:
    """As much of the beginning as there is room for."""
    if cell_len(text) <= room:
        return text
    text = text[:max(room, 0)]
    while text and cell_len(text) > room - 1:
        text = text[:-1]
    return text + "…" if room > 0 else ""
