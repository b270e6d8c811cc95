"""What counts: which rules run, what is accepted, and what the exit status says.

A later baseline is one more way to accept findings, beside `suppress`.
"""

from __future__ import annotations

from collections.abc import Iterable

from crewmem_doctor.model.finding import Finding
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

    Adds CM001 for every suppression that accepts nothing.
    """
    ran = frozenset(rule.id for rule in chosen(settings))
    unique = {(f.rule, f.at, f.subject, f.evidence): f for f in findings if f.rule in ran}
    kept, suppressed = sort(sorted(unique.values(), key=lambda f: f.order), project, settings, ran)
    return (tuple(sorted(kept, key=lambda f: f.order)), tuple(sorted(suppressed, key=lambda s: s.finding.order)))
