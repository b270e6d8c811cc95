"""Exact splices: a file's text with its own encoding and line breaks, and edits of it that leave all else as it is.

Positions are those of `Location` and `Edit`: 1-based lines and columns of code points, after the byte order mark. The
text of an edit has `\\n` between its lines, whatever the file has.
"""

from __future__ import annotations

import bisect
import codecs
import difflib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.record import dataclass

_BREAK = re.compile("\r\n|\r|\n")
_COOKIE = re.compile(rb"\A(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it is edited. `raw` keeps the line breaks of the file; `lines` are the offsets where its lines begin
    and end, without the break."""

    path: str
    raw: str
    mark: bytes
    encoding: str
    newline: str
    lines: tuple[tuple[int, int], ...]

    @classmethod
    def read(cls, path: str, body: bytes) -> Document:
        """Raises Refused where the bytes would not come back the same."""
        mark, encoding = next(((m, e) for m, e in _MARKS if body.startswith(m)), (b"", "utf-8"))
        if not mark and path.endswith(".py") and (cookie := _COOKIE.match(body)):
            encoding = cookie[1].decode("ascii", "replace")
        try:
            raw = body[len(mark):].decode(encoding)
            exact = raw.encode(encoding) == body[len(mark):]
        except (LookupError, UnicodeError):
            exact = False
        if not exact:
            raise Refused(f"{path} cannot be decoded without loss")
        breaks = _BREAK.findall(raw)
        newline = max(("\n", "\r\n", "\r"), key=breaks.count)
        ends = [(m.start(), m.end()) for m in _BREAK.finditer(raw)]
        starts = [0, *(end for _, end in ends)]
        stops = [*(start for start, _ in ends), len(raw)]
        return cls(path, raw, mark, encoding, newline, tuple(zip(starts, stops, strict=True)))

    @property
    def text(self) -> str:
        """With `\\n` between the lines, as the readers see it."""
        return _BREAK.sub("\n", self.raw) if "\r" in self.raw else self.raw

    def line(self, number: int) -> str:
        """The text of a line without its break, empty where there is none."""
        if not 0 < number <= len(self.lines):
            return ""
        return self.raw[slice(*self.lines[number - 1])]

    def offset(self, point: tuple[int, int]) -> int:
        """Raises Refused for a place that the file does not have; the start of the line after the last is its end."""
        number, column = point
        if number == len(self.lines) + 1 and column == 1:
            return len(self.raw)
        if not 0 < number <= len(self.lines):
            raise Refused(f"{self.path} has no line {number}")
        start, stop = self.lines[number - 1]
        if not 0 < column <= stop - start + 1:
            raise Refused(f"line {number} of {self.path} has no column {column}")
        return start + column - 1

    def slice(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The text between two places, with `\\n` between its lines."""
        return _BREAK.sub("\n", self.raw[self.offset(start):self.offset(end)])

    def end_of(self, number: int) -> tuple[int, int]:
        """Behind the last character of a line, before its break."""
        return number, len(self.line(number)) + 1

    def insertion(self, point: tuple[int, int], text: str) -> Edit:
        return Edit(self.path, point, point, text)

    def without_lines(self, first: int, last: int) -> Edit:
        """Takes whole lines out. Where the last line of the file goes, so does the break before it, unless the file
        ends in a break."""
        if last >= len(self.lines) and first > 1:
            return Edit(self.path, self.end_of(first - 1), self.end_of(last), "")
        return Edit(self.path, (first, 1), (last + 1, 1), "")

    def spliced(self, edits: Iterable[Edit]) -> bytes:
        """The bytes of the file with the edits made, which must not conflict. Equal edits are made once."""
        raw = self.raw
        for edit in sorted(set(edits), key=lambda e: (e.start, e.end), reverse=True):
            text = edit.text.replace("\n", self.newline)
            raw = raw[:self.offset(edit.start)] + text + raw[self.offset(edit.end):]
        try:
            return self.mark + raw.encode(self.encoding)
        except UnicodeEncodeError:
            raise Refused(f"{self.path} is {self.encoding}, which cannot say what is to be added") from None


def conflict(one: Edit, other: Edit) -> bool:
    """Whether the two cannot both be made: they touch the same text or the same point, and are not equal."""
    if one.path != other.path or one == other:
        return False
    first, second = sorted((one, other), key=lambda e: (e.start, e.end))
    return second.start < first.end or first.start == second.start


class Taken:
    """The places that edits take which can be made together."""

    def __init__(self) -> None:
        self._edits: dict[str, list[Edit]] = {}     # by path, in order of place: none meets its neighbours

    def add(self, edits: Sequence[Edit]) -> bool:
        """Takes the places of all these edits; of none where one conflicts with what is taken. Those that come together
        must not conflict with each other, as `joined` sees to."""
        if any(conflict(edit, other) for edit in edits for other in self._beside(edit)):
            return False
        for edit in edits:
            if edit not in self._beside(edit):
                bisect.insort(self._edits.setdefault(edit.path, []), edit, key=_place)
        return True

    def _beside(self, edit: Edit) -> list[Edit]:
        """Of what is taken, all that the edit could meet: only neighbours in order of place."""
        taken = self._edits.get(edit.path, [])
        first = bisect.bisect_left(taken, edit.start, key=lambda e: e.start)
        return taken[max(first - 1, 0) : bisect.bisect_right(taken, max(edit.start, edit.end), key=lambda e: e.start)]


def _place(edit: Edit) -> tuple[tuple[int, int], tuple[int, int]]:
    return edit.start, edit.end


def joined(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits of one remedy in order of place: equal ones once, insertions at one point behind each other, the most
    indented first, since it goes on with what stands there. Raises Refused where two conflict."""
    found: list[Edit] = []
    inserted: dict[tuple[str, tuple[int, int]], list[str]] = {}
    for edit in dict.fromkeys(edits):
        if edit.start == edit.end:
            inserted.setdefault((edit.path, edit.start), []).append(edit.text)
        else:
            found.append(edit)
    for (path, point), texts in inserted.items():
        found.append(Edit(path, point, point, "".join(sorted(texts, key=_indentation, reverse=True))))
    found.sort(key=lambda e: (e.path, e.start, e.end))
    for one, other in itertools.pairwise(found):
        if conflict(one, other):
            raise Refused(f"two changes meet at line {other.start[0]} of {other.path}")
    return tuple(found)


def _indentation(text: str) -> int:
    line = text.lstrip("\n").partition("\n")[0]
    return len(line) - len(line.lstrip())


def between(document: Document, text: str) -> tuple[Edit, ...]:
    """The least edits that turn the document's text into `text`, by whole lines and trimmed to what differs in them."""
    edits = tuple(between_lines(document, document.text.split("\n"), text.split("\n")))
    if any(conflict(one, other) for one, other in itertools.combinations(edits, 2)):
        return (_trimmed(document.path, 1, document.text, text),)      # lines come and go at one point
    return edits


def between_lines(document: Document, old: Sequence[str], new: Sequence[str], above: int = 0) -> Iterator[Edit]:
    """The same for some of its lines: `old` are those that follow on line `above`."""
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        first, last = above + a, above + b
        if tag == "insert":
            inserted = "\n".join(new[c:d])
            start = document.end_of(first) if first else (1, 1)
            yield document.insertion(start, f"\n{inserted}" if first else f"{inserted}\n")
        elif tag == "delete":
            yield document.without_lines(first + 1, last)
        elif tag == "replace":
            yield _trimmed(document.path, first + 1, "\n".join(old[a:b]), "\n".join(new[c:d]))


def _trimmed(path: str, line: int, old: str, new: str) -> Edit:
    """The edit of `old`, which begins line `line`, without the ends that both have in common."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    start, end = (_point(old, line, offset) for offset in (head, len(old) - tail))
    return Edit(path, start, end, new[head:len(new) - tail])


def _point(text: str, line: int, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return line + before.count("\n"), offset - (before.rfind("\n") + 1) + 1
