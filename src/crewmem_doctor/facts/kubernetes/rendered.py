"""Text that a template made, with the place that each part of it came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace

from crewmem_doctor.facts.kubernetes.things import Hole
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.templates import FILLER
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

HOLE = "\ue001"  # stands where lines may be added that nobody can know


@dataclass(frozen=True, slots=True)
class Piece:
    """`at` is where the text stands; `linear` text stands there as it is, other text came out of `action`."""

    text: str
    at: Location
    linear: bool = False
    action: Location | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def known(self) -> bool:
        return not any(FILLER in piece.text or HOLE in piece.text for piece in self.pieces)

    def indented(self, pad: str) -> Rendered:
        """With `pad` before each line."""
        out: list[Piece] = []
        if self.pieces:
            out.append(Piece(pad, self.pieces[0].at))
        for piece in self.pieces:
            lines = piece.text.split("\n")
            for number, line in enumerate(lines):
                at = piece.at
                if piece.linear and number:
                    at = Location(at.path, at.line + number, 1, at.line + number, len(line) + 1)
                if number:
                    out.append(Piece("\n" + pad, at, action=piece.action))
                if line:
                    out.append(replace(piece, text=line, at=at))
        return Rendered(tuple(out))

    def stripped(self) -> Rendered:
        pieces = list(self.pieces)
        while pieces and not pieces[-1].text.strip():
            pieces.pop()
        while pieces and not pieces[0].text.strip():
            pieces.pop(0)
        if pieces:
            last = pieces[-1]
            pieces[-1] = replace(last, text=last.text.rstrip())
            first = pieces[0]
            body = first.text.lstrip()
            gone = first.text[: len(first.text) - len(body)]
            at = first.at
            if first.linear and gone:
                line = at.line + gone.count("\n")
                column = len(gone) - gone.rfind("\n") if "\n" in gone else at.column + len(gone)
                at = Location(at.path, line, column)
            pieces[0] = replace(first, text=body, at=at)
        return Rendered(tuple(pieces))


def as_yaml(node: Node, action: Location) -> Rendered:
    """What toYaml prints of a value, each line with the place of the value."""
    return Rendered(tuple(_lines(node, 0, action, 0))).stripped()


def _lines(node: Node, indent: int, action: Location, depth: int) -> Iterable[Piece]:
    pad = " " * indent
    if depth > 60:
        return
    if isinstance(node, Mapping) and node.entries:
        for key, value in node.items():
            yield Piece(f"{pad}{_shown(key)}:", key.at, action=action)
            yield from _value(value, indent + 2, action, depth)
    elif isinstance(node, Sequence) and node.items:
        for item in node.items:
            inner = list(_lines(item, indent + 2, action, depth + 1)) if not isinstance(item, Scalar) else []
            if inner:
                yield Piece(f"{pad}-{' '}", item.at, action=action)
                yield replace(inner[0], text=inner[0].text[indent + 2 :])
                yield from inner[1:]
            else:
                yield Piece(f"{pad}- {_shown(item)}\n", item.at, action=action)
    else:
        yield Piece(f"{pad}{_shown(node)}\n", node.at, action=action)


def _value(value: Node, indent: int, action: Location, depth: int) -> Iterable[Piece]:
    if isinstance(value, Scalar) or not (value.entries if isinstance(value, Mapping) else value.items):
        yield Piece(" ", value.at, action=action)
        yield Piece(_shown(value), value.at, action=action)
        yield Piece("\n", value.at, action=action)
    else:
        yield Piece("\n", value.at, action=action)
        yield from _lines(value, indent, action, depth + 1)


def _shown(node: Node) -> str:
    if isinstance(node, Mapping):
        return "{}"
    if isinstance(node, Sequence):
        return "[]"
    if node.tag == "null":
        return "null"
    if node.tag == "unknown":
        return FILLER
    plain = node.value.replace("_", "").replace("/", "").replace(".", "").replace("-", "").isalnum()
    if (plain and not node.quoted and not node.value.startswith("-")) or FILLER in node.value:
        return node.value
    return quoted(node.value)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


class Page:
    """The whole of what a template made: text to parse, places to give back, and the holes in it."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        kept: list[Piece] = []
        markers: list[tuple[int, Location]] = []
        line = 0
        for piece in pieces:
            if piece.text == HOLE:
                markers.append((line, piece.action or piece.at))
            elif piece.text:
                line += piece.text.count("\n")
                kept.append(piece)
        self.pieces = kept
        lines = "".join(piece.text for piece in kept).split("\n")
        holes = [Hole(at, _parent(lines, number)) for number, at in markers]
        starts: list[tuple[int, int]] = []
        row, column = 1, 1
        for piece in kept:
            starts.append((row, column))
            row, column = _after(piece.text, row, column)
        self.starts = starts
        for number, text in enumerate(lines):
            if FILLER in text and not text.replace(FILLER, "").strip(" -"):
                place = self._piece(number + 1, text.index(FILLER) + 1)[0]
                holes.append(Hole(place.action or place.at, _parent(lines, number)))
                if "-" not in text:
                    lines[number] = text.replace(FILLER, " ")
        self.text = "\n".join(lines)
        self.holes = tuple(holes)

    def without(self, lines: Iterable[int]) -> Page | None:
        """The page with what templates put on those lines taken as unknown; None where they put nothing there."""
        wanted = set(lines)
        out = []
        changed = False
        for piece, (row, _) in zip(self.pieces, self.starts, strict=True):
            if not piece.linear and row in wanted and "\n" not in piece.text and FILLER not in piece.text:
                piece, changed = replace(piece, text=FILLER, at=piece.action or piece.at), True
            out.append(piece)
        if not changed:
            return None
        page = Page(out)
        page.holes = (*self.holes, *page.holes)
        return page

    def place(self, at: Location) -> Location:
        """Where that stretch of the made text comes from."""
        if not self.pieces:
            return at
        first, row, column = self._piece(at.line, at.column)
        last, end_row, end_column = self._piece(at.end_line, max(at.end_column - 1, 1))
        start = _spot(first, row, column, at.line, at.column)
        end = (
            (last.at.end_line, last.at.end_column)
            if not last.linear
            else _next(_spot(last, end_row, end_column, at.end_line, max(at.end_column - 1, 1)))
        )
        path = last.at.path
        if path != first.at.path and last.action is not None:
            path, end = last.action.path, (last.action.end_line, last.action.end_column)
        if path != first.at.path or end < start:
            return Location(first.at.path, *start)
        return Location(first.at.path, *start, *end)

    def _piece(self, line: int, column: int) -> tuple[Piece, int, int]:
        index = max(bisect_right(self.starts, (line, column)) - 1, 0)
        return (self.pieces[index], *self.starts[index])


