"""A piece of text that remembers where in its file each character stands."""

from __future__ import annotations

from bisect import bisect_right

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """Text cut out of a file, joined continuations and all.

    `marks` holds (offset in `text`, line, column) of every stretch that is contiguous in the file. Without marks the
    whole passage stands at `whole`: text that came through another parser (a YAML scalar) has no finer place.
    """

    text: str
    whole: Location
    marks: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def of(cls, text: str, path: str, line: int = 1, column: int = 1) -> Passage:
        """The passage of text that stands in one stretch from that line and column on."""
        marks = [(0, line, column)]
        end = text.find("\n")
        while end >= 0:
            marks.append((end + 1, line + len(marks), 1))
            end = text.find("\n", end + 1)
        return cls(text, Location(path, line, column, marks[-1][1]), tuple(marks))

    def at(self, start: int, end: int) -> Location:
        """The span of `text[start:end]`; it ends on the line where its last character stands."""
        if not self.marks:
            return self.whole
        line, column = self._spot(start)
        end_line, end_column = self._spot(max(start, end - 1))
        return Location(self.whole.path, line, column, end_line, end_column + 1)

    def part(self, start: int, end: int) -> Passage:
        """The passage of `text[start:end]`."""
        text = self.text[start:end]
        if not self.marks:
            return Passage(text, self.whole)
        line, column = self._spot(start)
        inner = tuple((o - start, row, col) for o, row, col in self.marks if start < o < end)
        return Passage(text, self.at(start, max(end, start + 1)), ((0, line, column), *inner))

    def _spot(self, offset: int) -> tuple[int, int]:
        index = bisect_right(self.marks, offset, key=lambda mark: mark[0]) - 1
        start, line, column = self.marks[max(index, 0)]
        return line, column + offset - start
