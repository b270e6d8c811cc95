"""What `fix` would write, and what it would not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from crewmem_doctor.model.finding import Edit, Finding, Fix
from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One remedy. `findings` are those it answers, the first one offered it.

    `edits` count from the state before the step's own pass; `before` and `after` are the texts of the files it alters,
    right before and after it, so the steps' diffs can be applied one after the other. `follows` says that the step is
    only there because an earlier one would else bring its finding.
    """

    findings: tuple[Finding, ...]
    fix: Fix
    edits: tuple[Edit, ...]
    before: Mapping[str, str] = field(compare=False)
    after: Mapping[str, str] = field(compare=False)
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A finding that offers a remedy which is not made, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in order, what was refused, the findings whose remedy is unsafe and was not asked for, and each altered
    file's bytes as they were read and as they will be."""

    steps: tuple[Step, ...] = ()
    refused: tuple[Refused, ...] = ()
    withheld: tuple[Finding, ...] = ()
    files: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict)
    crashed: tuple[str, ...] = ()       # rules that failed, so that not all is known
