"""The claims that the tool was born from, judged for each release that CI installs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from crewmem_doctor import examine
from crewmem_doctor.model.release import Version
from crewmem_doctor.settings import Settings

CLAIMS = Path(__file__).resolve().parents[2] / "fixtures" / "claims"
TABLE = yaml.safe_load((CLAIMS / "releases.yaml").read_text(encoding="utf-8"))
CASES = [pytest.param(row, variant, release, set(rules), id=f"{row}-{variant}-{release}")
         for row, variants in TABLE.items() for variant, releases in variants.items() for release, rules in releases.items()]


@pytest.mark.parametrize(("row", "variant", "release", "rules"), CASES)
def test_the_honest_answer_on_this_release(row: str, variant: str, release: str, rules: set[str]) -> None:
    report = examine(CLAIMS / row / variant, Settings(crewai_version=Version.parse(release)))
    said = {f.rule: f.message for f in report.findings if f.severity != "note"}
    assert set(said) == rules, said


def test_every_variant_is_in_the_table() -> None:
    assert {(row.name, variant.name) for row in CLAIMS.iterdir() if row.is_dir() for variant in row.iterdir() if variant.is_dir()} == {
        (row, variant) for row, variants in TABLE.items() for variant in variants}


def test_what_works_is_silent_where_it_works() -> None:
    """On the newest release every way that works is silent; where it does not exist yet the tool says only that."""
    for variants in TABLE.values():
        works = variants["works"]
        assert works["1.15.30"] == [] or works["1.9.3"] == [], "it works on one of them"
        assert set(works["1.9.3"]) | set(works["0.203.2"]) <= {"CM602"}
