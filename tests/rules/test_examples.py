"""Every rule's examples are its tests: each marked line gets exactly one finding, a tree without marks none."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from crewmem_doctor import doctor
from crewmem_doctor.audit import audit
from crewmem_doctor.rules import catalogue
from crewmem_doctor.rules.base import HERE, Example, Rule
from crewmem_doctor.settings import Settings

CASES = [pytest.param(rule, example, kind, id=f"{rule.id}-{kind}-{example.title}")
         for rule in catalogue() for kind, examples in (("bad", rule.bad), ("good", rule.good)) for example in examples]


def lay_out(example: Example, root: Path) -> set[tuple[str, int]]:
    """Write the tree without its marks; the marked (path, line) pairs."""
    marks = set()
    for name, text in example.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.splitlines()
        marks |= {(name, number) for number, line in enumerate(lines, 1) if HERE in line}
        path.write_text("\n".join(line.replace(HERE, "").rstrip() for line in lines) + "\n", encoding="utf-8")
    return marks


@pytest.mark.parametrize(("rule", "example", "kind"), CASES)
def test_example(rule: Rule, example: Example, kind: str, tmp_path: Path) -> None:
    marks = lay_out(example, tmp_path)
    assert bool(marks) == (kind == "bad"), "a bad example marks a line, a good one none"
    project = replace(doctor.read(tmp_path, Settings()), observations=example.observations)
    report = audit(project, Settings())
    assert not report.gaps, report.gaps
    found = [f for f in (*report.findings, *(s.finding for s in report.suppressed)) if f.rule == rule.id]
    assert sorted((f.at.path, f.at.line) for f in found) == sorted(marks), [f.message for f in found]
    if example.severity:
        assert {f.severity for f in found} == {example.severity}
    for finding in found:
        assert finding.message
        assert finding.fix is not None, "every finding says what to change"


@pytest.mark.parametrize("rule", catalogue(), ids=lambda r: r.id)
def test_catalogue_refuses_a_rule_that_is_not_documented_and_proved(rule: Rule) -> None:
    assert re.fullmatch(r"CM\d{3}", rule.id)
    for heading in ("## Why", "## Example", "## Fix", "## When this is not a problem"):
        assert heading in rule.page, f"{rule.name} lacks {heading}"
    assert rule.bad, "a rule needs a bad example"
    assert rule.good, "a rule needs a good example"
    assert rule.summary


def test_ids_and_names_are_unique() -> None:
    assert len({r.id for r in catalogue()}) == len({r.name for r in catalogue()}) == len(catalogue())
