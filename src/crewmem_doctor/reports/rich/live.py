"""What probes saw, check by check."""

from __future__ import annotations

from crewmem_doctor.model.observation import Observation, Outcome
from crewmem_doctor.model.report import Report
from crewmem_doctor.reports.rich.page import Page
from crewmem_doctor.reports.words import count

MARKS: dict[Outcome, tuple[str, str]] = {
    "pass": ("✓", "kept"), "fail": ("✗", "lost"), "skip": ("–", "dim"), "error": ("?", "unknown")}
WORDS: dict[Outcome, str] = {"pass": "passed", "fail": "failed", "skip": "not judged", "error": "could not be made"}


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
            mark, style = MARKS[seen.outcome]
            slow = f" ({seen.elapsed_ms / 1000:.1f} s)" if seen.elapsed_ms >= 1000 else ""
            page.add((f"{mark} ", style), f"{seen.check:<{first}}  ", seen.detail, (slow, "dim"), indent=4,
                     hang=first + 4)
            if seen.outcome == "error" and seen.remedy and seen.meaning != "reach":     # of which CM902 speaks
                page.add(("→ ", "fix"), seen.remedy, indent=6 + first + 2, hang=2)


def tally(observations: tuple[Observation, ...]) -> str:
    """"7 checks: 5 passed, 1 failed, 1 not judged"."""
    numbers = {outcome: sum(seen.outcome == outcome for seen in observations) for outcome in WORDS}
    told = ", ".join(f"{number} {WORDS[outcome]}" for outcome, number in numbers.items() if number)
    return f"{count(len(observations), 'check')}: {told}"
