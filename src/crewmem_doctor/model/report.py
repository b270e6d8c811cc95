"""What every format prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Literal

from crewmem_doctor.model.deployment import Event
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.project import Gap, Project
from crewmem_doctor.model.record import dataclass

Probing = Callable[[Project], tuple[Observation, ...]]     # what probes are given, and what they saw
Word = Literal["kept", "stale", "lost", "unknown", "n/a"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one event does to one memory in one service. `why` is a phrase, empty where nothing needs saying."""

    word: Word
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the survival table. `location` is the effective path or server, as far as it is known. `deployment`
    tells services of the same id in alternative deployments apart."""

    memory: str
    service: str
    outcomes: Mapping[Event, Outcome]
    location: str = ""
    deployment: str = ""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a finding is not counted."""

    finding: Finding
    kind: Literal["comment", "config", "baseline"]
    reason: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Report:
    """The data of every format. `exit_code` follows the table of exit statuses, whatever the format."""

    project: Project
    memories: tuple[Memory, ...] = ()  # those that are on, by id, without old copies that nothing runs
    rows: tuple[Row, ...] = ()
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppression, ...] = ()
    gaps: tuple[Gap, ...] = ()
    exit_code: int = 0
    fail_on: str = "warning"
    locations: Mapping[str, str] = field(default_factory=dict)  # memory id → where its records land
    excerpt: Callable[[str, int], str] = field(default=lambda _path, _line: "", compare=False)

    def count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def offers_edits(self) -> bool:
        """Whether a finding says what to change in words that can become edits."""
        return any(finding.fix is not None and finding.fix.changes for finding in self.findings)

    def memory(self, memory_id: str) -> Memory | None:
        return next((m for m in self.memories if m.id == memory_id), None)
