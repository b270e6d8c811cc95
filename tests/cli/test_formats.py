"""`--format` and `--output`: where each report goes."""

from __future__ import annotations

import pytest

from crewmem_doctor.cli.options import Target, targets
from crewmem_doctor.errors import UsageError
from crewmem_doctor.settings import Settings


@pytest.mark.parametrize(("formats", "output", "expected"), [
    ((), "", [Target("rich")]), (("json",), "", [Target("json")]), (("JSON",), "", [Target("json")]),
    (("json",), "r.json", [Target("json", "r.json")]), ((), "r.txt", [Target("rich", "r.txt")]),
    (("rich", "json=r.json"), "", [Target("rich"), Target("json", "r.json")]),
    (("concise", "json=r.json"), "c.txt", [Target("concise", "c.txt"), Target("json", "r.json")]),
    (("json=-",), "", [Target("json")]), (("json",), "-", [Target("json")]),
    (("json=a=b",), "", [Target("json", "a=b")]),
])
def test_targets(formats: tuple[str, ...], output: str, expected: list[Target]) -> None:
    assert list(targets(Settings(formats=formats, output=output))) == expected


@pytest.mark.parametrize(("formats", "output", "words"), [
    (("pdf",), "", "rich, concise, json"), (("jsno",), "", "did you mean json"), (("json=",), "", "missing"),
    (("json", "rich"), "", "both"), (("json=a", "rich=a"), "", "two formats"), (("json=a",), "b", "has one already"),
])
def test_refused(formats: tuple[str, ...], output: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        targets(Settings(formats=formats, output=output))
