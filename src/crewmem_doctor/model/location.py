"""Where a fact was read."""

from __future__ import annotations

from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A span in a scanned file.

    `path` is POSIX and relative to the scan root. Lines and columns are 1-based, `end_column` is exclusive, and columns
    count code points.
    """

    path: str
    line: int = 1
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __post_init__(self) -> None:
        if self.end_line < self.line:
            object.__setattr__(self, "end_line", self.line)
        if self.end_line == self.line and self.end_column <= self.column:
            object.__setattr__(self, "end_column", self.column + 1)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"