def _after(text: str, row: int, column: int) -> tuple[int, int]:
    breaks = text.count("\n")
    return (row + breaks, len(text) - text.rfind("\n")) if breaks else (row, column + len(text))


def _spot(piece: Piece, row: int, column: int, line: int, at: int) -> tuple[int, int]:
    if not piece.linear:
        return piece.at.line, piece.at.column
    return (piece.at.line + line - row, at) if line > row else (piece.at.line, piece.at.column + at - column)


def _next(spot: tuple[int, int]) -> tuple[int, int]:
    return spot[0], spot[1] + 1


def _parent(lines: list[str], number: int) -> str:
    """The key that the line stands under: that of the nearest line above with less indentation."""
    here = number
    while here < len(lines) - 1 and not lines[here].strip():
        here += 1
    indent = len(lines[here]) - len(lines[here].lstrip())
    if not lines[here].strip() or lines[here].startswith("---"):
        return ""
    for above in range(min(number, len(lines)) - 1, -1, -1):
        body = lines[above].strip()
        if not body or body.startswith("#"):
            continue
        depth = len(lines[above]) - len(lines[above].lstrip())
        if depth < indent or (
            depth == indent
            and lines[here].lstrip().startswith(("-", FILLER))
            and body.endswith(":")
            and not body.startswith("-")
        ):
            return body.lstrip("- ").partition(":")[0]
    return ""
