"""The one sentence that a report begins and ends with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.report import Report
from crewmem_doctor.reports.words import count
from crewmem_doctor.survival import undecided


@dataclass(frozen=True, slots=True)
class Verdict:
    """`tone` decides mark and colour; `rule` is the first one worth explaining, empty where there is none."""

    tone: Literal["bad", "doubtful", "good", "nothing"]
    text: str
    rule: str = ""


def verdict(report: Report) -> Verdict:
    """What the report comes to. A scan that could not look says so, whatever it found."""
    found = _found(report)
    files = report.project.files
    if report.exit_code == 2:
        missed = sum(seen.outcome == "error" for seen in report.project.observations)
        if missed:
            return Verdict("bad", f"{count(missed, 'check')} could not be made{'; ' + found if found else ''}",
                           _first(report))
        crashes = sum(gap.kind == "crash" for gap in report.gaps)
        unseen = f"{count(len(report.gaps), 'place')} not seen (--strict)"
        blind = f"{count(crashes, 'rule')} crashed" if crashes else unseen
        return Verdict("bad", f"The audit is incomplete: {blind}{'; ' + found if found else ''}", _first(report))
    if report.exit_code == 3:
        return Verdict("nothing", f"Nothing to audit: no audited file uses CrewAI ({count(files, 'file')}; tests, "
                       "examples and notebooks count with --include-tests)")
    if not files and report.project.observations:
        return _probed(report, found)
    if found:
        return _findings(report, found)
    return _silence(report)


def _found(report: Report) -> str:
    counts = [(severity, report.count(severity)) for severity in ("error", "warning", "note")]
    return ", ".join(count(number, severity) for severity, number in counts if number)


def _first(report: Report) -> str:
    """The first of the worst findings, in the order in which reports group them: the audit's own come last."""
    ranked = sorted(report.findings, key=lambda f: (
        ("error", "warning", "note").index(f.severity), f.rule[2] == "0", f.rule[2], f.order))
    return ranked[0].rule if ranked else ""


def _losing(report: Report) -> int:
    return len({row.memory for row in report.rows if any(o.word == "lost" for o in row.outcomes.values())})


def _findings(report: Report, found: str) -> Verdict:
    losing = _losing(report)
    loses = f"{count(losing, 'memory loses', 'memories lose')} records: " if losing else ""
    told = f"{loses}{found}"
    if report.memories and not report.rows:
        told += "; no deployment file here runs a memory"
    if report.count("error"):
        return Verdict("bad", told, _first(report))
    if report.count("warning"):
        return Verdict("doubtful", told, _first(report))
    return Verdict("doubtful" if losing else "good", f"Nothing that loses records, {found}" if not losing else told,
                   _first(report))


def _probed(report: Report, found: str) -> Verdict:
    """Of probes alone."""
    told = tally(report.project.observations)
    if report.count("error") or report.count("warning"):
        return Verdict("bad" if report.count("error") else "doubtful", f"{found}; {told}", _first(report))
    return Verdict("good", f"Nothing that loses records was seen; {told}", _first(report))


def tally(observations: Iterable[Observation]) -> str:
    """"7 checks: 5 passed, 1 failed, 1 not judged". What failed and is worth a note only is counted as that."""
    seen = list(observations)
    numbers = {
        "passed": sum(one.outcome == "pass" for one in seen),
        "failed": sum(one.outcome == "fail" and not one.minor for one in seen),
        "to note": sum(one.minor for one in seen),
        "not judged": sum(one.outcome == "skip" for one in seen),
        "could not be made": sum(one.outcome == "error" for one in seen),
    }
    told = ", ".join(f"{number} {words}" for words, number in numbers.items() if number)
    return f"{count(len(seen), 'check')}: {told}"


def _silence(report: Report) -> Verdict:
    """No finding stands: that is not always good news."""
    memories = report.memories
    if not memories:
        open_to = sum(undecided(m, report.project.release_of(m.at.path)) for m in report.project.memories)
        files = count(report.project.files, "audited file")
        if open_to:
            return Verdict("doubtful", f"No memory is certainly on in {files}; of {open_to} it could not be told")
        return Verdict("good", f"No memory is turned on in {files}")
    losing = _losing(report)
    accepted = f"{count(len(report.suppressed), 'finding')} accepted by suppressions" if report.suppressed else ""
    if losing:
        return Verdict("doubtful", f"{count(losing, 'memory loses', 'memories lose')} records"
                       + (f": {accepted}" if accepted else ", and no chosen rule says so"))
    events = {o.word for row in report.rows for o in row.outcomes.values()}
    subject = count(len(memories), "memory", "memories")
    if not report.rows:
        text = f"Nothing found in the code of {subject}; no deployment file here runs any"
    elif "unknown" in events:
        text = f"Nothing found that loses records of {subject}, but not every event could be judged"
    else:
        text = f"{subject} {'keeps its' if len(memories) == 1 else 'keep their'} records through every event"
    return Verdict("good", text + (f"; {accepted}" if accepted else ""))
