"""What the exit status says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crewmem_doctor.model.finding import SEVERITIES, Finding
from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.project import Gap
from crewmem_doctor.settings import Settings

CLEAN, FOUND, BLIND, NOTHING = 0, 1, 2, 3


def exit_code(kept: Iterable[Finding], gaps: Sequence[Gap], uses_crewai: bool, settings: Settings,
              observations: Sequence[Observation] = ()) -> int:
    """The exit status after a run, the same for every format: could not look, nothing to audit, found, clean.

    What a probe found counts also where the tree itself has nothing to audit.
    """
    if any(gap.kind == "crash" for gap in gaps) or (settings.strict and gaps):
        return BLIND
    if any(seen.outcome == "error" for seen in observations):
        return BLIND
    counted = [finding for finding in kept if counts(finding, settings.fail_on)]
    if not uses_crewai:
        return FOUND if any(finding.rule.startswith("CM9") for finding in counted) else NOTHING
    return FOUND if counted else CLEAN


def counts(finding: Finding, fail_on: str) -> bool:
    """Whether the finding is at or above the threshold."""
    return fail_on != "never" and SEVERITIES.index(finding.severity) >= [*SEVERITIES, fail_on].index(fail_on)
