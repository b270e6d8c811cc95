"""What counts: which rules run, what is accepted, and what the exit status says.

A later baseline is one more way to accept findings, beside `suppress`.
"""

from __future__ import annotations

from collections.abc import Iterable

from crewmem_doctor.model.finding import SEVERITIES, Finding
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.report import Suppression
from crewmem_doctor.policy.select import check, chosen
from crewmem_doctor.policy.suppress import sort
from crewmem_doctor.policy.threshold import exit_code
from crewmem_doctor.settings import Settings

__all__ = ["apply", "check", "chosen", "exit_code"]


def apply(findings: Iterable[Finding], project: Project,
          settings: Settings) -> tuple[tuple[Finding, ...], tuple[Suppression, ...]]:
    """The findings that count and those that are accepted, both in report order, each once, of the chosen rules only.

    The same cause in a development and a production deployment counts as the worse of the two.

    Adds CM001 for every suppression that accepts nothing.
    """
    ran = frozenset(rule.id for rule in chosen(settings))
    unique: dict[tuple[str, Location, str, str], Finding] = {}
    for finding in findings:
        key = (finding.rule, finding.at, finding.subject, finding.evidence)
        if finding.rule in ran and (key not in unique or worse(finding, unique[key])):
            unique[key] = finding
    kept, suppressed = sort(sorted(unique.values(), key=lambda f: f.order), project, settings, ran)
    return (tuple(sorted(kept, key=lambda f: f.order)), tuple(sorted(suppressed, key=lambda s: s.finding.order)))


def worse(one: Finding, other: Finding) -> bool:
    return SEVERITIES.index(one.severity) > SEVERITIES.index(other.severity)
