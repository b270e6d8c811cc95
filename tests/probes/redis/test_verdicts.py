"""Verdicts about what no server out of a wheel can be brought to say: full disks, managed services, other makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from crewmem_doctor.probes.redis.verdicts import Seen, judges, span
from crewmem_doctor.probes.session import Verdict

OK = {"aof_last_write_status": "ok", "rdb_last_bgsave_status": "ok", "aof_last_bgrewrite_status": "ok"}
AOF = {"aof_enabled": 1, **OK}
RDB = {"aof_enabled": 0, **OK}


def judged(check: str, info: Mapping[str, Any], config: Mapping[str, str] | None = None,
           hidden: Mapping[str, str] | None = None) -> Verdict:
    verdict = Verdict()
    dict(judges(0))[check](Seen(info, config or {}, hidden or {}, {}), verdict)
    return verdict


@pytest.mark.parametrize(("info", "config", "outcome", "minor"), [
    (AOF | {"aof_last_write_status": "err"}, {"save": ""}, "fail", False),
    (AOF | {"aof_last_bgrewrite_status": "err"}, {"save": ""}, "fail", True),
    (AOF | {"rdb_last_bgsave_status": "err"}, {"save": "3600 1"}, "fail", True),
    (AOF | {"rdb_last_bgsave_status": "err"}, {"save": ""}, "pass", False),     # a snapshot by hand; nothing rests on it
    (RDB | {"rdb_last_bgsave_status": "err"}, {"save": "3600 1"}, "fail", False),
    (RDB | {"rdb_last_bgsave_status": "err"}, {}, "fail", False),
    (RDB | {"aof_last_write_status": "err"}, {"save": "3600 1"}, "pass", False),   # of a file that is no longer written
    (RDB, {"save": ""}, "skip", False), ({}, {}, "skip", False),
])
def test_the_last_save(info: Mapping[str, Any], config: Mapping[str, str], outcome: str, minor: bool) -> None:
    verdict = judged("last-save", info, config)
    assert (verdict.outcome, verdict.minor) == (outcome, minor)


def test_a_failing_save_that_nobody_would_notice() -> None:
    verdict = judged("last-save", RDB, {"save": "900 1", "stop-writes-on-bgsave-error": "no"})
    assert verdict.outcome == "pass"
    assert "unnoticed" in verdict.detail


@pytest.mark.parametrize(("info", "config", "outcome"), [
    ({"rlec_version": "7.4.2-54", "aof_enabled": 0}, {}, "skip"),       # Redis Enterprise saves by its own means
    ({}, {}, "skip"), ({"aof_enabled": 1}, {}, "pass"), ({}, {"appendonly": "yes", "appendfsync": "always"}, "pass"),
    ({}, {"save": ""}, "skip"), ({}, {"appendonly": "no", "save": ""}, "fail"), ({"aof_enabled": 0}, {"save": ""}, "fail"),
    ({}, {"save": "60 1"}, "pass"),
])
def test_what_is_not_seen_is_not_judged(info: Mapping[str, Any], config: Mapping[str, str], outcome: str) -> None:
    assert judged("persistence", info, config, {"CONFIG": "unknown command"} if not config else {}).outcome == outcome


@pytest.mark.parametrize(("info", "outcome"), [
    ({"maxmemory_policy": "allkeys-lru"}, "skip"), ({"maxmemory_policy": "allkeys-lru", "maxmemory": 1 << 30}, "fail"),
    ({"maxmemory_policy": "allkeys-lru", "maxmemory": 0}, "pass"), ({"maxmemory_policy": "volatile-lru", "maxmemory": 1 << 30}, "pass"),
    ({}, "skip"),
])
def test_eviction_by_info_alone(info: Mapping[str, Any], outcome: str) -> None:
    assert judged("eviction", info).outcome == outcome


def test_records_with_a_lifetime_that_were_thrown_away_are_a_note() -> None:
    verdict = judged("evictions", {"evicted_keys": 1, "maxmemory_policy": "volatile-lru", "maxmemory": 1 << 20})
    assert (verdict.outcome, verdict.minor) == ("fail", True)
    assert "1 key was thrown away" in verdict.detail


def test_the_make_is_told() -> None:
    assert "Redis Enterprise 7.4.2-54" in judged("configuration", {"rlec_version": "7.4.2-54", "redis_version": "7.4.0"},
                                                 {"maxmemory": "0"}).detail
    assert judged("configuration", {}).outcome == "skip"


@pytest.mark.parametrize(("seconds", "words"), [(1, "1 second"), (90, "90 seconds"), (60, "1 minute"), (900, "15 minutes"),
                                                (3600, "1 hour"), (5400, "90 minutes"), (86400, "24 hours")])
def test_spans(seconds: int, words: str) -> None:
    assert span(seconds) == words
