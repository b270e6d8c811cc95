"""The storage recipes with the real CrewAI and real servers, in two processes that share nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from interpreters import PYTHONS, Replica, named, needs_crewai, replicas, version
from servers import Server

CHILD = Path(__file__).with_name("child.py")
UNIFIED = [p for p in PYTHONS if version(p) >= (1, 10)]
pytestmark = needs_crewai

# (kind, options): a Postgres with pgvector, one that is treated as if it had none, and a Valkey.
KINDS: dict[str, dict[str, Any]] = {
    "pgvector": {"table": "with_vector", "pgvector": True},
    "plain": {"table": "without_vector", "pgvector": False},
    "valkey": {"prefix": "app:memory"},
}


@pytest.fixture(scope="module", params=UNIFIED or ["none"], ids=lambda p: named(p) if p in UNIFIED else p)
def python(request: pytest.FixtureRequest) -> str:
    if request.param == "none":
        pytest.skip("no interpreter with CrewAI 1.10 or later")
    return str(request.param)


@pytest.fixture(scope="module", params=list(KINDS))
def store(request: pytest.FixtureRequest) -> tuple[Server, dict[str, Any]]:
    server: Server = request.getfixturevalue("valkey_server" if request.param == "valkey" else "postgres_server")
    return server, KINDS[request.param]


@pytest.fixture(scope="module")
def pair(python: str, store: tuple[Server, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Replica]]:
    server, options = store
    with replicas(python, CHILD, tmp_path_factory.mktemp("hosts")) as both:
        for one in both:
            one.do("open_memory", url=server.url, **options)
        yield both


def test_it_is_the_protocol_of_this_release(pair: list[Replica]) -> None:
    assert pair[0].do("protocol") == []


def test_every_method_does_what_the_protocol_says(pair: list[Replica]) -> None:
    said = pair[0].do("behaviour")
    assert said["count"] == [5, 5, 3, 2, 2, 0, 0]
    assert said["search"][0] == "the cat likes milk"
    assert len(said["search"]) == 4, "what has no vector cannot be near"
    assert said["scores"]
    assert said["search 1"] == ["the cat likes milk", "the cat sleeps"]
    assert said["search category"] == ["the dog likes bones"]
    assert said["search metadata"] == ["the cat likes milk"]
    assert said["search limit"] == 2
    assert said["search exact"] == pytest.approx(1.0, abs=1e-6)
    assert said["list"] == ["the cat likes milk", "the cat sleeps"]
    assert said["page"] == ["the cat sleeps"]
    assert said["scopes"] == [["/bare", "/user"], ["/user/1", "/user/10"], ["/user/1/chat"], ["/user/10/chat"]]
    assert said["categories"] == [{"food": 1, "pets": 2}, {"food": 1, "pets": 1}]
    assert said["same"]
    assert said["close"]
    assert said["absent"] is None
    assert said["info"] == ["/user/1", 2, ["pets"], ["/user/1/chat"], True, True]
    assert said["empty info"] == [0, None]
    assert said["moved"] == [1, 1, "moved", True]
    assert said["touched"]
    assert said["ghost"] is None, "touching what is gone must not bring it back"
    assert said["deletes"] == [0, 0, 0, 1, 1, 0, 1, 2]
    assert said["reset"] == [0, 1]
    assert said["async"] == [True, 1]


def test_the_other_replica_remembers(pair: list[Replica]) -> None:
    pair[0].do("remember", text="the codeword is amber", scope="/shared")
    assert pair[1].do("recall", text="what is the codeword", scope="/shared") == ["the codeword is amber"]


def test_users_whose_ids_begin_alike_do_not_share(pair: list[Replica]) -> None:
    pair[0].do("remember", text="the secret is birch", scope="/user/10")
    pair[0].do("remember", text="the secret is cedar", scope="/user/1")
    assert pair[1].do("recall", text="secret", scope="/user/1") == ["the secret is cedar"]
    assert pair[1].do("recall", text="secret", scope="/user/10") == ["the secret is birch"]


def test_writers_in_two_processes_and_many_threads_lose_nothing(pair: list[Replica]) -> None:
    for n, one in enumerate(pair):
        one.tell("many", prefix=f"w{n}", number=20, threads=4, scope="/many")
    for one in pair:
        assert one.answer() == {"value": []}
    said = [one.do("many", prefix=f"late{n}", number=0, threads=1, scope="/many") for n, one in enumerate(pair)]
    assert said == [[], []]
    # 2 processes × 4 threads × 20 records, and the one that all of them moved about.
    assert pair[0].do("count_of", scope="/many") == pair[1].do("count_of", scope="/many") == 161


def test_a_restarted_server_is_found_again_with_everything_in_it(pair: list[Replica], store: tuple[Server, dict[str, Any]]) -> None:
    pair[0].do("remember", text="the codeword is dogwood", scope="/restart")
    pair[1].do("recall", text="codeword", scope="/restart")
    store[0].restart()
    assert pair[1].do("recall", text="codeword", scope="/restart") == ["the codeword is dogwood"]
    pair[0].do("remember", text="another codeword is elder", scope="/restart")
    assert len(pair[1].do("recall", text="codeword", scope="/restart")) == 2


def test_a_server_that_comes_back_late_is_waited_for(pair: list[Replica], store: tuple[Server, dict[str, Any]]) -> None:
    pair[0].do("count_of", scope="/")
    store[0].stop()
    pair[0].tell("save_in", content="written while the server was away", scope="/late")
    store[0].start()
    assert "error" not in pair[0].answer()
    assert pair[1].do("count_of", scope="/late") == 1


def test_a_forked_child_has_connections_of_its_own(pair: list[Replica]) -> None:
    seen, after = pair[0].do("forked", text="from the child", scope="/forked")
    assert seen == after == ["from the child"]
    assert pair[0].do("count_of", scope="/forked") == 1


def test_another_embedder_is_refused_loudly(pair: list[Replica], python: str) -> None:
    pair[0].do("save_in", content="sized", scope="/sized")
    error = "EmbeddingDimensionMismatchError" if version(python) >= (1, 15) else "ValueError"
    assert pair[0].do("sized", size=32) == [error, error]


def test_a_closed_storage_opens_again(pair: list[Replica]) -> None:
    assert pair[0].do("close") >= 0


def test_a_crew_remembers_what_another_replica_was_told(pair: list[Replica], python: str) -> None:
    # Crews save into a scope that they are handed since 1.12; before, they take the whole memory.
    user = "7" if version(python) >= (1, 12) else None
    pair[0].do("kickoff", description="Note the codeword", answer="The codeword of the project is hazel", user=user)
    assert "hazel" in pair[1].do("kickoff", description="Tell the codeword of the project", answer="done", user=user)
    if user is None:
        return
    assert "hazel" not in pair[1].do("kickoff", description="Tell the codeword of the project", answer="done", user="70")


def test_a_store_that_is_not_there_stops_the_start(python: str, store: tuple[Server, dict[str, Any]], tmp_path: Path) -> None:
    from servers import free_port

    scheme = store[0].url.split("://")[0]
    with replicas(python, CHILD, tmp_path, 1) as (one,):
        one.do("open_memory", url=f"{scheme}://user:hunter2@127.0.0.1:{free_port()}/0", **store[1],
               **({"retries": 1} if scheme == "redis" else {}))
        said = one.fails("check")
        assert said.startswith(("OperationalError", "ConnectionError"))
        assert "hunter2" not in said
        assert "hunter2" not in str(one.do("shown"))
        assert one.fails("save_in", content="x", scope="/").startswith(("OperationalError", "ConnectionError"))


def test_the_factory_gives_every_memory_of_the_process_the_store(python: str, store: tuple[Server, dict[str, Any]],
                                                                   tmp_path: Path) -> None:
    if version(python) < (1, 14, 7):
        pytest.skip("set_memory_storage_factory came with 1.14.7")
    server, options = store
    where = {key: (f"{value}_by_factory" if isinstance(value, str) else value) for key, value in options.items()}
    with replicas(python, CHILD, tmp_path) as (one, two):
        assert one.do("use_factory", url=server.url, **where).endswith("Storage")
        two.do("use_factory", url=server.url, **where)
        one.do("plain_kickoff", description="Note the codeword", answer="The codeword of the project is juniper")
        assert "juniper" in two.do("plain_kickoff", description="Tell the codeword of the project", answer="done")
        assert not list(one.home.rglob("*.lance")), "nothing may be kept beside the server"


def test_valkey_that_throws_records_away_is_refused(python: str, valkey_server: Server, tmp_path: Path) -> None:
    import redis

    client = redis.Redis.from_url(valkey_server.url)
    with replicas(python, CHILD, tmp_path, 1) as (one,):
        one.do("open_memory", url=valkey_server.url, prefix="evicting")
        one.do("check")
        client.config_set("maxmemory", "1gb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            assert "throws records away" in one.fails("check")
        finally:
            client.config_set("maxmemory", "0")
            client.config_set("maxmemory-policy", "noeviction")


def test_postgres_that_takes_no_writes_is_refused(python: str, postgres_server: Server, tmp_path: Path) -> None:
    with replicas(python, CHILD, tmp_path, 1) as (one,):
        one.do("open_memory", url=postgres_server.url, table="standby")
        one.do("check")
        one.do("open_memory", url=f"{postgres_server.url}?options=-c%20default_transaction_read_only%3Don", table="standby")
        assert one.fails("check")
