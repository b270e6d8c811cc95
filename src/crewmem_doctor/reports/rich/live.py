"""What probes saw, check by check."""

from __future__ import annotations

from crewmem_doctor.model.observation import Observation, Outcome
from crewmem_doctor.model.report import Report
from crewmem_doctor.reports.rich.page import Page
from crewmem_doctor.reports.verdict import tally

MARKS: dict[Outcome, tuple[str, str]] = {
    "pass": ("✓", "kept"), "fail": ("✗", "lost"), "skip": ("–", "dim"), "error": ("?", "unknown")}


def live(page: Page, report: Report) -> None:
    """One line for each check, target by target, with how long it took where that is worth telling."""
    targets: dict[str, list[Observation]] = {}
    for seen in report.project.observations:
        targets.setdefault(seen.target, []).append(seen)
    if not targets:
        return
    page.heading("Probes", tally(report.project.observations))
    first = max(len(seen.check) for seen in report.project.observations)
    for target, checks in targets.items():
        page.add((target, "bold"), indent=2, wrap=False)
        for seen in checks:
            mark, style = ("i", "note") if seen.minor else MARKS[seen.outcome]
            slow = f" ({seen.elapsed_ms / 1000:.1f} s)" if seen.elapsed_ms >= 1000 else ""
            page.add((f"{mark} ", style), f"{seen.check:<{first}}  ", seen.detail, (slow, "dim"), indent=4,
                     hang=first + 4)
            if seen.outcome == "error" and seen.remedy and seen.meaning != "reach":     # of which CM902 speaks
                page.add(("→ ", "fix"), seen.remedy, indent=6 + first + 2, hang=2)
