"""The exit status after a scan."""

from __future__ import annotations

import pytest

from crewmem_doctor import policy
from crewmem_doctor.model.finding import Finding, Severity
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.settings import Settings

PARSE = Gap("a.py", 1, "parse", "broken")
CRASH = Gap("", 0, "crash", "CM201 failed")


def status(*severities: Severity, gaps: tuple[Gap, ...] = (), uses: bool = True, fail_on: str = "warning",
           strict: bool = False) -> int:
    found = [Finding("CM201", "no-volume", severity, "m", Location("a.py"), "s", "e") for severity in severities]
    return policy.exit_code(found, gaps, uses, Settings(fail_on=fail_on, strict=strict))


@pytest.mark.parametrize(("severity", "fail_on", "expected"), [
    ("error", "error", 1), ("error", "warning", 1), ("error", "note", 1), ("error", "never", 0),
    ("warning", "error", 0), ("warning", "warning", 1), ("warning", "note", 1), ("warning", "never", 0),
    ("note", "error", 0), ("note", "warning", 0), ("note", "note", 1), ("note", "never", 0),
])
def test_threshold(severity: Severity, fail_on: str, expected: int) -> None:
    assert status(severity, fail_on=fail_on) == expected


def test_clean() -> None:
    assert status() == 0


def test_nothing_to_audit() -> None:
    assert status(uses=False) == 3
    assert status("error", uses=False, fail_on="never") == 3


def test_gaps_count_only_when_strict() -> None:
    assert status(gaps=(PARSE,)) == 0
    assert status(gaps=(PARSE,), strict=True) == 2
    assert status("error", gaps=(PARSE,), strict=True) == 2
    assert status(gaps=(PARSE,), strict=True, uses=False) == 2


def test_a_crashed_rule_is_never_clean() -> None:
    assert status(gaps=(CRASH,)) == 2
    assert status("error", gaps=(CRASH,), fail_on="never") == 2
