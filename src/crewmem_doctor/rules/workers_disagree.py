"""CM905 · the application remembers on some requests and not on others

## Why
The same question, asked on fresh connections, was answered from memory sometimes and sometimes not. That is what isolated
workers look like from outside: each holds its own copy, and the load balancer decides which one a user gets. From the
share of answers that remembered, the message estimates how many there are.

Where the misses end, it may be one store that workers see late: CrewAI's since 1.10, in a worker that opened it before
another one's first write, shows nothing until that worker writes itself. The message then names both.

## Example
```text
✗ workers  3 of 8; about 3 isolated workers (2–7)
```

## Fix
Keep conversations in a store that all workers share: a directory on a volume that they all mount, or a server. One worker
(`--workers 1`, one replica) hides the problem and ends with the next restart. Where the workers do share one, make the
`Memory()` for each request rather than once for each worker.

## When this is not a problem
Where answers differ because the model does, not the memory: word `recall` in the request file so that the codeword is the
only sensible answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._live import bad, findings, good
from crewmem_doctor.rules.base import Rule

REMEDY = "Keep memory in one store that every worker and replica shares"


def check(project: Project) -> Iterator[Finding]:
    return findings(RULE, project, ("agrees",), REMEDY)


RULE = Rule(
    id="CM905", severity="error", check=check,
    summary="the application remembers on some requests and not on others; the message estimates how many isolated workers there are",
    bad=(
        bad("four workers", "http", "https://staging.example.com/chat", "workers", "3 of 8; about 3 isolated workers (2–7)"),
        bad("a dictionary behind two replicas", "http", "http://localhost:8000/ask", "workers", "5 of 10; about 2 isolated workers (2–4)"),
    ),
    good=(
        good("all agree", "http", "https://staging.example.com/chat", "workers", "8 of 8; one store"),
        good("the replies could not be judged", "http", "https://staging.example.com/chat", "workers", "inconclusive: 6 of 8 replies were errors", "skip"),
    ),
    premise=("tests/probes: applications with 1 and 4 workers",),
)
