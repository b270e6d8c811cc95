"""Sentinels and clusters, with real servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crewmem_doctor.model.observation import Observation
from crewmem_doctor.probes.redis import steps

from .conftest import FLAVOURS, Server, job, wait_until

Serve = Callable[..., Server]
KEY = "crewmem_probe_test:memory"


@pytest.fixture(scope="module")
def watched(serve: Serve) -> tuple[Server, Server]:
    """A primary with a password, and a sentinel that knows it as "main" and has a password of its own."""
    primary = serve("valkey", "--save", "", "--appendonly", "yes", "--requirepass", "main-s3cret")
    sentinel = serve("valkey", "--sentinel", config=(
        f"requirepass watch-s3cret\nsentinel monitor main 127.0.0.1 {primary.port} 1\nsentinel auth-pass main main-s3cret\n"))
    return primary, sentinel


def test_sentinels_say_where_the_primary_is(watched: tuple[Server, Server]) -> None:
    primary, sentinel = watched
    url = sentinel.url(":main-s3cret", "/main/1?sentinel_password=watch-s3cret", "redis+sentinel")
    assert steps.write(job(url, value="00ff")) == {"at": f"127.0.0.1:{primary.port}"}
    with primary.client(db=1, password="main-s3cret") as client:
        assert client.exists(KEY)
    assert steps.read(job(url))["value"] == "00ff"
    assert steps.remove(job(url)) == {"left": []}


def test_a_sentinel_that_is_down_is_passed_over(watched: tuple[Server, Server]) -> None:
    _, sentinel = watched
    url = f"redis+sentinel://:main-s3cret@127.0.0.1:1,127.0.0.1:{sentinel.port}/main?sentinel_password=watch-s3cret"
    assert "at" in steps.connect(job(url))


@pytest.mark.parametrize(("path", "words"), [
    ("/other?sentinel_password=watch-s3cret", "knows no service other"), ("/main", "asks for a password"),
    ("/main?sentinel_password=x", "rejected the user name or the password"),
])
def test_what_sentinels_do_not_say(watched: tuple[Server, Server], path: str, words: str) -> None:
    answer = steps.connect(job(watched[1].url(":main-s3cret", path, "redis+sentinel")))
    assert answer["trouble"] == "SENTINEL"
    assert words in answer["words"]
    assert "s3cret" not in answer["words"]


def test_a_server_that_is_no_sentinel(watched: tuple[Server, Server]) -> None:
    answer = steps.connect(job(watched[0].url("", "/main?sentinel_password=main-s3cret", "redis+sentinel")))
    assert answer["trouble"] == "SENTINEL"
    assert "is no sentinel" in answer["words"]


def test_a_sentinel_where_a_server_is_meant(watched: tuple[Server, Server]) -> None:
    answer = steps.connect(job(watched[1].url(":watch-s3cret")))
    assert answer["trouble"] == "SENTINEL"
    assert "is a sentinel, which holds no records" in answer["words"]


def cluster(serve: Serve, flavour: str, *slots: str) -> list[Server]:
    """A cluster with a node for each range of slots."""
    nodes = [serve(flavour, "--cluster-enabled", "yes", "--save", "", "--appendonly", "yes",
                   "--cluster-require-full-coverage", "no") for _ in slots]
    for node, words in zip(nodes, slots, strict=True):
        with node.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", *words.split())
            for other in nodes:
                client.execute_command("CLUSTER MEET", "127.0.0.1", other.port)
    for node in nodes:
        with node.client() as client:
            wait_until(lambda: (told := client.cluster("info"))["cluster_state"] == "ok" and told["cluster_slots_ok"] == "16384")
    return nodes


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("scheme", ["redis", "redis+cluster"])
def test_a_cluster_sends_to_the_node_that_has_the_key(serve: Serve, flavour: str, scheme: str) -> None:
    nodes = cluster(serve, flavour, "0 8191", "8192 16383")
    with nodes[0].client() as client:
        slot = client.execute_command("CLUSTER KEYSLOT", KEY)
    holder = nodes[slot > 8191]
    for node in nodes:
        url = node.url(path="", scheme=scheme)
        assert steps.write(job(url, value="00ff")) == {"at": f"127.0.0.1:{holder.port}"}
        assert steps.read(job(url))["value"] == "00ff"
        assert steps.look(job(url))["at"] == f"127.0.0.1:{holder.port}"
        assert steps.remove(job(url)) == {"left": []}
    holder.stop()
    other = nodes[slot <= 8191]
    answer = steps.write(job(other.url(path="", scheme=scheme), value="00"))
    assert answer["trouble"] in ("REFUSED", "CLUSTERDOWN")
    if answer["trouble"] == "REFUSED":
        assert "sends its clients on to" in answer["words"]


def test_a_cluster_without_all_slots_is_down(serve: Serve) -> None:
    node = serve("valkey", "--cluster-enabled", "yes")
    answer = steps.write(job(node.url(path=""), value="00"))
    assert answer["trouble"] == "CLUSTERDOWN"


def test_a_whole_probe_of_a_cluster(serve: Serve, observed: Callable[..., dict[str, Observation]]) -> None:
    node = cluster(serve, "redis", "0 16383")[0]
    seen = observed(f"redis+cluster://127.0.0.1:1,127.0.0.1:{node.port}", timeout=10)
    assert {name: one.outcome for name, one in seen.items()} == dict.fromkeys(seen, "pass")
    assert "the node of the cluster that holds" in seen["configuration"].detail
    assert not node.leftovers()
