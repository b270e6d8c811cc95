"""`--format sarif`: SARIF 2.1.0, for code scanning and editors (docs.oasis-open.org/sarif/sarif/v2.1.0).

Paths are relative to the scan root, which a reader knows as %SRCROOT%. Columns count code points, as everywhere here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from crewmem_doctor.model.finding import Edit, Finding
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.report import Report, Suppression
from crewmem_doctor.reports import document
from crewmem_doctor.rules import catalogue
from crewmem_doctor.rules.base import Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "SRCROOT"
# What was not seen although it is there, and what no reader of files can know.
_TROUBLE = {"parse", "unreadable", "too-large", "crash"}


def render(report: Report, tool_version: str) -> str:
    """One log with one run; the same report gives the same text."""
    return document.text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run(report, tool_version)]})


def run(report: Report, tool_version: str) -> dict[str, Any]:
    """The run as values, before secrets are taken out."""
    found = [(finding, None) for finding in report.findings]
    hidden = [(entry.finding, entry) for entry in report.suppressed]
    results = sorted([*found, *hidden], key=lambda pair: (pair[0].order, pair[1] is not None))
    used = {finding.rule for finding, _ in results}
    rules = [rule for rule in catalogue() if rule.id in used]
    index = {rule.id: number for number, rule in enumerate(rules)}
    gaps = [_gap(gap) for gap in sorted(report.gaps)]
    targets = {seen.target for seen in report.project.observations}
    return {
        "tool": {"driver": {
            "name": "crewmem-doctor", "version": tool_version, "semanticVersion": tool_version,
            "rules": [_rule(rule) for rule in rules]}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder that was scanned."}}},
        "invocations": [{
            "executionSuccessful": report.exit_code != 2, "exitCode": report.exit_code,
            **({"toolExecutionNotifications": gaps} if gaps else {})}],
        "results": [_result(finding, entry, index, targets) for finding, entry in results],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id, "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": ["crewai", "memory", rule.group], "problem.severity": _problem(rule)},
    }


def _problem(rule: Rule) -> str:
    """The word of GitHub's code scanning for it."""
    return "recommendation" if rule.severity == "note" else rule.severity


def _result(finding: Finding, entry: Suppression | None, index: dict[str, int], targets: set[str]) -> dict[str, Any]:
    """`targets` are those of probes, which stand for a path where no file does."""
    out: dict[str, Any] = {
        "ruleId": finding.rule,
        **({"ruleIndex": index[finding.rule]} if finding.rule in index else {}),
        "level": finding.severity,
        "message": {"text": _message(finding)},
        "locations": [_resource(finding.at.path) if finding.at.path in targets else _location(finding.at)],
        "partialFingerprints": {"crewmemDoctor/v1": finding.fingerprint},
        "properties": {"confidence": finding.confidence, "subject": finding.subject, "evidence": finding.evidence},
    }
    if finding.because:
        out["relatedLocations"] = [
            {"id": number, **_location(step.at), "message": {"text": step.note}}
            for number, step in enumerate(finding.because, 1)]
    if finding.fix is not None and finding.fix.edits:
        title = f"{finding.fix.title}. {finding.fix.caveat}" if finding.fix.caveat else finding.fix.title
        out["fixes"] = [{"description": {"text": title}, "artifactChanges": _changes(finding.fix.edits)}]
    if entry is not None:
        out["suppressions"] = [_suppression(entry)]
    return out


def _message(finding: Finding) -> str:
    """What is wrong and what to change. Readers show little else."""
    return f"{finding.message}. {finding.fix.title}." if finding.fix else f"{finding.message}."


def _location(at: Location) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(at.path), "region": _region(
        (at.line, at.column), (at.end_line, at.end_column))}}


def _resource(target: str) -> dict[str, Any]:
    return {"logicalLocations": [{"fullyQualifiedName": target, "kind": "resource"}]}


def _artifact(path: str) -> dict[str, str]:
    # Bytes that are no text stand in a name as half surrogates; in a URI they are bytes again.
    return {"uri": quote(os.fsencode(path)), "uriBaseId": ROOT}


def _region(start: tuple[int, int], end: tuple[int, int]) -> dict[str, int]:
    return {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}


def _changes(edits: Iterable[Edit]) -> list[dict[str, Any]]:
    """All of a fix, file by file."""
    files: dict[str, list[dict[str, Any]]] = {}
    for edit in edits:
        files.setdefault(edit.path, []).append(
            {"deletedRegion": _region(edit.start, edit.end), "insertedContent": {"text": edit.text}})
    return [{"artifactLocation": _artifact(path), "replacements": found} for path, found in files.items()]


def _suppression(entry: Suppression) -> dict[str, Any]:
    at = {"location": _location(Location(entry.path, entry.line))} if entry.path and entry.line else {}
    return {"kind": "inSource" if entry.kind == "comment" else "external", "status": "accepted",
            "justification": entry.reason, **at}


def _gap(gap: Gap) -> dict[str, Any]:
    at = {"locations": [_location(Location(gap.path, max(gap.line, 1)))]} if gap.path else {}
    return {"descriptor": {"id": f"not-seen/{gap.kind}"}, "level": "warning" if gap.kind in _TROUBLE else "note",
            "message": {"text": gap.why}, **at}
