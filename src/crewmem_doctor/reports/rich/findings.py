"""The findings, grouped by the question they answer, each with its evidence and its remedy."""

from __future__ import annotations

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.report import Report
from crewmem_doctor.reports.rich import excerpt
from crewmem_doctor.reports.rich.page import Page
from crewmem_doctor.reports.words import count
from crewmem_doctor.rules.base import GROUPS

MARKS = {"error": "✗", "warning": "!", "note": "i"}
_RANK = {"error": 0, "warning": 1, "note": 2}
# The audit's own findings come last, after everything about the project.
_ORDER = (*(digit for digit in GROUPS if digit != "0"), "0")


def findings(page: Page, report: Report) -> None:
    """Every finding. Notes take one line each unless the report is verbose."""
    for digit in _ORDER:
        group = [f for f in report.findings if f.rule[2] == digit]
        if not group:
            continue
        numbers = [(severity, sum(f.severity == severity for f in group)) for severity in _RANK]
        page.heading(GROUPS[digit], ", ".join(count(number, severity) for severity, number in numbers if number))
        for finding in sorted(group, key=lambda f: (_RANK[f.severity], f.order)):
            if finding.severity == "note" and not page.look.verbose:
                _one_line(page, report, finding)
            else:
                _whole(page, report, finding)


def _one_line(page: Page, report: Report, finding: Finding) -> None:
    where = "" if _live_only(report, finding) else f"{finding.at}  "
    page.add((f"{MARKS['note']} {finding.rule} {finding.name}", "note"), "  ", (where, "path"), finding.message, hang=2)


def _live_only(report: Report, finding: Finding) -> bool:
    """Whether it stands at the target of a probe, which has no lines to show."""
    return any(seen.target == finding.at.path for seen in report.project.observations)


def _whole(page: Page, report: Report, finding: Finding) -> None:
    page.blank()
    sure = "" if finding.confidence == "high" else f"  ({finding.confidence} confidence)"
    page.add((f"{MARKS[finding.severity]} {finding.severity} {finding.rule}", finding.severity), " ",
             (finding.name, "bold"), (sure, "dim"))
    page.add(finding.message, indent=2)
    if not _live_only(report, finding):
        page.blank()
        excerpt.show(page, finding, report.excerpt)
    if finding.fix is not None:
        page.blank()
        page.add(("→ ", "fix"), (finding.fix.title, "fix"), indent=2, hang=2)
        for line in finding.fix.snippet.expandtabs(4).splitlines():
            page.add((line, "snippet"), indent=6, wrap=False)
        if finding.fix.recipe:
            page.add((f"see {finding.fix.recipe}", "dim"), indent=4, wrap=False)
    page.blank()
