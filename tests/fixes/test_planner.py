"""Passes: what is made together, what is withdrawn, what an edit brings along."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from crewmem_doctor.fixes.compare import compare
from crewmem_doctor.fixes.dialects import python
from crewmem_doctor.fixes.planner import Planner
from crewmem_doctor.model.changes.code import ReplaceExpression
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.plan import Plan
from crewmem_doctor.model.project import Gap, Project
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.model.report import Report

PROJECT = Project(release=Release((Version(1, 15, 30),)))
WORD = re.compile(r"(?P<rule>CM\d{3})(?:_(?P<to>\w+))?")
TO = {"good": "fine", "same": "CM201", "worse": "CM901", "then": "CM304_good", "broken": "_broken_",
      "thrice": "CM305_then"}


def examine(text: str) -> Report:
    """A tree of one module: every word `CM201_how` is a finding whose remedy puts TO[how] there."""
    findings, gaps = [], ()
    for number, line in enumerate(text.split("\n"), 1):
        for word in WORD.finditer(line):
            at = Location("m.py", number, word.start() + 1, number, word.end() + 1)
            changes = (ReplaceExpression(at, TO[word["to"]]),) if word["to"] else ()
            findings.append(Finding(word["rule"], "a-rule", "warning", word[0], at, f"line {line[:1]}", "",
                                    fix=Fix("Do it", safe=word["to"] == "good", changes=changes)))
    if "_broken_" in text:
        gaps = (Gap("m.py", 1, "parse", "not Python"),)
    return Report(PROJECT, findings=tuple(findings), gaps=gaps)


def plan(text: str, unsafe: bool = True, rules: str = "CM") -> tuple[Plan, str]:
    body = text.encode()

    def look(overlay: Mapping[str, bytes]) -> Report:
        return examine(overlay.get("m.py", body).decode())

    found = Planner(look, lambda _: body, lambda finding: finding.rule.startswith(rules), unsafe).plan()
    return found, found.files["m.py"][1].decode() if found.files else text


def test_all_that_can_be_made_is_made_and_each_step_goes_on_from_the_one_before() -> None:
    made, text = plan("a = CM201_good\nb = CM202_good\n")
    assert text == "a = fine\nb = fine\n"
    assert [step.findings[0].rule for step in made.steps] == ["CM201", "CM202"]
    assert made.steps[0].after == made.steps[1].before
    assert made.steps[1].after["m.py"] == text


def test_what_does_not_help_is_withdrawn_and_the_rest_made() -> None:
    made, text = plan("a = CM201_same\nb = CM202_good\nc = CM203_worse\nd = CM204_broken\n")
    assert text == "a = CM201_same\nb = fine\nc = CM203_worse\nd = CM204_broken\n"
    assert {refused.finding.rule: refused.reason.split(":")[0] for refused in made.refused} == {
        "CM201": "it would not be enough", "CM203": "it would bring CM901 at m.py", "CM204": "it would leave m.py unread"}


def test_what_an_edit_brings_may_be_answered_too() -> None:
    made, text = plan("a = CM201_then\n", rules="CM201")
    assert text == "a = fine\n"
    assert [(step.findings[0].rule, step.follows) for step in made.steps] == [("CM201", False), ("CM304", True)]


def test_a_chain_is_followed_through() -> None:
    made, text = plan("a = CM201_thrice\n", rules="CM201")
    assert text == "a = fine\n"
    assert [step.findings[0].rule for step in made.steps] == ["CM201", "CM305", "CM304"]


def test_unsafe_remedies_are_left_out_and_counted() -> None:
    made, text = plan("a = CM201_then\nb = CM202_good\n", unsafe=False)
    assert text == "a = CM201_then\nb = fine\n"
    assert [finding.rule for finding in made.withheld] == ["CM201"]


def test_remedies_that_meet_are_made_one_after_the_other() -> None:
    """Both want the same place; the second one is written anew for what the first has left."""
    made, text = plan("a = CM201_good + CM202_good\n")
    assert text == "a = fine + fine\n"
    assert len(made.steps) == 2


def test_an_error_in_a_dialect_is_a_refusal() -> None:
    made, text = plan("a = (CM201_good\n")
    assert text == "a = (CM201_good\n"
    assert "not Python" in made.refused[0].reason


def test_a_fault_that_moves_to_what_stands_there_now_is_not_brought() -> None:
    """CM301 was there on another subject; CM901 was not there at all."""
    here, there = (Finding("CM301", "a-rule", "warning", "", Location("m.py"), subject, "") for subject in ("a", "b"))
    answered = Finding("CM201", "a-rule", "warning", "", Location("m.py"), "a", "")
    before = Report(PROJECT, findings=(here, answered))
    assert compare(before, Report(PROJECT, findings=(there,)), [answered]) == ("", [])
    assert compare(before, Report(PROJECT, findings=(here, there)), [answered])[1] == [there]
    again = Finding("CM201", "a-rule", "warning", "", Location("m.py"), "b", "")
    assert compare(before, Report(PROJECT, findings=(here, again)), [answered])[1] == [again]


def test_a_file_is_parsed_once_for_each_state_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many remedies are written into it, and however often a batch is halved."""
    read: list[str] = []
    whole = python._code
    monkeypatch.setattr(python, "_code", lambda document: read.append(document.raw) or whole(document))
    lines = [f"{chr(97 + n)} = CM201_{'same' if n in (3, 17) else 'good'}\n" for n in range(24)]
    made, text = plan("".join(lines))
    assert text.count("fine") == 22
    assert len(made.refused) == 2
    assert len(read) == len(set(read)), "the same text was read twice"
