"""What probes saw, as findings. A probe's words are the message; the rule says what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.observation import Meaning, Observation, Outcome
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules.base import Example, Rule

PLACE = Location("app.py", 1)


def findings(rule: Rule, project: Project, meanings: Iterable[Meaning], remedy: str,
             outcomes: Iterable[Outcome] = ("fail",)) -> Iterator[Finding]:
    """One finding for each check of those meanings that had one of the outcomes.

    It stands where a person would make the change; where the tree has no such place, the target stands for a path.
    """
    wanted, bad = frozenset(meanings), frozenset(outcomes)
    for seen in project.observations:
        if seen.meaning in wanted and seen.outcome in bad:
            yield rule.finding(
                seen.at or Location(seen.target), f"{seen.target}: {seen.detail}",
                subject=f"{seen.probe} {seen.target}", evidence=seen.check, severity="note" if seen.minor else None,
                fix=Fix(seen.remedy or remedy, seen.snippet))


def bad(title: str, probe: str, target: str, check: str, detail: str, outcome: Outcome = "fail") -> Example:
    """What a probe saw, at a line that gets a finding."""
    return _example(title, "import crewai  # <-- here\n", Observation(probe, target, check, outcome, detail, 12.0, PLACE))


def good(title: str, probe: str, target: str, check: str, detail: str, outcome: Outcome = "pass") -> Example:
    """What a probe saw, at a line that gets none."""
    return _example(title, "import crewai\n", Observation(probe, target, check, outcome, detail, 12.0, PLACE))


def _example(title: str, text: str, seen: Observation) -> Example:
    return Example(title, {PLACE.path: text}, observations=(seen,))
