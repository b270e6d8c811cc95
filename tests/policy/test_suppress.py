"""Comments and configured ignores: what they accept, and what is said about those that accept nothing."""

from __future__ import annotations

import pytest

from crewmem_doctor import policy
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Comment, Project
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.policy.suppress import matches
from crewmem_doctor.rules.bad_suppression import check
from crewmem_doctor.settings import Ignore, Settings

REASON = "-- intended"


def project(*comments: Comment) -> Project:
    return Project(Release((Version(1, 15, 30),)), comments=comments)


def comment(line: int, text: str, *, alone: bool = False, path: str = "app.py") -> Comment:
    return Comment(Location(path, line, 1, line, len(text) + 1), text, alone)


def finding(rule: str, line: int, *, end: int = 0, path: str = "app.py", subject: str = "s") -> Finding:
    return Finding(rule, "a-name", "error", "message", Location(path, line, 1, end), subject, "e")


def rules(findings: tuple[Finding, ...]) -> list[tuple[str, int]]:
    return [(f.rule, f.at.line) for f in findings]


@pytest.mark.parametrize(("written", "line", "alone", "accepted"), [
    ("# crewmem: ignore[CM107] -- intended", 5, False, True),
    ("# crewmem: ignore[url-as-path] -- intended", 5, False, True),
    ("#crewmem:ignore[ cm107 , CM003 ]-- intended", 5, False, True),
    ("# noqa  # crewmem: ignore[CM107] -- intended", 5, False, True),
    ("# crewmem: ignore[CM107] -- intended", 4, True, True),
    ("# crewmem: ignore[CM107] -- intended", 4, False, False),
    ("# crewmem: ignore[CM107] -- intended", 6, True, False),
    ("# crewmem: ignore[CM107] -- intended", 3, True, False),
    ("# crewmem: ignore[CM106] -- intended", 5, False, False),
    ("# crewmem: ignore[CM107]", 5, False, False),
    ("# crewmem: ignore[CM107] -- ", 5, False, False),
    ("# crewmem: ignore[CM1] -- intended", 5, False, False),
])
def test_comment(written: str, line: int, alone: bool, accepted: bool) -> None:
    kept, suppressed = policy.apply([finding("CM107", 5)], project(comment(line, written, alone=alone)), Settings())
    assert bool(suppressed) == accepted
    assert (("CM107", 5) in rules(kept)) == (not accepted)
    if accepted:
        assert suppressed[0].kind == "comment"
        assert (suppressed[0].path, suppressed[0].line, suppressed[0].reason) == ("app.py", line, "intended")


def test_comment_at_any_line_of_the_finding() -> None:
    inside = project(comment(7, "# crewmem: ignore[CM107] -- x"))
    kept, _ = policy.apply([finding("CM107", 5, end=8)], inside, Settings())
    assert kept == ()


def test_comments_above_stack() -> None:
    comments = (comment(3, "# crewmem: ignore[CM106] -- x", alone=True),
                comment(4, "# crewmem: ignore[CM107] -- y", alone=True))
    kept, suppressed = policy.apply([finding("CM106", 5), finding("CM107", 5)], project(*comments), Settings())
    assert kept == ()
    assert [entry.reason for entry in suppressed] == ["x", "y"]


def test_each_listed_rule_that_accepts_nothing_is_unused() -> None:
    note = comment(5, "# crewmem: ignore[CM107, CM106, url-as-path] -- intended")
    kept, _ = policy.apply([finding("CM107", 5)], project(note), Settings())
    assert [(f.rule, f.severity, f.message) for f in kept] == [
        ("CM001", "warning", "This suppression of CM106 matches no finding")]
    assert kept[0].at == note.at


def test_unused_is_said_of_rules_that_ran() -> None:
    note = project(comment(5, "# crewmem: ignore[CM107] -- intended"))
    assert policy.apply([], note, Settings(ignore=("CM107",)))[0] == ()
    assert policy.apply([], note, Settings(select=("CM2", "CM001")))[0] == ()
    assert policy.apply([], note, Settings(ignore=("CM001",)))[0] == ()
    assert rules(policy.apply([], note, Settings())[0]) == [("CM001", 5)]


def test_unused_can_be_accepted_and_is_itself_checked() -> None:
    both = project(comment(5, "# crewmem: ignore[CM107, CM001] -- comes and goes"))
    kept, suppressed = policy.apply([], both, Settings())
    assert kept == ()
    assert [entry.finding.rule for entry in suppressed] == ["CM001"]
    alone = project(comment(5, "# crewmem: ignore[CM001] -- x"))
    assert rules(policy.apply([], alone, Settings())[0]) == [("CM001", 5)]


def test_configured() -> None:
    table = Location("pyproject.toml", 9, 1, 9, 32)
    ignore = Ignore("url-as-path", "app/**/crew.py", "vendored", table, "one")
    found = [finding("CM107", 1, path="app/a/b/crew.py", subject="one"),
             finding("CM107", 1, path="app/crew.py", subject="two")]
    kept, suppressed = policy.apply(found, project(), Settings(ignores=(ignore,)))
    assert [f.subject for f in kept] == ["two"]
    assert (suppressed[0].kind, suppressed[0].line) == ("config", 9)
    kept, _ = policy.apply([], project(), Settings(ignores=(ignore,)))
    assert [(f.rule, f.at) for f in kept] == [("CM001", table)]


@pytest.mark.parametrize(("glob", "path", "expected"), [
    ("app/*.py", "app/a.py", True), ("app/*.py", "app/b/a.py", False), ("app/**", "app/b/a.py", True),
    ("**/a.py", "a.py", True), ("a.py", "deep/er/a.py", True), ("vendor/", "x/vendor/y/a.py", True),
    ("app", "app/b/a.py", True), ("app/b", "app/b/a.py", True), ("app/b", "app/bc/a.py", False),
    ("./app/a.py", "app/a.py", True), ("*", "any/thing", True), ("**", "any/thing", True), ("a?.py", "ab.py", True),
    ("a[1].py", "a[1].py", True), ("a.py", "ab.py", False),
])
def test_glob(glob: str, path: str, expected: bool) -> None:
    assert matches(glob, path) == expected


@pytest.mark.parametrize(("written", "messages"), [
    ("# crewmem: ignore[CM107] -- fine", []),
    ("# crewmem: ignore[CM107]", ["gives no reason"]),
    ("# crewmem: ignore[CM107] because", ["gives no reason"]),
    ("# crewmem: ignore", ["cannot be read"]),
    ("# crewmem: please", ["cannot be read"]),
    ("# crewmem: ignore[] -- x", ["names no rule"]),
    ("# crewmem: ignore[CM107, url-as-pat] -- x", ["url-as-pat; did you mean url-as-path?"]),
    ("# crewmem: ignore[CM999]", ["gives no reason", "CM999"]),
])
def test_bad_suppression(written: str, messages: list[str]) -> None:
    found = list(check(project(comment(2, written))))
    assert [f.rule for f in found] == ["CM003"] * len(messages)
    assert all(message in f.message for f, message in zip(found, messages, strict=True))


def test_findings_come_once_sorted_and_of_chosen_rules() -> None:
    found = [finding("CM107", 9), finding("CM106", 2), finding("CM107", 9), finding("CM201", 1)]
    kept, _ = policy.apply(found, project(), Settings(select=("CM1",)))
    assert rules(kept) == [("CM106", 2), ("CM107", 9)]
