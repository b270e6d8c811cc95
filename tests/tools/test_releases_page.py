"""docs/releases.md is what the data says, and every example behind its tables is judged as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

import releases
from crewmem_doctor import examine
from crewmem_doctor.releases.known import KNOWN
from crewmem_doctor.rules import catalogue
from crewmem_doctor.settings import Settings
from release_rows import NOT_CREWAI, SECTIONS, Case, Row

ROWS = [row for _, rows in SECTIONS for row in rows]
CASES = [pytest.param(row, case, id=f"{row.writes[:50]}-{case.release}") for row in ROWS for case in row.cases]


def test_the_page_is_fresh() -> None:
    assert releases.TARGET.read_text(encoding="utf-8") == releases.page(), "run python tools/releases.py"


@pytest.mark.parametrize(("row", "case"), CASES)
def test_an_example_is_judged_as_the_page_says(row: Row, case: Case, tmp_path: Path) -> None:
    assert case.release in {str(version) for version in KNOWN}
    for name, text in {**case.tree, "requirements.txt": f"crewai=={case.release}\nfastapi\nuvicorn\n"}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = {finding.rule for finding in examine(tmp_path, Settings()).findings}
    if case.rule:
        assert case.rule in found
    else:
        assert not found & {other.rule for other in row.cases}


def test_every_row_has_an_example_a_rule_or_a_reason() -> None:
    ids = {rule.id for rule in catalogue()}
    for row in ROWS:
        named = {word for word in row.rules.split(", ") if word} | {case.rule for case in row.cases if case.rule}
        assert named <= ids, row.writes
        assert row.cases or row.rules or "not reported" in row.happens or row in SECTIONS[-1][1], row.writes
    assert set(NOT_CREWAI) <= ids
