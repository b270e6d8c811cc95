"""Every rule about CrewAI has its premise shown by a test here, and docs/releases.md tells what that test shows."""

from __future__ import annotations

import re
from pathlib import Path

from crewmem_doctor.rules import catalogue
from release_rows import NOT_CREWAI, PREMISES

MARKED = re.compile(r"^@premise\(([^)]*)\)\n(?:@.*\n)*def (\w+)", re.MULTILINE)
SHOWN = {
    name: set(re.findall(r"CM\d{3}", rules))
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    for rules, name in MARKED.findall(path.read_text(encoding="utf-8"))
}
# The audit itself, and what probes see, rest on nothing that CrewAI does.
RULES = {rule.id for rule in catalogue() if rule.id[2] in "123456"}


def test_every_rule_has_a_premise_or_a_reason() -> None:
    proved = {rule for rules in SHOWN.values() for rule in rules}
    assert proved <= RULES
    assert not proved & set(NOT_CREWAI)
    assert RULES - proved == set(NOT_CREWAI)


def test_the_page_tells_what_the_tests_show() -> None:
    told = {test: set(rules) for rules, test, *_ in PREMISES}
    assert told == SHOWN
