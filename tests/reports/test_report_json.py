"""JSON version 1 against its schema, which is shipped."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from typing import Any

import jsonschema
import pytest
import report_samples as samples

from crewmem_doctor.model.known import Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.reports import json as writer

SHIPPED = resources.files("crewmem_doctor.reports").joinpath("schema/report-v1.schema.json")
SCHEMA = json.loads(SHIPPED.read_text("utf-8"))


def document(report: Any) -> dict[str, Any]:
    found = json.loads(writer.render(report, "0.1.0"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", ["FULL", "NOTHING", "NO_MEMORY", "KEPT", "UNDEPLOYED", "BLIND", "ACCEPTED_ONLY"])
def test_every_report_follows_the_schema(name: str) -> None:
    jsonschema.validate(document(getattr(samples, name)), SCHEMA, cls=jsonschema.Draft202012Validator)


def test_schema_is_strict() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    pending: list[Any] = [SCHEMA]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            assert node.get("type") != "object" or node["additionalProperties"] is False, node
            pending += node.values()
        elif isinstance(node, list):
            pending += node


def test_what_is_not_known_is_null() -> None:
    worker = next(s for s in document(samples.FULL)["services"] if s["id"] == "compose:worker")
    assert worker["workers"] is None
    unknown = replace(samples.API, replicas=Unknown("set elsewhere"))
    report = replace(samples.FULL, project=replace(samples.PROJECT, services=(unknown,)))
    assert document(report)["services"][0]["replicas"] is None


def test_a_memory_tells_its_store_and_key() -> None:
    first, second = document(samples.FULL)["memories"]
    assert first["store"] == {"kind": "path", "location": samples.PATH, "why": "CrewAI's own default"}
    assert first["key"] == {"kind": "none", "source": None}
    assert second["key"] == {"kind": "random", "source": "uuid4() at app/crew.py:40"}
    assert second["store"]["location"] is None
    assert first["handlers"] == [{"path": "app/main.py", "line": 19, "entry": "POST /chat"},
                                 {"path": "app/tasks.py", "line": 8, "entry": "task app.tasks.answer"}]
    assert document(replace(samples.FULL, memories=(samples.CALLER,)))[
        "memories"][0]["key"] == {"kind": "user", "source": "session_id of the body"}


def test_findings_are_sorted_whatever_their_order() -> None:
    shuffled = replace(samples.FULL, findings=tuple(reversed(samples.FULL.findings)))
    assert writer.render(shuffled, "1") == writer.render(samples.FULL, "1")
    places = [(f["path"], f["line"], f["column"], f["rule"]) for f in document(samples.FULL)["findings"]]
    assert places == sorted(places)


def test_names_that_are_not_text_still_give_valid_utf8() -> None:
    broken = replace(samples.URL, at=Location("app/\udcff\x9b31m\u202e.py", 1))
    text = writer.render(replace(samples.FULL, findings=(broken,)), "0.1.0")
    text.encode("utf-8")
    assert not {"\x9b", "\u202e", "\x1b"} & set(text)
    assert json.loads(text)["findings"][0]["path"] == "app/\\xff\x9b31m\u202e.py"


def test_no_secret() -> None:
    assert "hunter2" not in writer.render(samples.FULL, "0.1.0")
