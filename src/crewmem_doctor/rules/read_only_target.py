"""CM904 · the credentials, or the place, cannot be written

## Why
A store that can be read and not written looks healthy: connections succeed, searches return what was there. Every save
fails, and CrewAI turns a failed save into an event that nobody listens to. Typical causes are a read replica's address, a
role without privileges, a full disk, a volume owned by another user.

## Example
```text
✗ write  READONLY You can't write against a read only replica
```

## Fix
Use the primary's address, give the role what memory needs (`CREATE` on its schema, `SELECT, INSERT, UPDATE, DELETE` on its
tables; for Redis `+@read +@write` on its keys), free space, or give the volume to the user that the service runs as.

## When this is not a problem
Where this process only ever reads memories that another one writes.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._live import bad, findings, good
from crewmem_doctor.rules.base import Rule

REMEDY = "Use an address and credentials that may write"


def check(project: Project) -> Iterator[Finding]:
    return findings(RULE, project, ("writable",), REMEDY)


RULE = Rule(
    id="CM904", severity="error", check=check,
    summary="the credentials cannot write",
    bad=(
        bad("a read replica", "redis", "redis://replica:6379/0", "write", "READONLY You can't write against a read only replica"),
        bad("a folder of another user", "sqlite", "sqlite:////data/memory.db", "writable", "/data belongs to root and this process runs as uid 1000"),
    ),
    good=(
        good("it can be written", "sqlite", "sqlite:////data/memory.db", "writable", "the file and its folder can be written"),
        good("the server was gone before", "redis", "redis://staging:6379/0", "write", "the connection was closed", "error"),
    ),
    premise=("tests/probes: read-only replicas, roles without privileges, full disks",),
)
