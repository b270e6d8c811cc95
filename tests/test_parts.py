"""A tree whose folders ask for different releases: each part of the code is judged by its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from crewmem_doctor import examine
from crewmem_doctor.model.report import Report
from crewmem_doctor.rules import _trees
from crewmem_doctor.settings import Settings

DROPPED = '''from crewai import Crew

from stores import external


def team(agents, tasks):
    return Crew(agents=agents, tasks=tasks, external_memory=external())
'''


def scan(files: Mapping[str, str], root: Path, settings: Settings | None = None) -> Report:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return examine(root, settings or Settings())


def found(report: Report, rule: str) -> list[str]:
    """The files that the rule's findings name; one cause in several files is one finding."""
    places = {step.at.path for f in report.findings if f.rule == rule for step in f.because}
    return sorted(places | {f.at.path for f in report.findings if f.rule == rule})


TWO = {
    "legacy_desk/team.py": DROPPED, "legacy_desk/requirements.txt": "crewai==1.9.3\n",
    "desk/team.py": DROPPED, "desk/requirements.txt": "crewai==1.15.30\n",
}


def test_each_folder_is_judged_by_the_release_that_it_asks_for(tmp_path: Path) -> None:
    assert found(scan(TWO, tmp_path), "CM601") == ["desk/team.py"]


@pytest.mark.parametrize(("version", "expected"), [("1.9.3", []), ("1.15.30", ["desk/team.py", "legacy_desk/team.py"])])
def test_a_release_that_the_user_names_holds_for_all(version: str, expected: list[str], tmp_path: Path) -> None:
    from crewmem_doctor.model.release import Version

    assert found(scan(TWO, tmp_path, Settings(crewai_version=Version.parse(version))), "CM601") == expected


def test_a_module_that_no_requirement_stands_above_follows_most_of_the_tree(tmp_path: Path) -> None:
    files = {**TWO, "shared/team.py": DROPPED, "desk/more.py": DROPPED}
    assert found(scan(files, tmp_path), "CM601") == ["desk/more.py", "desk/team.py", "shared/team.py"]


def test_a_list_for_development_decides_for_nobody(tmp_path: Path) -> None:
    files = {"requirements.txt": "crewai==1.9.3\n", "app/team.py": DROPPED, "app/requirements-dev.txt": "crewai==1.15.30\n"}
    assert found(scan(files, tmp_path), "CM601") == []


def test_memories_of_both_have_ids_rows_and_findings_of_their_own(tmp_path: Path) -> None:
    """Two applications with a service each: one is older than the scopes of crews."""
    files: dict[str, str] = {"compose.yaml": "services:\n  one:\n    build: one\n  two:\n    build: two\n"}
    for name, version in (("one", "1.9.3"), ("two", "1.15.30")):
        tree = _trees.service(requirements_dot_txt=f"crewai=={version}\nfastapi\nuvicorn\n")
        files.update({f"{name}/{path}": text for path, text in tree.items()})
    report = scan(files, tmp_path)
    assert [m.id for m in report.memories] == ["m1", "m2"]
    assert {(row.service, row.location) for row in report.rows} == {
        ("compose:one", "/root/.local/share/app"), ("compose:two", "/root/.local/share/app/memory")}
    assert sorted(f.subject for f in report.findings if f.rule == "CM201") == ["compose:one", "compose:two"]
    assert found(report, "CM604") == []


def test_what_the_whole_tree_says_is_said_once(tmp_path: Path) -> None:
    files: dict[str, str] = {"compose.yaml": "services:\n  one:\n    build: one\n    environment: [CREWAI_MEMORY_BACKEND=redis]\n  two:\n    build: two\n"}
    for name, version in (("one", "1.9.3"), ("two", "1.15.30")):
        tree = _trees.service(requirements_dot_txt=f"crewai=={version}\nfastapi\nuvicorn\n")
        files.update({f"{name}/{path}": text for path, text in tree.items()})
    assert [f.at.path for f in scan(files, tmp_path).findings if f.rule == "CM603"] == ["compose.yaml"]


def test_what_comes_from_a_repository_is_chosen_by_no_requirement(tmp_path: Path) -> None:
    origin = "crewai @ git+https://git.test/fork/crewAI.git@main\nfastapi\nuvicorn\n"
    report = scan(_trees.service(requirements_dot_txt=origin), tmp_path)
    assert found(report, "CM604") == []
    assert [gap.kind for gap in report.gaps] == ["dynamic"]
