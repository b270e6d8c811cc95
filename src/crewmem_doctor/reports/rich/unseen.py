"""What the audit did not see, and what it was told to accept."""

from __future__ import annotations

from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.report import Report
from crewmem_doctor.reports.rich.page import Page
from crewmem_doctor.reports.words import count

SHOWN = 12
PLACES = 3


def unseen(page: Page, report: Report) -> None:
    """One line per reason; what repeats is counted."""
    if not report.gaps:
        return
    page.heading("Not seen", count(len(report.gaps), "place"))
    reasons: dict[tuple[str, str], list[Gap]] = {}
    for gap in sorted(report.gaps):
        reasons.setdefault((gap.kind, gap.why), []).append(gap)
    few = list(reasons.items()) if page.look.verbose else list(reasons.items())[:SHOWN]
    for (kind, why), gaps in few:
        shown = gaps if page.look.verbose else gaps[:PLACES]
        places = ", ".join(f"{gap.path}:{gap.line}" if gap.line else gap.path for gap in shown)
        more = f" and {len(gaps) - len(shown)} more" if len(gaps) > len(shown) else ""
        page.add((f"? {kind}", "unknown"), "  ", (places, "path"), (more, "dim"), f"  {why}", indent=2, hang=4)
    if len(reasons) > len(few):
        page.add((f"… and {count(len(reasons) - len(few), 'more reason')} (-v lists them)", "dim"), indent=2)


def accepted(page: Page, report: Report) -> None:
    """The suppressions that matched: a line that they exist, the list where the report is verbose."""
    if not report.suppressed:
        return
    if not page.look.verbose:
        page.blank()
        page.add((f"{count(len(report.suppressed), 'finding')} accepted by suppressions (-v lists them)", "dim"))
        return
    page.heading("Accepted", count(len(report.suppressed), "finding"))
    for entry in sorted(report.suppressed, key=lambda s: s.finding.order):
        finding = entry.finding
        page.add((f"- {finding.rule} {finding.name}", ""), "  ", (str(finding.at), "path"), f"  {finding.message}",
                 (f"  [{entry.path}:{entry.line}: {entry.reason}]", "dim"), indent=2, hang=4)
