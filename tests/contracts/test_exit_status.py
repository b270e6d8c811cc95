"""The table of exit statuses, the same for every format."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FORMATS = ("json", "concise", "rich")
LOSES = "fixtures/deployments/fastapi-compose/broken"
KEEPS = "fixtures/deployments/fastapi-compose/fixed"
QUIET = "fixtures/deployments/no-memory/as-is"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("path", "more", "status"), [
    (LOSES, [], 1), (LOSES, ["--fail-on", "never"], 0), (LOSES, ["--fail-on", "error"], 1), (KEEPS, [], 0),
    (QUIET, ["--fail-on", "note"], 0), (LOSES, ["--ignore", "CM2,CM3,CM104,CM405"], 0),
    (LOSES, ["--select", "CM602"], 0), (LOSES, ["--select", "volume-misses-store"], 1),
])
def test_findings(form: str, path: str, more: list[str], status: int, doctor: Callable[..., Any],
                  repository: Path) -> None:
    assert doctor("scan", path, "--format", form, *more, cwd=repository).status == status


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_to_audit(form: str, doctor: Callable[..., Any], tree: Callable[..., Path]) -> None:
    root = tree({"app.py": "print('hello')\n", "requirements.txt": "crewai\n",
                 "tests/test_app.py": "from crewai import Crew\nCrew(memory=True)\n"})
    assert doctor("scan", ".", "--format", form, cwd=root).status == 3
    assert doctor("scan", ".", "--format", form, "--include-tests", cwd=root).status in (0, 1)


@pytest.mark.parametrize("words", [
    ["scan", "no/such/folder"], ["scan", ".", "--format", "pdf"], ["scan", ".", "--fail-on", "sometimes"],
    ["scan", ".", "--selct", "CM2"], ["scan", ".", "--select", "CM999"], ["scan", ".", "--ignore", "no-such-rule"],
    ["scan", ".", "--crewai-version", "newest"], ["explain", "CM999"], ["frobnicate"],
])
def test_could_not_look(words: list[str], doctor: Callable[..., Any], tree: Callable[..., Path]) -> None:
    outcome = doctor(*words, cwd=tree({"app.py": "import crewai\n"}))
    assert outcome.status == 2
    assert outcome.errors.strip()
    assert "Traceback" not in outcome.errors


@pytest.mark.parametrize(("table", "hint"), [
    ('[tool.crewmem-doctor]\nfail_onn = "error"\n', "fail-on"),
    ('[tool.crewmem-doctor]\nselct = ["CM2"]\n', "select"),
    ('[tool.crewmem-doctor]\nfail-on = 3\n', "fail-on"),
    ('[[tool.crewmem-doctor.ignore]]\nrule = "CM201"\npath = "*"\n', "reason"),
    ('[[tool.crewmem-doctor.ignore]]\nrule = "CM999"\npath = "*"\nreason = "why not"\n', "CM999"),
    ("[tool.crewmem-doctor\n", "pyproject.toml"),
])
def test_configuration_errors(table: str, hint: str, doctor: Callable[..., Any], tree: Callable[..., Path]) -> None:
    """An unknown key is an error and says what was probably meant: a typing slip must not switch an audit off."""
    outcome = doctor("scan", ".", cwd=tree({"app.py": "import crewai\n", "pyproject.toml": table}))
    assert outcome.status == 2, outcome.text
    assert hint in outcome.errors
    assert "Traceback" not in outcome.errors


def test_strict(doctor: Callable[..., Any], tree: Callable[..., Path]) -> None:
    root = tree({"app.py": "from crewai import Crew\n", "old.py": "from crewai import Crew\nprint 'x'\n"})
    assert doctor("scan", ".", cwd=root).status == 0
    assert doctor("scan", ".", "--strict", cwd=root).status == 2


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["scan", "--help"], ["rules"], ["explain", "CM201"],
                                   ["explain", "no-volume"]])
def test_help_is_no_failure(words: list[str], doctor: Callable[..., Any]) -> None:
    outcome = doctor(*words)
    assert outcome.status == 0, outcome.errors
    assert outcome.text.strip()


def test_a_closed_pipe_is_no_crash(command: list[str], repository: Path) -> None:
    """`crewmem-doctor scan . | head -1`."""
    process = subprocess.Popen([*command, "scan", LOSES], cwd=repository, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=30)
    assert b"Traceback" not in errors
