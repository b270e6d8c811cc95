"""CM902 · a target refused, timed out, or rejected the credentials

## Why
Memory that needs a server is no memory while the server cannot be reached: CrewAI reports a failed save as an event, and
the crew goes on and succeeds. What a probe cannot reach from here with these credentials, an application in the same
place cannot either. The exit status is then 2: nothing was found out about what the target keeps.

## Example
```text
✗ connect  redis://staging:6379/0 rejected the password (WRONGPASS)
```

## Fix
The message names what failed: the name could not be resolved, the connection was refused or timed out, TLS did not match,
the credentials were rejected, the server has no connection left. Check the URL as the application sees it, the firewall
between, and the secret that holds the password.

## When this is not a problem
Where the target can only be reached from inside the deployment. Run the probe there, e.g. as an init container
(`crewmem-doctor probe env:REDIS_URL --ready`).
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._live import bad, findings, good
from crewmem_doctor.rules.base import Rule

REMEDY = "Check the address, the network between and the credentials"


def check(project: Project) -> Iterator[Finding]:
    return findings(RULE, project, ("reach",), REMEDY, outcomes=("fail", "error"))


RULE = Rule(
    id="CM902", severity="error", check=check,
    summary="the target refused, timed out, or rejected the credentials (exit status 2 when the probe could not look at all)",
    bad=(
        bad("a wrong password", "redis", "redis://staging:6379/0", "connect", "the password was rejected", "error"),
        bad("an embedder's key that is not taken", "crewai", "crewai", "embedder", "openai rejected the key"),
    ),
    good=(
        good("it answers", "postgres", "postgresql://db/app", "connect", "PostgreSQL 18.1"),
        good("a check that was left out", "crewai", "crewai", "embedder", "asked only with --online", "skip"),
    ),
    premise=("tests/probes: wrong passwords, refused and silent servers",),
)
