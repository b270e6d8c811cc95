"""CM907 · a second user is told the first user's secret

## Why
The probe told the application a random codeword as one user and asked for it as another, who had never heard it. The answer
contained it. Everything that one user says is recalled for all: `Crew(memory=True)` has no notion of a user, and making a
lost memory durable makes this leak durable too.

## Example
```text
✗ other-user  a second user was told the codeword
```

## Fix
Give each user a scope of one memory: `Crew(…, memory=memory.scope(f"/user/{user_id}/chat"))`; with mem0 pass `user_id`. On
releases without scopes keep one storage directory per user.

## When this is not a problem
Where all callers are one team that shares its memory on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._live import bad, findings, good
from crewmem_doctor.rules.base import Rule

REMEDY = "Give each user a scope of one memory"


def check(project: Project) -> Iterator[Finding]:
    return findings(RULE, project, ("apart",), REMEDY)


RULE = Rule(
    id="CM907", severity="error", check=check,
    summary="a second user is told the first user's secret",
    bad=(
        bad("another user is told", "http", "https://staging.example.com/chat", "other-user", "a second user was told the codeword"),
        bad("another user is told by a bot", "http", "http://localhost:8000/webhook", "other-user", "a second user was told the codeword"),
    ),
    good=(
        good("another user is not told", "http", "https://staging.example.com/chat", "other-user", "a second user was not told"),
        good("there is no user to change", "http", "https://staging.example.com/chat", "other-user", "the request has no {user}", "skip"),
    ),
    premise=("crew.py of 1.15.30: the root scope is the crew's name; tests/probes",),
)
