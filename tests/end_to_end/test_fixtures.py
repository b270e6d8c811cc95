"""Every small deployment under fixtures/ through the installed command, compared with the expect.yaml beside it.

expect.yaml maps each variant (a folder) to what the tool must say of it:

    status      the exit status, or a list of those that are right
    findings    each must be reported: rule, and where given severity, path, line (the source line's text, stripped)
                and a part of the evidence
    silent      rules that must not speak, at whatever severity
    may         rules that may speak beside those
    later       rules that a later release of this tool will report here; until then as `may`
    memories    the number of memories, where it matters
    notes       the number of notes, where it matters
    survival    rows of the table: memory (the path it is turned on in), service, and events; [] for an empty table

Whatever is at warning or worse and is listed nowhere fails the test: a false alarm is as bad as a miss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
EVENTS = ("request", "worker", "restart", "redeploy", "replica", "node")
KEYS = {"status", "findings", "silent", "may", "later", "memories", "notes", "survival"}


def cases() -> list[Any]:
    found = []
    for file in sorted(FIXTURES.rglob("expect.yaml")):
        for variant, expected in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            if variant != "about":
                folder = file.parent / variant
                found.append(pytest.param(folder, expected, id=folder.relative_to(FIXTURES).as_posix()))
    return found


def text_at(folder: Path, finding: Mapping[str, Any]) -> str:
    lines = (folder / finding["path"]).read_text(encoding="utf-8").splitlines()
    return lines[finding["line"] - 1].strip() if finding["line"] <= len(lines) else ""


def matches(folder: Path, finding: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    if any(finding[key] != wanted[key] for key in ("rule", "severity", "path") if key in wanted):
        return False
    if "line" in wanted and text_at(folder, finding) != wanted["line"]:
        return False
    return wanted.get("evidence", "") in finding["evidence"]


def brief(findings: list[dict[str, Any]]) -> str:
    return "\n".join(f"  {f['path']}:{f['line']}: {f['rule']} {f['severity']}: {f['message']} [{f['evidence']}]"
                     for f in findings) or "  nothing"


def unmatched_cells(report: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What differs between a wanted row and the table."""
    paths = {memory["id"]: memory["path"] for memory in report["memories"]}
    rows = [row for row in report["survival"]
            if row["service"] == wanted["service"] and paths[row["memory"]] == wanted["memory"]]
    if not rows:
        return [f"no row {wanted['memory']} × {wanted['service']}"]
    differing = []
    for event in EVENTS:
        allowed = wanted.get(event)
        if allowed is not None:
            allowed = allowed if isinstance(allowed, list) else [allowed]
            differing += [f"{event} is {row[event]}, not {' or '.join(allowed)}: {row['because'].get(event, '')}"
                          for row in rows if row[event] not in allowed]
    return differing


@pytest.mark.parametrize(("folder", "expected"), cases())
def test_says_what_it_must(folder: Path, expected: Mapping[str, Any], doctor: Callable[..., Any]) -> None:
    assert set(expected) <= KEYS
    outcome = doctor("scan", folder, "--format", "json")
    assert outcome.status in (0, 1), outcome.errors
    report = outcome.report
    findings = report["findings"]
    complaints = []
    for wanted in expected.get("findings", []):
        if not any(matches(folder, finding, wanted) for finding in findings):
            complaints.append(f"missing: {wanted}")
    rules = {finding["rule"] for finding in findings}
    complaints += [f"must be silent: {rule}" for rule in expected.get("silent", []) if rule in rules]
    later = set(expected.get("later", []))
    listed = {wanted["rule"] for wanted in expected.get("findings", [])} | set(expected.get("may", [])) | later
    complaints += [f"not expected: {finding['rule']} at {finding['path']}:{finding['line']}" for finding in findings
                   if finding["severity"] != "note" and finding["rule"] not in listed]
    if "memories" in expected and len(report["memories"]) != expected["memories"]:
        complaints.append(f"{len(report['memories'])} memories, not {expected['memories']}")
    if "notes" in expected and report["summary"]["note"] != expected["notes"]:
        complaints.append(f"{report['summary']['note']} notes, not {expected['notes']}")
    if expected.get("survival") == [] and report["survival"]:
        complaints.append("the survival table must be empty")
    for wanted in expected.get("survival", []):
        complaints += unmatched_cells(report, wanted)
    statuses = expected["status"] if isinstance(expected["status"], list) else [expected["status"]]
    if outcome.status not in statuses and not (later & rules):
        complaints.append(f"exit status {outcome.status}, not {statuses}")
    assert not complaints, "\n" + "\n".join(complaints) + "\nit said:\n" + brief(findings)


def test_every_variant_is_described() -> None:
    """A tree without an expectation would prove nothing."""
    for file in FIXTURES.rglob("expect.yaml"):
        described = set(yaml.safe_load(file.read_text(encoding="utf-8"))) - {"about"}
        assert described == {folder.name for folder in file.parent.iterdir() if folder.is_dir()}, file
