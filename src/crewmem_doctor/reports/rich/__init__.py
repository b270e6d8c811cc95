"""`--format rich`: the report for people, screen by screen."""

from __future__ import annotations

from crewmem_doctor.model.report import Report
from crewmem_doctor.reports.rich.findings import findings
from crewmem_doctor.reports.rich.live import live
from crewmem_doctor.reports.rich.overview import memories, survival
from crewmem_doctor.reports.rich.page import Look, Page
from crewmem_doctor.reports.rich.unseen import accepted, unseen
from crewmem_doctor.reports.verdict import Verdict, verdict

__all__ = ["Look", "render"]
_MARKS = {"bad": "✗", "doubtful": "!", "good": "✓", "nothing": "–"}


def render(report: Report, look: Look) -> str:
    """The verdict, what remembers and what it outlives, the findings, what was not seen, and the verdict again.

    A quiet report is the findings alone.
    """
    page = Page(look)
    if look.quiet:
        findings(page, report)
        return page.text()
    conclusion = verdict(report)
    _conclude(page, conclusion)
    said = len(page.lines)
    if report.memories:
        memories(page, report)
        survival(page, report)
    live(page, report)
    findings(page, report)
    unseen(page, report)
    accepted(page, report)
    if len(page.lines) > said:
        page.blank()
        _conclude(page, conclusion)
    if conclusion.rule:
        page.add(("Next: ", "dim"), (f"crewmem-doctor explain {conclusion.rule}", "bold"), indent=2)
    return page.text()


def _conclude(page: Page, conclusion: Verdict) -> None:
    page.add((f"{_MARKS[conclusion.tone]} {conclusion.text}", conclusion.tone), hang=2)
