"""SARIF 2.1.0: against what the standard asks of each object that is written, and by a reader that is not ours."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
import report_samples as samples
from sarif_pydantic import Sarif

from crewmem_doctor.model.finding import Edit, Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.report import Report
from crewmem_doctor.reports import sarif

NAMES = ["FULL", "NOTHING", "NO_MEMORY", "KEPT", "UNDEPLOYED", "BLIND", "ACCEPTED_ONLY"]
NUMBER = {"type": "integer", "minimum": 1}
WORDS = {"type": "string", "minLength": 1}


def only(required: str, **properties: Any) -> dict[str, Any]:
    """An object with these properties and no other."""
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


def many(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


# The standard's sections: 3.11 message, 3.28 location, 3.30 region, 3.49 rule, 3.55 fix, 3.35 suppression, 3.58 notification.
MESSAGE = only("text", text=WORDS)
REGION = only("startLine startColumn endLine endColumn", startLine=NUMBER, startColumn=NUMBER, endLine=NUMBER, endColumn=NUMBER)
ARTIFACT = only("uri uriBaseId", uri={"type": "string", "pattern": r"^(?!/)[A-Za-z0-9._~%/-]+$"}, uriBaseId={"const": "SRCROOT"})
PHYSICAL = only("artifactLocation region", artifactLocation=ARTIFACT, region=REGION)
LOGICAL = only("fullyQualifiedName kind", fullyQualifiedName=WORDS, kind=WORDS)
LEVEL = {"enum": ["error", "warning", "note"]}
PLACE = {"physicalLocation": PHYSICAL, "logicalLocations": many(LOGICAL), "id": NUMBER, "message": MESSAGE}
LOCATION = {**only("", **PLACE), "anyOf": [{"required": ["physicalLocation"]}, {"required": ["logicalLocations"]}]}
FIX = only("artifactChanges description", description=MESSAGE, artifactChanges=many(only(
    "artifactLocation replacements", artifactLocation=ARTIFACT, replacements={"minItems": 1, **many(only(
        "deletedRegion insertedContent", deletedRegion=REGION, insertedContent=only("text", text={"type": "string"})))})))
SUPPRESSION = only("kind justification", kind={"enum": ["inSource", "external"]}, status={"const": "accepted"},
                   justification=WORDS, location=LOCATION)
RESULT = only(
    "ruleId level message locations partialFingerprints", ruleId=WORDS, ruleIndex={"type": "integer", "minimum": 0}, level=LEVEL,
    message=MESSAGE, locations={"minItems": 1, **many(LOCATION)}, relatedLocations=many(LOCATION), fixes=many(FIX),
    suppressions=many(SUPPRESSION), partialFingerprints=only("crewmemDoctor/v1", **{"crewmemDoctor/v1": {"pattern": "^[0-9a-f]{32}$"}}),
    properties={"type": "object"})
RULE = only(
    "id name shortDescription help defaultConfiguration", id={"pattern": r"^CM\d{3}$"}, name=WORDS, shortDescription=MESSAGE,
    fullDescription=MESSAGE, help=only("text markdown", text=WORDS, markdown=WORDS),
    defaultConfiguration=only("level", level=LEVEL), properties={"type": "object"})
NOTIFICATION = only("message level", descriptor=only("id", id=WORDS), level=LEVEL, message=MESSAGE, locations=many(LOCATION))
RUN = only(
    "tool results columnKind", columnKind={"const": "unicodeCodePoints"}, results=many(RESULT),
    tool=only("driver", driver=only("name version rules", name=WORDS, version=WORDS, semanticVersion=WORDS, rules=many(RULE))),
    originalUriBaseIds=only("SRCROOT", SRCROOT=only("description", description=MESSAGE)),
    invocations=many(only("executionSuccessful", executionSuccessful={"type": "boolean"}, exitCode={"type": "integer"},
                          toolExecutionNotifications=many(NOTIFICATION))))
LOG = {**only("version runs", version={"const": "2.1.0"}, runs=many(RUN), **{"$schema": WORDS}),
       "$schema": "https://json-schema.org/draft/2020-12/schema"}


def run_of(report: Report) -> dict[str, Any]:
    text = sarif.render(report, "0.1.0")
    log = json.loads(text)
    jsonschema.validate(log, LOG)
    Sarif.model_validate_json(text)
    found: dict[str, Any] = log["runs"][0]
    return found


def of(*findings: Finding, **project: Any) -> dict[str, Any]:
    return run_of(Report(Project(samples.PROJECT.release, **project), findings=findings, exit_code=1))


def finding(path: str = "compose.yaml", fix: Fix | None = None) -> Finding:
    return Finding("CM201", "no-volume", "error", "nothing is mounted", Location(path, 3, 3, 3, 6), "compose:api", "/root", fix=fix)


@pytest.mark.parametrize("name", NAMES)
def test_every_report_is_a_log(name: str) -> None:
    report = getattr(samples, name)
    run = run_of(report)
    assert len(run["results"]) == len(report.findings) + len(report.suppressed)
    assert [result["ruleId"] for result in run["results"]] == [
        run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] for result in run["results"]]
    invocation = run["invocations"][0]
    assert invocation["exitCode"] == report.exit_code
    assert invocation["executionSuccessful"] == (report.exit_code != 2)
    assert len(invocation.get("toolExecutionNotifications", [])) == len(report.gaps)


def test_what_is_accepted_says_why() -> None:
    hidden = [result for result in run_of(samples.FULL)["results"] if "suppressions" in result]
    assert len(hidden) == len(samples.FULL.suppressed) > 0
    assert [one["suppressions"][0]["justification"] for one in hidden] == [
        entry.reason for entry in sorted(samples.FULL.suppressed, key=lambda entry: entry.finding.order)]


def test_a_fix_is_all_of_its_edits_file_by_file() -> None:
    edits = (Edit("compose.yaml", (3, 1), (3, 1), "    volumes: [memory:/data]\n"), Edit("Dockerfile", (1, 1), (1, 5), "FROM"),
             Edit("compose.yaml", (9, 1), (9, 1), "volumes: {memory: {}}\n"))
    fix = of(finding(fix=Fix("Mount a volume", edits=edits, caveat="It starts empty.")))["results"][0]["fixes"][0]
    assert fix["description"]["text"] == "Mount a volume. It starts empty."
    assert [(change["artifactLocation"]["uri"], len(change["replacements"])) for change in fix["artifactChanges"]] == [
        ("compose.yaml", 2), ("Dockerfile", 1)]
    assert fix["artifactChanges"][1]["replacements"][0] == {
        "deletedRegion": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 5}, "insertedContent": {"text": "FROM"}}


def test_a_remedy_without_edits_stands_in_the_message() -> None:
    result = of(finding(fix=Fix("Mount a volume")))["results"][0]
    assert "fixes" not in result
    assert result["message"]["text"] == "nothing is mounted. Mount a volume."


@pytest.mark.parametrize(("path", "uri"), [
    ("a b/c:d#e?.py", "a%20b/c%3Ad%23e%3F.py"), ("größe.yaml", "gr%C3%B6%C3%9Fe.yaml"), ("\udcff.py", "%FF.py")])
def test_any_name_is_a_uri(path: str, uri: str) -> None:
    assert of(finding(path))["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


@pytest.mark.parametrize("target", ["redis://staging:6379/0", "compose:api", "crewai"])
def test_the_target_of_a_probe_is_no_file(target: str) -> None:
    seen = Observation("redis", target, "write", "fail", "read only", 1.0)
    location = of(finding(target), observations=(seen,))["results"][0]["locations"][0]
    assert location == {"logicalLocations": [{"fullyQualifiedName": target, "kind": "resource"}]}


def test_no_secret_is_said() -> None:
    loud = replace(finding(), message="postgresql://app:hunter2@db/memory refuses")
    assert "hunter2" not in sarif.render(Report(replace(samples.PROJECT, observations=()), findings=(loud,)), "0.1.0")
