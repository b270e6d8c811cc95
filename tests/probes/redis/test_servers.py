"""What real servers are said to keep, whatever their configuration: Valkey and Redis, as root and as a normal user."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from crewmem_doctor.probes.redis import steps
from crewmem_doctor.probes.redis.verdicts import Seen, judges
from crewmem_doctor.probes.session import Verdict

from .conftest import FLAVOURS, NOBODY, Server, job, wait_until

Serve = Callable[..., Server]


def judged(url: str, **more: Any) -> dict[str, Verdict]:
    """The verdicts about a server, by check."""
    answer = steps.look(job(url, **more))
    assert "trouble" not in answer, answer
    seen = Seen.of(answer)
    out: dict[str, Verdict] = {}
    for name, judge in judges(0):
        out[name] = Verdict()
        judge(seen, out[name])
    return out


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("uid", [None, NOBODY], ids=["as we are", "as a normal user"])
def test_a_server_that_keeps_everything(serve: Serve, flavour: str, uid: int | None) -> None:
    if uid is not None and os.geteuid() != 0:
        pytest.skip("only root may start a server as somebody else")
    server = serve(flavour, "--save", "", "--appendonly", "yes", "--maxmemory", "100mb", uid=uid)
    found = judged(server.url())
    assert {name: verdict.outcome for name, verdict in found.items()} == dict.fromkeys(found, "pass")
    assert "appendfsync everysec" in found["persistence"].detail
    assert "100mb writes are refused" in found["eviction"].detail
    assert flavour in found["configuration"].detail.lower()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_server_that_keeps_nothing(serve: Serve, flavour: str) -> None:
    found = judged(serve(flavour, "--save", "", "--appendonly", "no").url())
    assert found["persistence"].outcome == "fail"
    assert not found["persistence"].minor
    assert found["persistence"].snippet.startswith("appendonly yes")
    assert found["last-save"].outcome == "skip"


@pytest.fixture(scope="module")
def configured(serve: Serve) -> Callable[..., str]:
    """The URL of one server with its configuration changed; everything else is as it was at first."""
    server = serve("valkey", "--save", "", "--appendonly", "no")
    first = {"save": "", "appendonly": "no", "appendfsync": "everysec", "maxmemory": "0", "maxmemory-policy": "noeviction",
             "stop-writes-on-bgsave-error": "yes"}

    def change(**settings: str) -> str:
        with server.client() as client:
            for name, value in (first | {name.replace("_", "-"): value for name, value in settings.items()}).items():
                client.config_set(name, value)
        return server.url()

    return change


@pytest.mark.parametrize(("settings", "outcome", "minor", "words"), [
    ({"appendonly": "yes", "appendfsync": "always"}, "pass", False, "on disk before it is answered"),
    ({"appendonly": "yes", "appendfsync": "no"}, "pass", False, "30 seconds"),
    ({"save": "900 1"}, "pass", False, "up to 15 minutes"),
    ({"save": "60 1 3600 100"}, "pass", False, "up to 1 minute"),
    ({"save": "3600 1 300 100 60 10000"}, "fail", True, "up to 1 hour"),
    ({"save": "86400 1"}, "fail", True, "up to 24 hours"),
    ({"save": "60 10000"}, "fail", True, "fewer than 10000 writes"),
    ({"save": "3600 1", "appendonly": "yes"}, "pass", False, "one or two seconds"),
])
def test_what_is_kept_through_a_crash(configured: Callable[..., str], settings: dict[str, str], outcome: str, minor: bool,
                                      words: str) -> None:
    verdict = judged(configured(**settings))["persistence"]
    assert (verdict.outcome, verdict.minor) == (outcome, minor)
    assert words in verdict.detail


@pytest.mark.parametrize(("settings", "outcome", "words"), [
    ({}, "pass", "nothing is thrown away"),
    ({"maxmemory": "64mb", "maxmemory_policy": "allkeys-lru"}, "fail", "any record may be thrown away"),
    ({"maxmemory": "64mb", "maxmemory_policy": "allkeys-random"}, "fail", "maxmemory 64mb"),
    ({"maxmemory_policy": "allkeys-lfu"}, "pass", "maxmemory is 0"),
    ({"maxmemory": "64mb", "maxmemory_policy": "volatile-ttl"}, "pass", "only keys with a lifetime"),
    ({"maxmemory_policy": "volatile-lru"}, "pass", "maxmemory is 0"),
])
def test_what_a_full_server_throws_away(configured: Callable[..., str], settings: dict[str, str], outcome: str, words: str) -> None:
    verdict = judged(configured(**settings))["eviction"]
    assert verdict.outcome == outcome
    assert words in verdict.detail


def test_records_that_were_thrown_away_are_counted(serve: Serve) -> None:
    server = serve("redis", "--save", "", "--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru")
    with server.client() as client:
        for number in range(4000):
            client.set(f"record:{number}", "x" * 1000)
    found = judged(server.url())
    assert (found["evictions"].outcome, found["evictions"].minor) == ("fail", False)
    assert re.match(r"\d{3,4} keys were thrown away", found["evictions"].detail)
    with server.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
    assert judged(server.url())["evictions"].minor


def test_a_replica(serve: Serve) -> None:
    primary = serve("valkey", "--save", "", "--appendonly", "yes")
    replica = serve("valkey", "--save", "", "--appendonly", "yes", "--replicaof", f"127.0.0.1 {primary.port}")
    found = judged(replica.url())
    assert found["role"].outcome == "fail"
    assert f"replica of 127.0.0.1:{primary.port}" in found["role"].detail
    assert f":{primary.port}/0" in found["role"].snippet
    assert steps.write(job(replica.url(), value="00"))["trouble"] == "READONLY"
    # Nothing was written, and a replica that refuses DEL does not stop one from saying so.
    assert steps.remove(job(replica.url())) == {"left": []}
    with replica.client() as client:
        client.config_set("replica-read-only", "no")
    assert "its primary overwrites them" in judged(replica.url())["role"].detail


@pytest.mark.parametrize("stops", ["yes", "no"])
def test_a_snapshot_that_failed(serve: Serve, stops: str) -> None:
    server = serve("valkey", "--save", "3600 1", "--stop-writes-on-bgsave-error", stops)
    shutil.rmtree(server.directory)     # a volume that went away
    with server.client() as client:
        client.set("record", "1")
        client.bgsave()
        wait_until(lambda: not client.info("persistence")["rdb_bgsave_in_progress"])
    verdict = judged(server.url())["last-save"]
    assert (verdict.outcome, verdict.minor) == ("fail", False)
    assert f"stop-writes-on-bgsave-error {stops}" in verdict.detail
    written = steps.write(job(server.url(), value="00"))
    assert written.get("trouble") == ("MISCONF" if stops == "yes" else None)


def test_a_server_that_hides_its_configuration(durable: Server) -> None:
    found = judged(durable.url("app:app-s3cret"))
    assert found["configuration"].outcome == "skip"
    assert "CONFIG is not allowed here (NOPERM)" in found["configuration"].detail
    # INFO says that there is an append-only file, and not how often it reaches the disk.
    assert found["persistence"].outcome == "pass"
    assert "could not be seen" in found["persistence"].detail


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_server_without_the_commands(serve: Serve, flavour: str) -> None:
    """As managed services have it."""
    server = serve(flavour, config='save 3600 1\nrename-command CONFIG ""\n')
    found = judged(server.url())
    assert "unknown command" in found["configuration"].detail
    assert found["persistence"].outcome == "skip"
    assert "CONFIG is not allowed here" in found["persistence"].detail
    assert found["role"].outcome == "pass"
    assert found["eviction"].outcome == "pass"
    hidden = serve(flavour, config='rename-command CONFIG ""\nrename-command INFO ""\n')
    found = judged(hidden.url())
    assert {name: verdict.outcome for name, verdict in found.items() if name != "database"} == dict.fromkeys(
        [name for name in found if name != "database"], "skip")


def test_the_database_is_told(serve: Serve) -> None:
    server = serve("valkey", "--save", "")
    with server.client(db=3) as client:
        client.set("somebody else's", "1")
    detail = judged(server.url())["database"].detail
    assert detail == "logical database 0 of 16, which holds 0 keys; others in use: 3"
