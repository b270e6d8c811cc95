"""What the exit status says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crewmem_doctor.model.finding import SEVERITIES, Finding
from crewmem_doctor.model.project import Gap
from crewmem_doctor.settings import Settings

CLEAN, FOUND, BLIND, NOTHING = 0, 1, 2, 3


def exit_code(kept: Iterable[Finding], gaps: Sequence[Gap], uses_crewai: bool, settings: Settings) -> int:
    """The exit status after a scan, the same for every format: could not look, nothing to audit, found, clean."""
    if any(gap.kind == "crash" for gap in gaps) or (settings.strict and gaps):
        return BLIND
    if not uses_crewai:
        return NOTHING
    return FOUND if any(counts(finding, settings.fail_on) for finding in kept) else CLEAN


def counts(finding: Finding, fail_on: str) -> bool:
    """Whether the finding is at or above the threshold."""
    return fail_on != "never" and SEVERITIES.index(finding.severity) >= [*SEVERITIES, fail_on].index(fail_on)
