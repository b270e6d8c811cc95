"""CM906 · the application never recalls what it was told

## Why
The probe told the application something as one user and asked for it as the same user, over fresh connections. It was never
told the answer. Either nothing is saved (no memory, a missing key, a swallowed error) or what is saved is filed under a
key that the next request does not have.

## Example
```text
✗ recall  0 of 8 replies contain the codeword
```

## Fix
Scan the code with `crewmem-doctor scan .`: the findings of groups 4xx and 5xx name the key that changes and the save that
fails. `crewmem-doctor probe crewai` shows whether CrewAI itself keeps anything in that environment.

## When this is not a problem
Where the application is not meant to remember across requests, or identifies its user by something that the request file
does not send.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._live import bad, findings, good
from crewmem_doctor.rules.base import Rule

REMEDY = "File memory under an id that the caller sends with each request, and let failed saves stop it"


def check(project: Project) -> Iterator[Finding]:
    return findings(RULE, project, ("recalls",), REMEDY)


RULE = Rule(
    id="CM906", severity="error", check=check,
    summary="the application never recalls what it was told as the same user",
    bad=(
        bad("nothing comes back", "http", "https://staging.example.com/chat", "recall", "0 of 8 replies contain the codeword"),
        bad("it forgets after a while", "http", "http://localhost:8000/ask", "recall-after-delay", "recalled at once, not 7 seconds later"),
    ),
    good=(
        good("it remembers", "http", "https://staging.example.com/chat", "recall", "8 of 8 replies contain the codeword"),
        good("there is no session to change", "http", "https://staging.example.com/chat", "new-session", "the request has no {session}", "skip"),
    ),
    premise=("tests/probes: applications that file memory under a new key",),
)
