"""The behaviour that rules rest on, shown by the real CrewAI in two real processes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from premise import MARKS, PYTHONS, Place, premise, version_of

from crewmem_doctor.model.expression import Opaque, Table, Text
from crewmem_doctor.releases.api import argument
from crewmem_doctor.releases.embedding import without_key
from crewmem_doctor.releases.eras import era
from crewmem_doctor.releases.imports import importable
from crewmem_doctor.releases.keys import (
    agent_memory_is_real,
    keyed_by,
    long_term_needs_exact_task,
    scopes_are_prefixes,
)
from crewmem_doctor.releases.paths import honours_path_argument
from crewmem_doctor.releases.providers import refused

pytestmark = MARKS


@pytest.fixture(scope="module", params=PYTHONS or ["none"])
def python(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def say(place: Place, *words: str) -> Mapping[str, Any]:
    return place.run("child.py", *words)


@premise("CM104", "CM401")
def test_a_second_process_finds_what_the_first_one_built_and_saved(python: str, tmp_path: Path) -> None:
    """CM401: building memory anew loses nothing. CM104: the name of the working directory decides."""
    say(Place(python, tmp_path), "write", "codeword amber", "writer", "/s")
    assert say(Place(python, tmp_path), "read", "codeword amber", "writer", "/s")["found"] == [True]
    assert say(Place(python, tmp_path, "other"), "read", "codeword amber", "writer", "/s")["found"] == [False]


@premise("CM103", "CM104")
def test_an_absolute_storage_dir_is_the_place(python: str, tmp_path: Path) -> None:
    """CM103, CM104: another home and another working directory find it."""
    store = {"CREWAI_STORAGE_DIR": str(tmp_path / "store")}
    say(Place(python, tmp_path / "a", **store), "write", "codeword birch", "writer", "/s")
    assert say(Place(python, tmp_path / "b", "elsewhere", **store), "read", "codeword birch", "writer", "/s")["found"] == [True]


@premise("CM402", "CM403", "CM405", "CM408")
def test_keys(python: str, tmp_path: Path) -> None:
    """CM402: another role hides the record where roles name the store, another scope where scopes do. CM405: without a key
    of their own two users share the records. CM408: /user/1 recalls /user/10, with a slash too; a further segment ends
    the id."""
    version, place = version_of(python), Place(python, tmp_path)
    say(place, "write", "codeword cedar", "writer 1", "/s/1", "codeword fir", "writer 1", "/",
        "codeword gorse", "writer 1", "/user/10", "codeword hazel", "writer 1", "/user/10/chat")
    asked = {
        ("codeword cedar", "writer 2", "/s/1"): keyed_by(version, "agent_role") is None,
        ("codeword cedar", "writer 1", "/s/2"): keyed_by(version, "scope") is None,
        ("codeword fir", "writer 1", "/"): True,
    }
    if scopes_are_prefixes(version):
        asked |= {
            ("codeword gorse", "writer 1", "/user/1"): True,
            ("codeword gorse", "writer 1", "/user/1/"): True,
            ("codeword hazel", "writer 1", "/user/1/chat"): False,
        }
    found = say(place, "read", *(word for words in asked for word in words))["found"]
    assert dict(zip(asked, found, strict=True)) == asked


@premise("CM105")
def test_a_relative_storage_dir(python: str, tmp_path: Path) -> None:
    """CM105: a path below the working directory for the unified memory, a name below the home before."""
    place = Place(python, tmp_path, CREWAI_STORAGE_DIR="named")
    say(place, "write", "codeword elder", "writer", "/s")
    split = argument(version_of(python), "crewai.Memory", "storage") is not None
    assert (place.cwd / "named").exists() == split
    assert (tmp_path / "home/.local/share/named").exists()


@premise("CM105", "CM202", "CM601")
def test_a_relative_path_of_a_storage_of_vectors(python: str, tmp_path: Path) -> None:
    """CM105, CM202: below the working directory where the release looks at it. CM601: not where the storage itself has no
    embedder."""
    version = version_of(python)
    if era(version).unified:
        pytest.skip("these classes are gone")
    place = Place(python, tmp_path, OPENAI_API_KEY="none")
    say(place, "vectors", "recall", "elsewhere")
    for path, with_embedder in (("recall", True), ("elsewhere", False)):
        assert (place.cwd / path / "chroma.sqlite3").exists() == honours_path_argument(version, "short_term", with_embedder), path
    assert (place.home / ".local/share/app/chroma.sqlite3").exists()


@premise("CM601", "CM602")
def test_arguments_imports_and_embedders(python: str, tmp_path: Path) -> None:
    """CM601, CM602."""
    said = say(Place(python, tmp_path), "api")
    version = version_of(python)
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


KINDS = ("short_term_memory", "long_term_memory", "entity_memory", "external_memory")
GIVEN = (*((kind,) for kind in KINDS), ("long_term_memory", "entity_memory"), ("long_term_memory", "short_term_memory"),
         ("memory", "long_term_memory"), ("memory", "entity_memory"))


@premise("CM601")
def test_kinds_of_memory_that_a_crew_is_given_alone(python: str, tmp_path: Path) -> None:
    """CM601: all are read; what the data calls unwritten is never saved into, and nothing else."""
    version = version_of(python)
    if era(version).unified:
        pytest.skip("these arguments are gone")
    said = Place(python, tmp_path).run("alone.py", *("+".join(names) for names in GIVEN))["sets"]
    for names in GIVEN:
        beside = {name: Text(True) if name == "memory" else Opaque("an object") for name in names}
        for name, done in said["+".join(names)].items():
            verdict = argument(version, "crewai.Crew", name, beside[name], beside)
            assert verdict is not None
            assert verdict.outcome == ("ok" if "saved" in done else "unwritten"), (names, name)
            assert "searched" in done, (names, name)


@premise("CM502", "CM504")
def test_without_a_key_the_kickoff_succeeds_and_nothing_is_kept(python: str, tmp_path: Path) -> None:
    """CM502, CM504."""
    assert say(Place(python, tmp_path), "silent") == {"done": "done", "records": 0}
    verdict = without_key(version_of(python))
    assert verdict is not None
    assert verdict.outcome == "fails-at-save"


@premise("CM207", "CM404")
def test_a_flow_goes_on_only_with_its_id(python: str, tmp_path: Path) -> None:
    """CM404. CM207: its SQLite keeps a log beside the file, which needs memory that all who have it open share; the mode
    stands in the file."""
    place = Place(python, tmp_path)
    assert say(place, "flow")["runs"] == [1, 1]
    assert say(place, "flow", "one")["runs"] == [1, 2]
    assert say(place, "flow", "one")["runs"] == [3, 4]
    with contextlib.closing(sqlite3.connect(place.home / ".local/share/app/flow_states.db")) as database:
        mode = database.execute("PRAGMA journal_mode").fetchone()[0]
    assert mode == ("wal" if era(version_of(python)).unified else "delete")


@premise("CM406")
def test_an_agents_own_memory(python: str, tmp_path: Path) -> None:
    """CM406: another object than the crew's, without the crew's scope; before, the flag does nothing."""
    said = say(Place(python, tmp_path, OPENAI_API_KEY="none"), "agent")
    assert said["own"] == agent_memory_is_real(version_of(python))
    if said["own"]:
        own, crews = said["scopes"]
        assert own is None
        assert crews is not None


@premise("CM407", "CM409")
def test_kinds_of_memory_that_share_a_type_and_lessons(python: str, tmp_path: Path) -> None:
    """CM407, CM409."""
    if not long_term_needs_exact_task(version_of(python)):
        pytest.skip("these classes are gone")
    place = Place(python, tmp_path)
    assert say(place, "collide") == {"short_term": True, "entities": False}
    assert say(place, "lesson", "Answer: one", "Answer: one", "Answer: two")["found"] == [True, False]
