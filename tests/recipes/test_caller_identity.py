"""Callers have a memory each, and find it again in another process: with the real CrewAI, in processes that share a directory."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from interpreters import PYTHONS, RECIPES, Replica, named, needs_crewai, replicas, version

CHILD = Path(__file__).with_name("child.py")
# What an id may look like where callers choose it: beginnings of each other, parts of a path, wildcards of SQL, quotes.
IDS = ["7", "70", "7/chat", "../7", "a_b", "axb", "%", "_", "O'Brien", "ünal", " 7", "user@example.com"]


def recipe() -> Any:
    spec = importlib.util.spec_from_file_location("caller_identity", RECIPES / "caller_identity.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ids_become_scopes_that_do_not_meet() -> None:
    scopes = [recipe().user_scope(one) for one in IDS]
    assert len({len(scope) for scope in scopes}) == 1
    assert len(set(scopes)) == len(IDS)
    assert scopes == [recipe().user_scope(one) for one in IDS], "the same caller is the same tomorrow"


@pytest.mark.parametrize("nobody", ["", "  ", None])
def test_nobody_gets_no_memory(nobody: Any) -> None:
    for asked in (lambda: recipe().user_scope(nobody), lambda: recipe().flow_id(nobody, "c"), lambda: recipe().flow_id("u", nobody)):
        with pytest.raises(ValueError, match="without the caller's id"):
            asked()


def test_a_conversation_belongs_to_who_began_it() -> None:
    flow_id, conversation = recipe().flow_id, recipe().conversation
    assert len({flow_id("1", "23"), flow_id("12", "3"), flow_id("2", "23")}) == 3
    assert conversation("c-1") == "c-1"
    assert conversation(None) != conversation(""), "a new one each time"


def recalled(replica: Replica, user: str) -> str:
    return str(replica.do("ask", user=user, description="Tell the codeword of the project"))


@pytest.fixture(params=PYTHONS or ["none"], ids=lambda p: named(p) if p in PYTHONS else p)
def python(request: pytest.FixtureRequest) -> str:
    if request.param == "none":
        pytest.skip("CREWMEM_TEST_PYTHONS names no interpreter with CrewAI")
    return str(request.param)


def with_crewai(test: Any) -> Any:
    for mark in needs_crewai:
        test = mark(test)
    return test


@with_crewai
def test_a_crew_recalls_what_its_caller_said_and_no_other(python: str, tmp_path: Path) -> None:
    if version(python) < (1, 12):
        pytest.skip("a crew takes a scope since 1.12")
    with replicas(python, CHILD, tmp_path, CREWAI_STORAGE_DIR=str(tmp_path / "data")) as (one, two):
        one.do("open_local")
        one.do("ask", user="7", description="Note the codeword", answer="The codeword of the project is hazel")
        two.do("open_local")
        assert "hazel" in recalled(two, "7")
        assert "hazel" not in recalled(two, "70")
        two.do("ask", user="70", description="Note the codeword", answer="The codeword of the project is cedar")
        assert "cedar" in recalled(two, "70")
        assert "cedar" not in recalled(two, "7")
        # What the recipe is for: with the ids as they are, 7 is told what 70 said.
        two.do("kickoff", user="70", description="Note the codeword", answer="The codeword of the project is birch")
        assert "birch" in two.do("kickoff", user="7", description="Tell the codeword of the project", answer="done")


@with_crewai
def test_whatever_an_id_looks_like_it_finds_its_own_records(python: str, tmp_path: Path) -> None:
    if version(python) < (1, 10):
        pytest.skip("scopes came with 1.10")
    scope = recipe().user_scope
    with replicas(python, CHILD, tmp_path, CREWAI_STORAGE_DIR=str(tmp_path / "data")) as (one, two):
        one.do("open_local")
        for n, user in enumerate(IDS):
            one.do("remember", text=f"the secret is word{n}", scope=scope(user))
        two.do("open_local")
        assert {user: two.do("recall", text="secret", scope=scope(user)) for user in IDS} == {
            user: [f"the secret is word{n}"] for n, user in enumerate(IDS)}


@with_crewai
def test_a_flow_goes_on_in_another_process_for_its_caller_alone(python: str, tmp_path: Path) -> None:
    with replicas(python, CHILD, tmp_path, CREWAI_STORAGE_DIR=str(tmp_path / "data")) as (one, two):
        heard, given = one.do("chat", user="7", conversation_id=None, text="amber")
        assert heard == ["amber"]
        assert two.do("chat", user="7", conversation_id=given, text="birch") == [["amber", "birch"], given]
        assert one.do("chat", user="7", conversation_id=given, text="cedar") == [["amber", "birch", "cedar"], given]
        assert two.do("chat", user="70", conversation_id=given, text="dogwood") == [["dogwood"], given]
        assert two.do("chat", user="7", conversation_id=None, text="elder")[0] == ["elder"]


@with_crewai
def test_one_directory_is_found_from_everywhere(python: str, tmp_path: Path) -> None:
    """docs/recipes/storage_dir.md: two processes with other homes and other working directories."""
    asked = {"description": "Tell the codeword of the project", "answer": "done"}
    with replicas(python, CHILD, tmp_path, CREWAI_STORAGE_DIR=str(tmp_path / "data")) as (one, two):
        one.do("plain_kickoff", description="Note the codeword", answer="The codeword of the project is hazel")
        assert "hazel" in two.do("plain_kickoff", **asked)
    with replicas(python, CHILD, tmp_path / "apart") as (one, two):
        one.do("plain_kickoff", description="Note the codeword", answer="The codeword of the project is cedar")
        assert "cedar" not in two.do("plain_kickoff", **asked), "without the variable each has a place of its own"
