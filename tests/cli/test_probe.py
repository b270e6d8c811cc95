"""`probe` and `scan --probe` in this process, over probes that only say what they are told: statuses, lines, usage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crewmem_doctor import probes
from crewmem_doctor.cli.main import main
from crewmem_doctor.errors import Terminated
from crewmem_doctor.model.observation import Observation

URL = "redis://:hunter2@staging:6379/0"
SHOWN = "redis://staging:6379/0"
See = Callable[..., list[Any]]


def seen(check: str, outcome: str, detail: str = "d", **more: Any) -> Observation:
    return Observation("redis", SHOWN, check, outcome, detail, 12.0, **more)  # type: ignore[arg-type]


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> See:
    """Replaces every probe by what it is to have seen; the list grows by what was asked."""
    monkeypatch.chdir(tmp_path)
    asked: list[Any] = []

    def stand_in(*observations: Observation | BaseException) -> list[Any]:
        def run(*words: Any) -> tuple[Observation, ...]:
            asked.append(words)
            for one in observations:
                if isinstance(one, BaseException):
                    raise one
            return tuple(one for one in observations if isinstance(one, Observation))

        monkeypatch.setattr(probes, "run", run)
        return asked

    return stand_in


GOOD = seen("connect", "pass", "Redis 8.2.3")
BAD = seen("persistence", "fail", 'nothing is written to disk: save "" and appendonly no', remedy="Turn on appendonly")
BLIND = seen("connect", "error", "the connection was refused", remedy="Start it")


@pytest.mark.parametrize(("found", "words", "status"), [
    ((GOOD,), (), 0), ((GOOD, BAD), (), 1), ((BLIND,), (), 2), ((GOOD, BAD, BLIND), (), 2),
    ((BAD,), ("--fail-on", "never"), 0), ((BAD,), ("--ignore", "CM903"), 0), ((seen("pgvector", "skip"),), (), 0),
    ((seen("other-home", "fail", minor=True),), (), 0), ((seen("other-home", "fail", minor=True),), ("--fail-on", "note"), 1),
])
def test_the_status(see: See, capsys: Any, found: Any, words: tuple[str, ...], status: int) -> None:
    see(*found)
    assert main(["probe", URL, *words]) == status
    told = capsys.readouterr()
    assert SHOWN in told.out
    assert "hunter2" not in told.out + told.err


def test_the_findings_are_those_of_the_rules(see: See, capsys: Any) -> None:
    see(GOOD, BAD, BLIND)
    main(["probe", URL, "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    assert [(f["rule"], f["path"], f["fix"]["title"]) for f in report["findings"]] == [
        ("CM902", SHOWN, "Start it"), ("CM903", SHOWN, "Turn on appendonly")]
    assert [one["check"] for one in report["observations"]] == ["connect", "persistence", "connect"]
    assert report["exit_code"] == 2


def test_a_scan_with_a_probe_is_one_report(see: See, capsys: Any, tmp_path: Path) -> None:
    see(GOOD, BAD)
    (tmp_path / "crew.py").write_text("from crewai import Crew\ncrew = Crew(agents=[], tasks=[], memory=True)\n")
    (tmp_path / "requirements.txt").write_text("crewai==1.15.30\n")
    assert main(["scan", ".", "--probe", URL, "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [m["id"] for m in report["memories"]] == ["m1"]
    assert "CM903" in [f["rule"] for f in report["findings"]]


@pytest.mark.parametrize(("found", "status"), [((GOOD,), 3), ((BAD,), 1), ((BLIND,), 2)])
def test_a_tree_without_crewai_and_a_probe(see: See, capsys: Any, found: Any, status: int) -> None:
    see(*found)
    assert main(["scan", ".", "--probe", URL]) == status


def test_nothing_of_the_code_is_judged_by_a_probe_alone(see: See, capsys: Any, tmp_path: Path) -> None:
    see(seen("import", "pass"))
    (tmp_path / "crew.py").write_text(
        "from crewai import Crew\ncrew = Crew(agents=[], tasks=[], memory=True)  # crewmem: ignore[CM999]\n")
    assert main(["probe", "crewai"]) == 0
    assert "CM0" not in capsys.readouterr().out


def test_the_project_around_is_read_for_the_targets_that_it_knows(see: See, tmp_path: Path) -> None:
    asked = see(GOOD)
    main(["probe", "crewai"])
    main(["probe", URL])
    main(["probe", "crewai", "--ready"])
    assert [words[4] is not None for words in asked] == [True, False, False]


@pytest.mark.parametrize(("found", "line", "status"), [
    ((GOOD,), f"{SHOWN}: ready\n", 0), ((GOOD, BLIND), f"{SHOWN}: connect: the connection was refused\n", 2),
])
def test_a_start_up_check_is_one_line(see: See, capsys: Any, found: Any, line: str, status: int) -> None:
    see(*found)
    assert main(["probe", URL, "--ready"]) == status
    assert capsys.readouterr().out == line


def test_options_reach_the_probe(see: See, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = see(GOOD)
    monkeypatch.setenv("CREWMEM_DOCTOR_PROBE_REQUESTS", "5")
    main(["probe", URL, "--timeout", "2.5", "--yes", "--service", "compose:api"])
    targets, settings = asked[0][:2]
    assert [target.text for target in targets] == [URL]
    assert (settings.timeout, settings.probe_requests, settings.yes, settings.service) == (2.5, 5, True, "compose:api")


def test_a_scanned_tree_decides_nothing_about_probes(see: See, capsys: Any, tmp_path: Path) -> None:
    for line in ('probe = ["redis://x"]', 'restart-command = "rm -rf /"', "yes = true", 'python = "./evil"'):
        (tmp_path / "pyproject.toml").write_text(f"[tool.crewmem-doctor]\n{line}\n")
        assert main(["scan", "."]) == 2
        assert "pyproject.toml" in capsys.readouterr().err


@pytest.mark.parametrize("words", [
    ["probe"], ["probe", "mysql://h"], ["probe", "env:NOT_SET_HERE"], ["probe", URL, "--timeout", "0"],
    ["probe", URL, "--probe-request", "no-such-file.yaml"], ["probe", "crewai:no-such-folder"],
    ["scan", ".", "--probe", "redsi://h"],
])
def test_usage_errors_come_before_any_probe(see: See, capsys: Any, words: list[str]) -> None:
    asked = see(GOOD)
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err
    assert not asked


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), 130), (Terminated(), 143)])
def test_interrupted(see: See, error: BaseException, status: int) -> None:
    see(error)
    assert main(["probe", URL]) == status
