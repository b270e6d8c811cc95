"""What must hold for the terminal report whatever it says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import report_samples as samples
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.report import Report
from crewmem_doctor.reports import concise, rich

TEXT = st.text(st.characters(), max_size=60)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    for line in rich.render(samples.FULL, rich.Look(width)).splitlines():
        if "lost  " not in line and "request  " not in line:       # a table is not wrapped
            assert cell_len(line) <= width, line


def test_color_adds_codes_and_nothing_else() -> None:
    plain = rich.render(samples.FULL, rich.Look(80))
    colored = rich.render(samples.FULL, rich.Look(80, color=True))
    assert "\x1b" not in plain
    bare = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


def test_a_pipe_is_never_wrapped() -> None:
    text = rich.render(samples.FULL, rich.Look())
    for finding in (samples.MISSED, samples.NOTE):
        assert any(finding.message in line for line in text.splitlines())


def test_verdict_is_said_first_and_last() -> None:
    lines = rich.render(samples.FULL, rich.Look(80)).splitlines()
    assert lines[0] == "✗ 2 memories lose records: 3 errors, 1 warning, 1 note"
    assert lines[-2:] == [lines[0], "  Next: crewmem-doctor explain CM107"]


def test_errors_come_first_in_a_group() -> None:
    text = rich.render(samples.FULL, rich.Look(80))
    assert text.index("random-key") < text.index("memory-built-per-request")


def test_carets_stand_under_the_span() -> None:
    """Also behind wide characters, tabs and a URL whose password was taken out."""
    lines = rich.render(samples.FULL, rich.Look(200)).splitlines()
    for source, span in (("    return Crew(", "memory=True"), ("names = {", '"客户记忆服务"'),
                         ("memory = Memory(", 'storage="redis://redis:6379/0"')):
        number, line = next((n, text) for n, text in enumerate(lines) if source in text)
        carets = lines[number + 1]
        start = len(carets) - len(carets.split("│ ", 1)[1].lstrip())
        begin = cell_len(line[:line.rindex(span)])
        assert start == begin, (line, carets)
        assert carets[start:].startswith("^" * cell_len(span))


def test_notes_are_one_line_unless_verbose() -> None:
    assert "called here" not in rich.render(samples.FULL, rich.Look(200))
    assert "called here" in rich.render(samples.FULL, rich.Look(200, verbose=True))


def test_nothing_of_a_scanned_file_reaches_the_terminal_as_a_command() -> None:
    for text in (rich.render(samples.FULL, rich.Look(80, color=True)), concise.render(samples.FULL)):
        assert "# \x1b" not in text
        assert "hunter2" not in text
    assert "[bold]saying so[/bold]" in rich.render(samples.FULL, rich.Look())


@settings(max_examples=60, deadline=None)
@given(message=TEXT, path=TEXT, note=TEXT, source=st.text(st.characters(), max_size=400),
       column=st.integers(1, 500), length=st.integers(1, 90), width=st.sampled_from([None, 40, 80]))
def test_any_text_is_shown_safely(message: str, path: str, note: str, source: str, column: int, length: int,
                                  width: int | None) -> None:
    at = Location(path, 3, column, 3, column + length)
    finding = Finding("CM201", "no-volume", "error", message, at, "s", "e", because=(Step(Location(path, 4), note),),
                      fix=Fix(message, source))
    report = replace(samples.FULL, findings=(finding,), excerpt=lambda _path, _line: source)
    text = rich.render(report, rich.Look(width))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    text.encode("utf-8")
    assert concise.render(Report(report.project, findings=(finding,))).count("\n") == 2


def test_a_long_line_is_cut_around_the_span() -> None:
    source = "x" * 100_000 + "HERE" + "y" * 100_000
    at = Location("a.py", 1, 100_001, 1, 100_005)
    finding = replace(samples.URL, at=at)
    for width in (None, 80):
        text = rich.render(replace(samples.FULL, findings=(finding,), excerpt=lambda _p, _l: source), rich.Look(width))
        line = next(line for line in text.splitlines() if "HERE" in line)
        assert len(line) < 300
        assert "…" in line
