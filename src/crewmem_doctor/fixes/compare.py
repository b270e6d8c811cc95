"""Two audits of a tree, before and after some edits: whether these are to stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from crewmem_doctor.model.finding import SEVERITIES, Finding
from crewmem_doctor.model.report import Report

Cause = tuple[str, str, str]


def compare(before: Report, after: Report, answered: Sequence[Finding]) -> tuple[str, list[Finding]]:
    """What is wrong after edits that answer some findings, empty where nothing is; and the findings they brought."""
    had, has = causes(before), causes(after)
    severities: dict[Cause, int] = {}
    for finding in before.findings:
        severities[cause(finding)] = max(severities.get(cause(finding), 0), SEVERITIES.index(finding.severity))
    answers = {finding.rule for finding in answered}
    moved = Counter((rule, path) for rule, path, _ in (had - has).elements() if rule not in answers)
    brought = []
    for finding in after.findings:
        key = cause(finding)
        worse = SEVERITIES.index(finding.severity) > severities.get(key, 0)
        if finding.severity == "note" or not (worse or has[key] > had[key]):
            continue
        if had[key] == 0 and moved[key[:2]] > 0:
            moved[key[:2]] -= 1     # the same fault of what stands there now
            continue
        brought.append(finding)
    if brought:
        return f"it would bring {brought[0].rule} at {brought[0].at}: {brought[0].message}", brought
    known = Counter((gap.path, gap.kind, gap.why) for gap in before.gaps)
    for gap in after.gaps:
        if known[gap.path, gap.kind, gap.why] == 0:
            return f"it would leave {gap.path or 'the tree'} unread: {gap.why}", []
        known[gap.path, gap.kind, gap.why] -= 1
    for key, number in Counter(cause(f) for f in answered).items():
        if has[key] > max(had[key] - number, 0):
            return "it would not be enough: the finding is still there afterwards", []
    return "", []


def causes(report: Report) -> Counter[Cause]:
    accepted = (s.finding for s in report.suppressed)
    return Counter(cause(f) for f in (*report.findings, *accepted))


def cause(finding: Finding) -> Cause:
    """A finding without its evidence: a path that has moved is no other cause."""
    return finding.rule, finding.at.path, finding.subject
