"""What workers do with a Redis or Valkey server. The only part of the program that loads the driver.

A step answers {"trouble": name, "words": sentence} where something went wrong that has a name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from redis.exceptions import NoPermissionError, ResponseError

from crewmem_doctor.probes.redis.client import Client, allowed, reach, run
from crewmem_doctor.probes.redis.troubles import Trouble, named

OWN = "crewmem_probe_"
RETRY = 0.2     # seconds between two tries to tidy up
Step = Callable[[Mapping[str, Any]], dict[str, Any]]
SECTIONS = ("server", "replication", "persistence", "memory", "stats", "cluster", "keyspace")
FIELDS = (
    "redis_version", "valkey_version", "server_name", "redis_mode", "rlec_version", "uptime_in_seconds", "role",
    "master_host", "master_port", "master_link_status", "slave_read_only", "connected_slaves", "loading",
    "aof_enabled", "aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status", "rdb_last_save_time",
    "rdb_changes_since_last_save", "used_memory", "maxmemory", "maxmemory_policy", "evicted_keys", "cluster_enabled",
)
# Never a pattern: `CONFIG GET *` would bring the server's password along.
SETTINGS = ("save", "appendonly", "appendfsync", "maxmemory", "maxmemory-policy", "stop-writes-on-bgsave-error",
            "databases")


def _telling(step: Step) -> Step:
    def told(job: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return step(job)
        except Trouble as trouble:
            return {"trouble": trouble.name, "words": trouble.words}

    return told


def prepare(job: Mapping[str, Any]) -> dict[str, Any]:
    """Loads the driver, so that no later step's time goes into that."""
    return {}


@_telling
def connect(job: Mapping[str, Any]) -> dict[str, Any]:
    """Opens a connection, logs in, chooses the database."""

    def act(client: Client) -> bool:
        allowed(lambda: run(client, "PING"), None)
        return _is_sentinel(client)

    sentinel, at = reach(job, act)
    if sentinel:
        raise Trouble("SENTINEL", f"{at} is a sentinel, which holds no records: the URL says redis:// (or valkey://)")
    return {"at": at}


def _is_sentinel(client: Client) -> bool:
    try:
        role = run(client, "ROLE")
    except ResponseError:
        return False        # not allowed, or not known, as on many managed services
    return isinstance(role, list | tuple) and bool(role) and role[0] in (b"sentinel", "sentinel")


@_telling
def look(job: Mapping[str, Any]) -> dict[str, Any]:
    """What INFO and CONFIG say, as far as they may be asked: {"info", "config", "hidden": {command: why}}."""

    def act(client: Client) -> dict[str, Any]:
        # Goes to the node that holds the probe's key, where there are several.
        allowed(lambda: run(client, "EXISTS", job["key"]), None)
        hidden: dict[str, str] = {}
        pipe = client.pipeline(transaction=False)
        pipe.info()
        for name in SETTINGS:
            pipe.execute_command("CONFIG GET", name)        # type: ignore[no-untyped-call]
        info, *rest = pipe.execute(raise_on_error=False)
        for name, answer in (("INFO", info), ("CONFIG", next((one for one in rest if _refused(one)), None))):
            if _refused(answer):
                hidden[name] = _why(answer)
        config = {name: value for name, one in zip(SETTINGS, rest, strict=True) if (value := _value(one)) is not None}
        told = info if isinstance(info, dict) else {}
        keys = {name: value.get("keys", 0) for name, value in told.items()
                if name.startswith("db") and isinstance(value, dict)}
        return {"info": {name: told[name] for name in FIELDS if name in told}, "config": config, "hidden": hidden,
                "keys": keys}

    answer, at = reach(job, act)
    return answer | {"at": at}


def _refused(answer: object) -> bool:
    return isinstance(answer, ResponseError)


def _why(answer: object) -> str:
    assert isinstance(answer, BaseException)
    trouble = named(answer, "")
    return " ".join(str(answer).split())[:120].rstrip(".") if trouble.name != "NOPERM" else "NOPERM"


def _value(answer: object) -> str | None:
    """The value of a `CONFIG GET name`, which comes as [name, value], or as a dict where the driver knows better."""
    if isinstance(answer, dict):
        answer = [word for pair in answer.items() for word in pair]
    if not isinstance(answer, list) or len(answer) < 2:
        return None
    value = answer[1]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


@_telling
def write(job: Mapping[str, Any]) -> dict[str, Any]:
    """Writes `value` (hexadecimal) under `key`, for `lifetime` seconds at most."""
    value = bytes.fromhex(job["value"])
    _, at = reach(job, lambda client: run(client, "SET", job["key"], value, "EX", job["lifetime"]))
    return {"at": at}


@_telling
def read(job: Mapping[str, Any]) -> dict[str, Any]:
    """The bytes under `key` in hexadecimal, None where there is no such key, and how many keys were thrown away."""

    def act(client: Client) -> tuple[bytes | None, int | None]:
        found = run(client, "GET", job["key"])
        return found, None if found is not None else _evicted(client)

    (found, evicted), at = reach(job, act)
    return {"value": None if found is None else found.hex(), "evicted": evicted, "at": at}


def _evicted(client: Client) -> int | None:
    try:
        told = client.info("stats").get("evicted_keys")
    except ResponseError:
        return None
    return int(told) if told is not None else None


def remove(job: Mapping[str, Any]) -> dict[str, Any]:
    """Removes `key`, again and again while the server cannot be reached, and answers whether it is left.

    Raises ValueError for a key that is not a probe's own, Trouble where the time ran out.
    """
    if OWN not in job["key"]:
        raise ValueError(f"{job['key']} is not a probe's own")
    end = time.monotonic() + job["seconds"]
    while True:
        try:
            left, _ = reach({**job, "seconds": min(max(end - time.monotonic(), 0.1), job["seconds"] / 3)},
                            lambda client: _remove(client, job["key"]))
            return {"left": [job["key"]] if left else []}
        except Trouble as trouble:
            if time.monotonic() + RETRY >= end:
                raise Trouble(trouble.name, f"{trouble.words}; it goes by itself within {job['lifetime']} seconds"
                              ) from None
        time.sleep(RETRY)


def _remove(client: Client, key: str) -> bool:
    """Whether the key is left. Users who may write are not always allowed to delete."""
    if not allowed(lambda: run(client, "EXISTS", key), True):
        return False        # also where nothing can be written: a replica refuses DEL, too
    touched = False
    for words in (("DEL", key), ("UNLINK", key), ("PEXPIRE", key, "1"), ("SET", key, "", "PX", "1")):
        try:
            run(client, *words)
        except NoPermissionError:
            continue
        touched = True
        break
    time.sleep(0.002)       # what has a lifetime of a millisecond is gone then
    # Credentials that may neither look at a key nor change it have not written it.
    return bool(allowed(lambda: run(client, "EXISTS", key), 0)) or (
        not touched and allowed(lambda: run(client, "GET", key), None) is not None)
