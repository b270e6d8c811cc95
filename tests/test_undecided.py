"""A memory that a setting outside the tree turns on: the report claims neither that it is on nor that there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from crewmem_doctor import examine
from crewmem_doctor.model.report import Report
from crewmem_doctor.reports.verdict import verdict
from crewmem_doctor.settings import Settings

CREW = "import os\nfrom crewai import Crew\n\n\ndef build(agents, tasks, spec, options):\n    return Crew(agents=agents, tasks=tasks, {})\n"


def scan(tmp_path: Path, arguments: str, release: str = "1.15.30") -> Report:
    (tmp_path / "team.py").write_text(CREW.format(arguments), encoding="utf-8")
    (tmp_path / "requirements.txt").write_text(f"crewai=={release}\n", encoding="utf-8")
    return examine(tmp_path, Settings())


@pytest.mark.parametrize(
    "arguments",
    [
        'memory=bool(os.getenv("REMEMBER"))',
        "memory=spec.memory",
        'memory=options.get("memory", False)',
    ],
)
def test_no_memory_is_not_claimed_where_a_setting_decides(tmp_path: Path, arguments: str) -> None:
    report = scan(tmp_path, arguments)
    assert not report.memories
    assert not report.findings
    assert [(gap.path, gap.line, gap.kind) for gap in report.gaps] == [("team.py", 6, "dynamic")]
    assert verdict(report).text == "No memory is certainly on in 2 audited files; of 1 it could not be told"
    assert verdict(report).tone == "doubtful"


@pytest.mark.parametrize("arguments", ["memory=False", "verbose=True", 'memory={}.get("memory", False)'])
def test_it_is_claimed_where_nothing_could_turn_one_on(tmp_path: Path, arguments: str) -> None:
    report = scan(tmp_path, arguments)
    assert not report.gaps
    assert verdict(report).text == "No memory is turned on in 2 audited files"


def test_beside_a_memory_that_is_on_nothing_is_added(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("from crewai import Memory\n\nmemory = Memory()\n", encoding="utf-8")
    report = scan(tmp_path, "memory=spec.memory")
    assert [memory.kind for memory in report.memories] == ["memory"]
    assert not report.gaps
