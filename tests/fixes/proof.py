"""What every edit must hold, whatever rule or dialect it comes from."""

from __future__ import annotations

import ast
import importlib
import json
import sys
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from crewmem_doctor import doctor, repair
from crewmem_doctor.fixes import writing
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.text import Document
from crewmem_doctor.model.finding import Edit, Finding
from crewmem_doctor.model.plan import Plan
from crewmem_doctor.model.report import Report
from crewmem_doctor.settings import Settings
from crewmem_doctor.sources import dockerfile

SCHEMAS = resources.files("check_jsonschema.builtin_schemas").joinpath("vendor")


def prove(root: Path, settings: Settings | None = None) -> Plan:
    """Plans and writes all edits for a tree, and holds them against every promise of `fix`. The plan comes back."""
    settings = settings or Settings()
    before = doctor.examine(root, settings)
    plan = repair.remedies(root, settings)
    for refused in plan.refused:
        assert not refused.reason.startswith("internal error"), refused
    only_their_lines_change(plan)
    writing.save(root, plan.files)
    for path, (old, new) in plan.files.items():
        assert (root / path).read_bytes() == new != old
        keeps_how_it_is_written(old, new)
        parses(path, new, old)
    after = doctor.examine(root, settings)
    for step in plan.steps:
        for finding in step.findings:
            assert not same(finding, after), f"{finding.rule} is still there:\n{shown(plan)}"
    brought = worse(after) - worse(before)
    gone = Counter((rule, path) for rule, path, _ in (worse(before) - worse(after)).elements())
    answered = {finding.rule for step in plan.steps for finding in step.findings}
    brought -= Counter({key: gone[key[:2]] for key in brought if key[0] not in answered})   # of what stands there now
    assert not brought, f"{sorted(brought)} came with the edits:\n{shown(plan)}"
    assert not [gap for gap in after.gaps if gap not in before.gaps and gap.kind == "parse"]
    again = repair.remedies(root, settings)
    assert not again.steps, f"a second time changes more:\n{shown(plan)}\nand then\n{shown(again)}"
    return plan


def only_their_lines_change(plan: Plan) -> None:
    """Whatever stands on no line of an edit is there afterwards, in the same order. Edits of one pass all count from the
    text before that pass."""
    passes: dict[str, tuple[str, list[Edit]]] = {}
    for step in plan.steps:
        for path, before in step.before.items():
            base, made = passes.get(path, (before, []))
            mine = [e for e in step.edits if e.path == path]
            if spliced(path, base, [*made, *mine]) != step.after[path]:
                base, made = before, []
                assert spliced(path, base, mine) == step.after[path]
            passes[path] = base, [*made, *mine]
            lines_stay(path, base, passes[path][1], step.after[path])


def spliced(path: str, text: str, edits: list[Edit]) -> str:
    try:
        return Document.read(path, text.encode()).spliced(edits).decode()
    except Refused:
        return ""


def lines_stay(path: str, before: str, edits: list[Edit], after: str) -> None:
    touched = {n for e in edits for n in range(e.start[0], e.end[0] + 1)}
    left = iter(after.split("\n"))
    for number, line in enumerate(before.split("\n"), 1):
        if number not in touched:
            assert line in left, f"line {number} of {path} was not to change: {line!r}"


def keeps_how_it_is_written(old: bytes, new: bytes) -> None:
    assert old.startswith(b"\xef\xbb\xbf") == new.startswith(b"\xef\xbb\xbf")
    if b"\r\n" in old and old.count(b"\r\n") == old.count(b"\n"):
        assert new.count(b"\r\n") == new.count(b"\n")
    if b"\r" not in old:
        assert b"\r" not in new
    assert old.endswith((b"\n", b"\r")) == new.endswith((b"\n", b"\r"))
    assert b" \n" not in new or b" \n" in old, "no blanks at the end of a line"


def parses(path: str, body: bytes, old: bytes) -> None:
    """Its own format takes the file. What did not before, need not now."""
    text = body.decode("utf-8-sig")
    name = path.rpartition("/")[2].lower()
    if name.endswith(".py"):
        ast.parse(text)
    elif name.endswith((".yaml", ".yml")):
        documents = list(yaml.safe_load_all(text))
        schema = "compose-spec" if "compose" in name else ""
        if any(isinstance(document, dict) and "apiVersion" in document for document in documents):
            is_what_kubernetes_takes(documents, list(yaml.safe_load_all(old.decode("utf-8-sig"))))
        elif schema:
            holds(documents[0], next(iter(yaml.safe_load_all(old.decode("utf-8-sig")))), schema)
    elif name.endswith(".toml"):
        importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli").loads(text)
    elif name.endswith(".json"):
        json.loads(text)
    elif "dockerfile" in name or "containerfile" in name:
        oracle = importlib.import_module("dockerfile")
        ours = [i.name for i in dockerfile.parse(text, path).instructions]
        assert [c.cmd.upper() for c in oracle.parse_string(text)] == ours


def holds(document: Any, old: Any, schema: str) -> None:
    found = json.loads(SCHEMAS.joinpath(f"{schema}.json").read_text("utf-8"))
    validator = jsonschema.validators.validator_for(found)(found)
    if not list(validator.iter_errors(old)):
        assert [error.message for error in validator.iter_errors(document)] == []


def is_what_kubernetes_takes(documents: list[Any], before: list[Any]) -> None:
    """Every object that was valid, and every one that is new, holds against the schema of its kind."""
    validate, version = kubernetes_validate.validate, kubernetes_validate.latest_version()
    for number, document in enumerate(documents):
        if not isinstance(document, dict):
            continue
        try:
            if number < len(before):
                validate(before[number], version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError):
            continue
        validate(document, version, strict=True)


def same(finding: Finding, report: Report) -> bool:
    return any(f.fingerprint == finding.fingerprint for f in report.findings)


def worse(report: Report) -> Counter[tuple[str, str, str]]:
    return Counter((f.rule, f.at.path, f.subject) for f in report.findings if f.severity != "note")


def shown(plan: Plan) -> str:
    from crewmem_doctor.reports import diff

    return diff.render(plan)
