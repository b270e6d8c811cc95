"""The CrewAI releases a project may run."""

from __future__ import annotations

import re
from collections.abc import Callable

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A final release. A pre-release counts as the release it precedes."""

    major: int
    minor: int
    micro: int = 0

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """None where `text` does not begin with a release number."""
        match = re.match(r"\s*v?(\d+)\.(\d+)(?:\.(\d+))?", text)
        return cls(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.micro}"


@dataclass(frozen=True, slots=True)
class Release:
    """What the tree says about the CrewAI in use.

    `candidates` are the released versions, oldest first, that the tree allows: one where a lock or exact pin decides,
    all of them where nothing is said. Never empty. `locked` is True where a lock file or an exact pin decides.
    """

    candidates: tuple[Version, ...]
    specifier: str = ""
    source: str = ""
    at: Location | None = None
    locked: bool = False

    @property
    def exact(self) -> Version | None:
        return self.candidates[0] if self.locked and len(self.candidates) == 1 else None

    @property
    def newest(self) -> Version:
        """What a fresh install brings."""
        return self.candidates[-1]

    def always(self, holds: Callable[[Version], bool]) -> bool:
        return all(holds(v) for v in self.candidates)

    def ever(self, holds: Callable[[Version], bool]) -> bool:
        return any(holds(v) for v in self.candidates)

    def __str__(self) -> str:
        if self.exact:
            return str(self.exact)
        return self.specifier or "of unknown version"
