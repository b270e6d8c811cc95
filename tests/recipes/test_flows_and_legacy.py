"""The recipes for flow state and for the releases before the unified memory, in two processes over a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from interpreters import PYTHONS, named, needs_crewai, replicas, version
from servers import Server, free_port

CHILD = Path(__file__).with_name("child.py")
pytestmark = needs_crewai


@pytest.fixture(scope="module", params=PYTHONS or ["none"], ids=lambda p: named(p) if p in PYTHONS else p)
def python(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_another_replica_goes_on_with_the_flow(python: str, postgres_server: Server, tmp_path: Path) -> None:
    # Every release may meet the same server, which keeps what the others said.
    url, talk = postgres_server.url, f"{named(python)}-c-1"
    with replicas(python, CHILD, tmp_path) as (one, two):
        assert one.do("flow", url=url, id=talk, says="amber") == ["amber"]
        postgres_server.restart()
        assert two.do("flow", url=url, id=talk, says="birch") == ["amber", "birch"]
        assert one.do("flow", url=url, id=f"{talk}0", says="cedar") == ["cedar"], "another conversation"
        assert two.do("flow", url=url, says="dogwood") == ["dogwood"], "without an id nothing is found again"
        waited = one.do("waiting", url=url, flow_uuid="w-1")
        assert waited is None or waited == [{"n": 1}, "ok?", None, {"n": 1}]
        assert "flow_states.db" not in {file.name for file in one.home.rglob("*")} | {file.name for file in two.home.rglob("*")}
        assert "postgresql" not in str(one.do("flow_shown"))


def test_a_flow_stops_where_its_state_cannot_be_kept(python: str, tmp_path: Path) -> None:
    with replicas(python, CHILD, tmp_path, 1) as (one,):
        assert one.fails("flow", url=f"postgresql://127.0.0.1:{free_port()}/postgres", id="c-1", says="amber")


def test_crews_of_older_releases_remember_across_replicas_and_apart_for_each_user(python: str, postgres_server: Server,
                                                                                   tmp_path: Path) -> None:
    if not (0, 114) <= version(python) < (1, 10):
        pytest.skip("ExternalMemory is in 0.114 to 1.9.3")
    url = postgres_server.url
    asked = {"url": url, "description": "Tell the codeword of the project", "answer": "done"}
    with replicas(python, CHILD, tmp_path) as (one, two):
        one.do("legacy", url=url, owner="1", description="Note the codeword", answer="The codeword of the project is hazel")
        assert "hazel" in two.do("legacy", owner="1", **asked)
        assert "hazel" not in two.do("legacy", owner="10", **asked)
        assert two.do("legacy_search", text="codeword of hazel", limit=1) == []
        one.do("legacy", owner="1", **asked)
        assert "hazel" in one.do("legacy_search", text="is hazel & the | codeword' :* !", limit=1)[0]
        two.do("legacy_reset")
        assert one.do("legacy_search", text="hazel"), "another owner's reset deletes nothing of mine"
        one.do("legacy_reset")
        assert not one.do("legacy_search", text="hazel")
