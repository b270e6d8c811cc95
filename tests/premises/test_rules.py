"""The behaviour that rules rest on, shown by the real CrewAI in two real processes.

CREWMEM_TEST_PYTHONS names interpreters that have CrewAI installed, separated like PATH. Without it the tests' own
interpreter serves if it has CrewAI, and else these tests are skipped.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crewmem_doctor.model.expression import Table, Text
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.api import argument
from crewmem_doctor.releases.embedding import without_key
from crewmem_doctor.releases.imports import importable
from crewmem_doctor.releases.keys import (
    agent_memory_is_real,
    keyed_by,
    long_term_needs_exact_task,
    scopes_are_prefixes,
)
from crewmem_doctor.releases.providers import refused

CHILD = Path(__file__).with_name("child.py")
OWN = [sys.executable] if importlib.util.find_spec("crewai") else []
PYTHONS = [p for p in os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep) if p] or OWN
pytestmark = [
    pytest.mark.crewai,
    pytest.mark.skipif(not PYTHONS, reason="CrewAI is not installed"),
    pytest.mark.timeout(300),
]


class Place:
    """A home and a working directory, as one container has them."""

    def __init__(self, python: str, root: Path, folder: str = "app", **variables: str) -> None:
        self.python = python
        self.cwd = root / "work" / folder
        self.cwd.mkdir(parents=True, exist_ok=True)
        (root / "home").mkdir(exist_ok=True)
        keep = ("PATH", "LANG", "LD_LIBRARY_PATH")
        self.env = {**{k: os.environ[k] for k in keep if k in os.environ}, "HOME": str(root / "home"), **variables}

    def run(self, *words: str) -> Mapping[str, Any]:
        done = subprocess.run(
            [self.python, str(CHILD), *words],
            cwd=self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        assert lines, done.stderr[-2000:]
        result: Mapping[str, Any] = json.loads(lines[-1])
        return result


@pytest.fixture(scope="module", params=PYTHONS or ["none"])
def python(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def version_of(result: Mapping[str, Any]) -> Version:
    found = Version.parse(str(result["version"]))
    assert found is not None
    return found


def test_a_second_process_finds_what_the_first_one_built_and_saved(python: str, tmp_path: Path) -> None:
    """CM401: building memory anew loses nothing. CM104: the name of the working directory decides."""
    Place(python, tmp_path).run("write", "codeword amber", "writer", "/s")
    assert Place(python, tmp_path).run("read", "codeword amber", "writer", "/s")["found"]
    assert not Place(python, tmp_path, "other").run("read", "codeword amber", "writer", "/s")["found"]


def test_an_absolute_storage_dir_is_the_place(python: str, tmp_path: Path) -> None:
    """CM103, CM104: another home and another working directory find it."""
    store = {"CREWAI_STORAGE_DIR": str(tmp_path / "store")}
    Place(python, tmp_path / "a", **store).run("write", "codeword birch", "writer", "/s")
    assert Place(python, tmp_path / "b", "elsewhere", **store).run("read", "codeword birch", "writer", "/s")["found"]


def test_keys(python: str, tmp_path: Path) -> None:
    """CM402: another role hides the record where roles name the store, another scope where scopes do."""
    version = version_of(Place(python, tmp_path).run("write", "codeword cedar", "writer 1", "/s/1"))
    found = Place(python, tmp_path).run("read", "codeword cedar", "writer 2", "/s/1")["found"]
    assert found == (keyed_by(version, "agent_role") is None)
    found = Place(python, tmp_path).run("read", "codeword cedar", "writer 1", "/s/2")["found"]
    assert found == (keyed_by(version, "scope") is None)


def test_a_relative_storage_dir(python: str, tmp_path: Path) -> None:
    """CM105: a path below the working directory for the unified memory, a name below the home before."""
    place = Place(python, tmp_path, CREWAI_STORAGE_DIR="named")
    version = version_of(place.run("write", "codeword elder", "writer", "/s"))
    split = argument(version, "crewai.Memory", "storage") is not None
    assert (place.cwd / "named").exists() == split
    assert (tmp_path / "home/.local/share/named").exists()


def test_arguments_imports_and_embedders(python: str, tmp_path: Path) -> None:
    """CM601, CM602."""
    said = Place(python, tmp_path).run("api")
    version = version_of(said)
    for key, value in (("memory=dict", Table((("session_id", Text("x")),))), ("memory=text", Text("redis"))):
        verdict = argument(version, "crewai.Crew", "memory", value)
        assert verdict is not None
        assert (said[key] == "ValidationError") == (verdict.outcome == "rejected"), key
    external = argument(version, "crewai.Crew", "external_memory")
    assert external is not None
    assert said["external_memory"] == (external.outcome == "ok")
    for name, works in said["imports"].items():
        importing = importable(version, name)
        assert importing is not None, name
        assert works == (importing.outcome == "ok"), name
    for provider, works in said["embedders"].items():
        judged = refused(version, provider, "crewai.Crew")
        assert judged is not None, provider
        assert works == (judged.outcome == "ok"), provider


def test_without_a_key_the_kickoff_succeeds_and_nothing_is_kept(python: str, tmp_path: Path) -> None:
    """CM504."""
    said = Place(python, tmp_path).run("silent")
    assert said == {"done": "done", "records": 0}
    verdict = without_key(version_of(Place(python, tmp_path).run("api")))
    assert verdict is not None
    assert verdict.outcome == "fails-at-save"


def test_one_memory_for_everybody_and_scopes_that_begin_alike(python: str, tmp_path: Path) -> None:
    """CM405: without a key of their own two users share the records. CM408: /user/1 recalls /user/10, with a slash too;
    a further segment ends the id."""
    place = Place(python, tmp_path)
    version = version_of(place.run("write", "codeword fir", "writer", "/"))
    assert place.run("read", "codeword fir", "writer", "/")["found"]
    if not scopes_are_prefixes(version):
        return
    place.run("write", "codeword gorse", "writer", "/user/10")
    assert place.run("read", "codeword gorse", "writer", "/user/1")["found"]
    assert place.run("read", "codeword gorse", "writer", "/user/1/")["found"]
    place.run("write", "codeword hazel", "writer", "/user/10/chat")
    assert not place.run("read", "codeword hazel", "writer", "/user/1/chat")["found"]


def test_a_flow_goes_on_only_with_its_id(python: str, tmp_path: Path) -> None:
    """CM404."""
    assert Place(python, tmp_path).run("flow")["runs"] == [1, 1]
    assert Place(python, tmp_path).run("flow", "one")["runs"] == [1, 2]
    assert Place(python, tmp_path).run("flow", "one")["runs"] == [3, 4]


def test_an_agents_own_memory(python: str, tmp_path: Path) -> None:
    """CM406: another object than the crew's, without the crew's scope; before, the flag does nothing."""
    said = Place(python, tmp_path, OPENAI_API_KEY="none").run("agent")
    assert said["own"] == agent_memory_is_real(version_of(said))
    if said["own"]:
        own, crews = said["scopes"]
        assert own is None
        assert crews is not None


def test_kinds_of_memory_that_share_a_type_and_lessons(python: str, tmp_path: Path) -> None:
    """CM407, CM409."""
    version = version_of(Place(python, tmp_path).run("api"))
    if not long_term_needs_exact_task(version):
        return
    assert Place(python, tmp_path).run("collide") == {"short_term": True, "entities": False}
    assert Place(python, tmp_path).run("lesson", "Answer: one", "Answer: one")["found"]
    assert not Place(python, tmp_path).run("lesson", "Answer: one", "Answer: two")["found"]
