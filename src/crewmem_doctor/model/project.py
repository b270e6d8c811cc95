"""The frozen model that rules read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Literal

from crewmem_doctor.model.code import Code
from crewmem_doctor.model.deployment import Process, Service, Setting
from crewmem_doctor.model.expression import Surroundings
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Reach
from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Release

GapKind = Literal["parse", "unreadable", "too-large", "dynamic", "template", "crash"]


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Something that was not seen, and why."""

    path: str
    line: int
    kind: GapKind
    why: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package the tree asks for. `name` is normalised (PEP 503), with `extras` apart."""

    name: str
    specifier: str
    at: Location
    extras: tuple[str, ...] = ()
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A memory that a process of a service runs, and what that process finds around it.

    `sure` is False where the service's command could not be traced to the code and the join rests on being the only
    application container that holds it.
    """

    memory: Memory
    service: Service
    process: Process | None
    around: Surroundings = field(compare=False)
    reaches: tuple[Reach, ...] = ()
    sure: bool = True
    loads_at_import: bool = False  # the module that constructs the memory is imported when the process starts


@dataclass(frozen=True, slots=True)
class Comment:
    """A `crewmem:` comment, unread. `alone` is True where nothing else stands on its line."""

    at: Location
    text: str
    alone: bool


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """One scanned tree, compared by identity. `excerpt(path, line)` gives the source line's text for reports.

    `release` is that of most memories; `asked(path)` that of one file, where its folder asks for another.
    """

    release: Release
    memories: tuple[Memory, ...] = ()
    code: Code = field(default_factory=Code)
    services: tuple[Service, ...] = ()
    runs: tuple[Run, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    dotenv: tuple[Setting, ...] = ()       # what the tree's own .env files set (not .env.example)
    observations: tuple[Observation, ...] = ()
    comments: tuple[Comment, ...] = ()
    committed_stores: tuple[str, ...] = ()  # databases of records that lie in the tree itself, by path
    gaps: tuple[Gap, ...] = ()
    files: int = 0
    asked: Callable[[str], Release | None] | None = field(default=None, compare=False)
    excerpt: Callable[[str, int], str] = field(default=lambda _path, _line: "", compare=False)

    def release_of(self, path: str) -> Release:
        """The release that governs a file: what the nearest folder above asks for, else that of the project."""
        found = self.asked(path) if self.asked is not None else None
        return found or self.release

    def runs_of(self, memory: Memory) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.memory is memory)

    def runs_in(self, service: Service) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.service is service)
