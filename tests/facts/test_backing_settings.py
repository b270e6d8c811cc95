"""What a Redis is told about keeping its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from crewmem_doctor.facts.backing_settings import with_settings
from crewmem_doctor.facts.compose import read_compose
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.discover import discover

Writer = Callable[[Mapping[str, "str | bytes"]], Path]
CONF = "# a comment\nsave 900 1\nappendonly yes\nmaxmemory-policy allkeys-lru\nbind 0.0.0.0\n"


@pytest.mark.parametrize(("lines", "expected"), [
    ("command: redis-server --save '' --appendonly no", [("save", ""), ("appendonly", "no")]),
    ("command: ['redis-server', '--save', '60', '1', '--maxmemory', '1gb']", [("save", "60 1"), ("maxmemory", "1gb")]),
    ("command: ['--save', '\"\"']", [("save", "")]),
    ("command: ['redis-server', '--maxmemory-policy allkeys-lfu']", [("maxmemory-policy", "allkeys-lfu")]),
    ("command: sh -c 'exec redis-server --requirepass x --appendonly yes'", [("appendonly", "yes")]),
    ("environment: {REDIS_ARGS: '--save \"\" --dir /x'}", [("save", ""), ("dir", "/x")]),
    ("environment: {REDIS_AOF_ENABLED: 'no'}", [("appendonly", "no")]),
    ("command: redis-server /etc/redis.conf --save ''\n    volumes: ['./redis.conf:/etc/redis.conf']",
     [("save", "900 1"), ("appendonly", "yes"), ("maxmemory-policy", "allkeys-lru"), ("save", "")]),
    ("command: redis-server /etc/elsewhere.conf", []),
    ("ports: ['6379:6379']", []),
])
def test_settings(tree: Writer, lines: str, expected: list[tuple[str, str]]) -> None:
    compose = f"services:\n  cache:\n    image: redis:7\n    {lines}\n"
    found = discover(tree({"compose.yaml": compose, "redis.conf": CONF}))
    (service,) = read_compose(found)[0]
    settings = with_settings(service, found).configured
    assert [(s.name, s.value.value if isinstance(s.value, Known) else None) for s in settings] == expected
    for setting in settings:
        if setting.at.path == "redis.conf":
            assert CONF.split("\n")[setting.at.line - 1].startswith(setting.name)


def test_other_servers_have_none(tree: Writer) -> None:
    found = discover(tree({"compose.yaml": "services:\n  db:\n    image: postgres\n    command: postgres --save x\n"}))
    (service,) = read_compose(found)[0]
    assert with_settings(service, found) is service
