"""The command line in this process, over a report put together by hand: statuses, streams, colours."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crewmem_doctor.cli import output
from crewmem_doctor.cli.main import main
from crewmem_doctor.model.code import Code
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.model.report import Report

FINDING = Finding("CM201", "no-volume", "error", "Grüße \x1b[31m an [red]alle[/red]", Location("compose.yaml", 3), "s",
                  "e")
PROJECT = Project(Release((Version(1, 15, 30),)), code=Code(uses_crewai=True), files=1)
REPORT = Report(PROJECT, memories=PROJECT.memories, findings=(FINDING,), exit_code=1)


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Any], list[Any]]:
    """Replaces the audit: returns or raises what it is given, and records how it was asked."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    asked: list[Any] = []

    def stand_in(result: Any) -> list[Any]:
        def examine(path: Path, settings: Any, probing: Any = None) -> Report:
            asked.append((path, settings))
            if isinstance(result, BaseException):
                raise result
            return result

        audit = ModuleType("crewmem_doctor.doctor")
        monkeypatch.setattr(audit, "examine", examine, raising=False)
        monkeypatch.setitem(sys.modules, "crewmem_doctor.doctor", audit)
        return asked

    return stand_in


@pytest.mark.parametrize("status", [0, 1, 2, 3])
@pytest.mark.parametrize("form", ["rich", "concise", "json"])
def test_the_status_is_the_reports(scanned: Any, capsys: Any, status: int, form: str) -> None:
    scanned(replace(REPORT, exit_code=status))
    assert main(["scan", "--format", form]) == status
    captured = capsys.readouterr()
    assert captured.out
    assert captured.err == ""
    if form == "json":
        assert json.loads(captured.out)["exit_code"] == status


def test_interrupted(scanned: Any, capsys: Any) -> None:
    scanned(KeyboardInterrupt())
    assert main(["scan"]) == 130
    assert capsys.readouterr().out == ""


def test_a_defect_of_the_program_is_no_finding(scanned: Any, capsys: Any) -> None:
    scanned(RuntimeError("redis://u:hunter2@h went away"))
    assert main(["scan"]) == 2
    captured = capsys.readouterr()
    assert "internal error: RuntimeError: redis://h went away" in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("words", [["scan", "nowhere"], ["scan", "--format", "pdf"], ["scan", "--select", "CM999"],
                                   ["scan", "--what"], ["what"], ["explain"], ["explain", "CM999"],
                                   ["rules", "-f", "pdf"], ["scan", "--jobs", "x"]])
def test_usage_errors_say_so_on_stderr_only(scanned: Any, capsys: Any, words: list[str]) -> None:
    asked = scanned(REPORT)
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip()
    assert asked == []


def test_flags_reach_the_settings(scanned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scanned(REPORT)
    monkeypatch.setenv("CREWMEM_DOCTOR_STRICT", "1")
    main(["scan", ".", "--select", "CM2,CM301", "--select", "CM4", "--ignore", "no-volume", "--fail-on", "note",
          "--include-tests", "--crewai-version", "1.15.30", "--exclude", "old/", "--jobs", "2", "-q"])
    settings = asked[0][1]
    assert settings.select == ("CM2", "CM301", "CM4")
    assert (settings.ignore, settings.fail_on, settings.exclude) == (("no-volume",), "note", ("old/",))
    assert (settings.include_tests, settings.strict, settings.quiet, settings.jobs) == (True, True, True, 2)
    assert settings.crewai_version == Version(1, 15, 30)


def test_files(scanned: Any, capsys: Any, tmp_path: Path) -> None:
    scanned(REPORT)
    assert main(["scan", "-f", "concise", "-f", "json=report.json", "-f", "rich=report.txt"]) == 1
    assert capsys.readouterr().out.startswith("compose.yaml:3:1: CM201 error Grüße \\x1b[31m an [red]alle[/red]\n")
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["exit_code"] == 1
    assert "\x1b" not in (tmp_path / "report.txt").read_text("utf-8")
    assert main(["scan", "-f", "json", "-o", "other.json"]) == 1
    assert capsys.readouterr().out == ""
    assert (tmp_path / "other.json").read_bytes() == (tmp_path / "report.json").read_bytes()
    assert main(["scan", "-f", "json", "-o", "no/such/folder/x.json"]) == 2
    assert "could not be written" in capsys.readouterr().err


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("terminal", "environ", "no_color", "expected"), [
    (True, {}, False, True), (False, {}, False, False), (True, {"NO_COLOR": "1"}, False, False),
    (True, {"NO_COLOR": ""}, False, True), (True, {"TERM": "dumb"}, False, False), (True, {}, True, False),
    (False, {"FORCE_COLOR": "1"}, False, True), (False, {"FORCE_COLOR": "0"}, False, False),
    (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False), (False, {"FORCE_COLOR": "1"}, True, False),
    (True, {"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
])
def test_colors(terminal: bool, environ: dict[str, str], no_color: bool, expected: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert output.colored(stream, environ, no_color) == expected


def test_an_encoding_without_our_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    output.put("✗ 客 │ ── ü\n")
    assert raw.getvalue() == b"x \\u5ba2 | -- \\xfc\n"


def test_forced_color_on_a_pipe_is_not_wrapped(scanned: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    scanned(replace(REPORT, findings=(replace(FINDING, message="word " * 60),)))
    main(["scan"])
    out = capsys.readouterr().out
    assert "\x1b[1;31m" in out
    assert any(line.count("word") == 60 for line in out.splitlines())


def test_rules_and_pages(capsys: Any) -> None:
    assert main(["rules", "--format", "json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert {"id": "CM003", "name": "bad-suppression", "severity": "error", "group": "The audit itself",
            "summary": "a `crewmem:` comment has no reason, names an unknown rule, or cannot be read"} in entries
    for entry in entries:
        for word in (entry["id"], entry["name"], entry["id"].lower()):
            assert main(["explain", word]) == 0
            page = capsys.readouterr().out
            assert page.startswith(f"{entry['id']} {entry['name']}")
            assert all(f"── {title} ─" in page for title in ("Why", "Example", "Fix", "When this is not a problem"))
    assert main(["explain", "no-volum"]) == 2
    assert "did you mean no-volume?" in capsys.readouterr().err
