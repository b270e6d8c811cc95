"""The child program: what it may touch, where it says that records land, and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewmem_doctor.model.expression import Surroundings
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Store
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.placement import locate
from crewmem_doctor.probes.crewai.program import disk, place, unified
from crewmem_doctor.probes.crewai.source import MODULES, PROGRAM, program

NAMESPACE = "crewmem_probe_0123456789ab"


def run(job: dict[str, Any], cwd: Path, **environ: str) -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-"], input=program({"nonce": NAMESPACE, "namespace": NAMESPACE, **job}), cwd=cwd,
                          env={"HOME": str(cwd), "PATH": os.environ["PATH"], **environ}, capture_output=True, text=True,
                          timeout=60, check=False)
    return [json.loads(found) for found in re.findall(f"<{NAMESPACE}>(.*)</{NAMESPACE}>", done.stdout)]


def test_every_module_is_sent() -> None:
    assert {f"{name}.py" for name in MODULES} | {"__init__.py"} == {path.name for path in PROGRAM.glob("*.py")}


def test_what_lies_in_the_working_directory_is_not_imported(tmp_path: Path) -> None:
    for name in ("json", "types", "tempfile", "shutil"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the working directory')")
    (answer,) = run({"steps": [{"do": "look"}]}, tmp_path)
    assert answer["cwd"] == str(tmp_path)


def test_looking_changes_nothing(tmp_path: Path) -> None:
    (answer,) = run({"steps": [{"do": "look"}]}, tmp_path, XDG_DATA_HOME=str(tmp_path / "share"))
    assert list(tmp_path.iterdir()) == []
    assert answer["data"] == str(tmp_path / "share" / tmp_path.name)


def test_a_step_that_fails_is_the_last(tmp_path: Path) -> None:
    answers = run({"steps": [{"do": "see", "directory": str(tmp_path), "namespace": NAMESPACE}, {"do": "nothing"},
                             {"do": "look"}]}, tmp_path)
    assert [answer.get("error") for answer in answers] == [None, "KeyError"]


@pytest.mark.parametrize("version", ["1.15.30", "1.10.1", "1.9.3", "0.203.2"])
@pytest.mark.parametrize(("name", "environ"), [
    ("default", {}), ("absolute", {"CREWAI_STORAGE_DIR": "/data/crew"}), ("relative", {"CREWAI_STORAGE_DIR": "crew"}),
    ("xdg", {"XDG_DATA_HOME": "/xdg"}), ("both", {"XDG_DATA_HOME": "/xdg", "CREWAI_STORAGE_DIR": "crew"}),
])
def test_the_place_is_that_of_the_scan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, name: str,
                                       environ: dict[str, str]) -> None:
    """Two formulas, one written for a tree and one for a process, must not drift apart."""
    home, cwd = tmp_path / "home", tmp_path / "desk"
    cwd.mkdir()
    monkeypatch.chdir(cwd)
    for variable in ("CREWAI_STORAGE_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {"HOME": str(home), **environ}.items():
        monkeypatch.setenv(variable, value)
    found = Version.parse(version)
    assert found is not None
    around = Surroundings(Known(str(cwd)), Known(str(home)), lambda key: Known(environ[key]) if key in environ else None,
                          lambda path: Unknown("no source"))
    kind = "memory" if found >= Version(1, 10, 0) else "crew"
    memory = Memory(kind, Location("app.py", 1), "crewai.Crew", Store("path", "crewai's own default"))  # type: ignore[arg-type]
    assert place.store_directory(version) == locate(memory, around, Release((found,)))[0].value     # type: ignore[union-attr]


def test_only_what_is_the_probes_own_is_removed(tmp_path: Path) -> None:
    theirs = tmp_path / "memories.lance"
    theirs.mkdir()
    with pytest.raises(ValueError, match="not a probe's own"):
        disk.forget({"lock": "", "own": [str(tmp_path / NAMESPACE), str(theirs)]})
    assert theirs.is_dir()


def test_forgetting_takes_back_what_was_made_and_nothing_else(tmp_path: Path) -> None:
    own = tmp_path / "share/app/memory" / f"{NAMESPACE}.lance"
    own.mkdir(parents=True)
    (own / "data").write_text("x")
    key = tmp_path / "share/crewai/credentials/secret.key"
    key.parent.mkdir(parents=True)
    key.touch()
    other = tmp_path / "share/app/notes.txt"
    other.touch()
    folders = [str(tmp_path / name) for name in ("share/app/memory", "share/app", "share/crewai/credentials", "share/crewai",
                                                 "share")]
    said = disk.forget({"lock": "", "own": [str(own)], "files": [str(key), str(other)], "folders": folders})
    assert said == {"left": []}
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["share", "share/app", "share/app/notes.txt"]


def test_a_sealed_folder_goes_too(tmp_path: Path) -> None:
    own = tmp_path / f"{NAMESPACE}_stage"
    (own / "fs/srv").mkdir(parents=True)
    for folder in (own / "fs/srv", own / "fs"):
        folder.chmod(0o555)
    assert disk.forget({"lock": "", "own": [str(own)]}) == {"left": []}
    assert not own.exists()


def test_a_database_with_rows_stays(tmp_path: Path) -> None:
    import sqlite3

    made = []
    for name, rows in (("latest_kickoff_task_outputs.db", 0), ("flow_states.db", 1)):
        path = tmp_path / name
        with sqlite3.connect(path) as connection:
            connection.execute("create table t (x)")
            connection.executemany("insert into t values (?)", [(1,)] * rows)
        made.append(str(path))
    disk.forget({"lock": "", "own": [], "files": made})
    assert [path.name for path in tmp_path.iterdir()] == ["flow_states.db"]


def test_removing_waits_for_those_who_still_write(tmp_path: Path) -> None:
    lock, own = tmp_path / "lock", tmp_path / NAMESPACE
    own.mkdir()
    job = {"nonce": NAMESPACE, "namespace": NAMESPACE, "steps": [
        {"do": "guard", "lock": str(lock)}, {"do": "wait", "for": str(tmp_path / "go"), "seconds": 60}]}
    with subprocess.Popen([sys.executable, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(program(job).encode())
        child.stdin.close()
        while b'"guard"' not in child.stdout.readline():
            pass
        remover = subprocess.Popen([sys.executable, "-c", (
            "import sys; from crewmem_doctor.probes.crewai.program import disk; "
            f"disk.forget({{'lock': {str(lock)!r}, 'own': [{str(own)!r}]}})")])
        time.sleep(0.5)
        assert own.exists()
        (tmp_path / "go").touch()
        assert child.wait(60) == 0
    assert remover.wait(60) == 0
    assert not own.exists()


def test_a_child_ends_with_whoever_started_it(tmp_path: Path) -> None:
    theirs, ours = os.pipe()
    job = {"nonce": NAMESPACE, "namespace": NAMESPACE, "life": theirs,
           "steps": [{"do": "wait", "for": str(tmp_path / "never"), "seconds": 600}]}
    with subprocess.Popen([sys.executable, "-"], stdin=subprocess.PIPE, pass_fds=(theirs,)) as child:
        os.close(theirs)
        assert child.stdin is not None
        child.stdin.write(program(job).encode())
        child.stdin.close()
        os.close(ours)
        assert child.wait(60) == 9


@given(st.text(max_size=40), st.text(max_size=40))
def test_texts_that_differ_are_far_apart(one: str, other: str) -> None:
    """No two of the probe's records may be taken for the same by CrewAI, which merges what is alike."""
    try:
        a, b = unified.vectors([one, other])
    except UnicodeEncodeError:
        return
    norm = lambda v: sum(x * x for x in v) ** 0.5  # noqa: E731
    alike = sum(x * y for x, y in zip(a, b, strict=True)) / (norm(a) * norm(b))
    assert alike > 0.999 if one == other else alike < 0.85
