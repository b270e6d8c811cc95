"""CM903 · the place that holds the records will lose them by its own configuration

## Why
Moving memory to a server only helps if the server keeps it. Redis as most images start it keeps everything in RAM or saves
every few minutes, and a cache's eviction policy throws memories away when RAM runs out. Postgres with `fsync=off` loses
commits when the machine does. A file on tmpfs or in a container's own layer is gone with the container. None of that is
visible to the application until the day it happens.

## Example
```text
✗ persistence  nothing is written to disk: save "" and appendonly no
```

## Fix
For Redis and Valkey: `appendonly yes` (with `appendfsync everysec`) on a durable volume, and `maxmemory-policy noeviction` or a
`volatile-*` policy. For Postgres: `fsync=on`, `full_page_writes=on`, ordinary (logged) tables, and the primary's address.
For files: a directory on a volume.

## When this is not a problem
Where the server is a cache on purpose and the records also stand elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._live import bad, findings, good
from crewmem_doctor.rules.base import Rule

REMEDY = "Let the server keep its data"


def check(project: Project) -> Iterator[Finding]:
    return findings(RULE, project, ("durable",), REMEDY)


RULE = Rule(
    id="CM903", severity="error", check=check,
    summary="the server's own configuration will lose data: Redis without RDB/AOF or with `allkeys-*` eviction and a memory limit; Postgres `fsync=off`, unlogged or temporary table, replica",
    bad=(
        bad("no persistence", "redis", "redis://staging:6379/0", "persistence", 'nothing is written to disk: save "" and appendonly no'),
        bad("a database without fsync", "postgres", "postgresql://db/app", "fsync", "fsync is off"),
    ),
    good=(
        good("an append-only file", "redis", "redis://staging:6379/0", "persistence", "appendonly yes, appendfsync everysec"),
        good("a managed service that hides its configuration", "redis", "rediss://cache.example.com:6379", "persistence", "CONFIG is not allowed here", "skip"),
    ),
    premise=("redis.io/docs/latest/operate/oss_and_stack/management/persistence; postgresql.org/docs/18/runtime-config-wal",),
)
