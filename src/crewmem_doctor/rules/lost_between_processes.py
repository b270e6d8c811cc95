"""CM901 · what one process wrote, another one did not find

## Why
A memory that only the process which wrote it can read is gone with the next worker, restart or deploy. A scan predicts
that; here it was seen: one process wrote a record through the real store, a second one asked for it and got nothing, or
got it only some of the time. The probe wrote into a place of its own, so what is missing is not an old record but the
store's ability to hand records on.

## Example
```text
✗ second-process-reads  written in one process, not found in a second
```

## Fix
The finding says which kind of second process lost it:
- one started afterwards: the store is RAM, or both processes resolve it to different directories. Set an absolute
  `CREWAI_STORAGE_DIR` on a volume that both have, or use a server;
- one that had opened the store before: open memory later, or restart workers after the first write;
- a forked child: build memory after the fork (no `--preload`, no memory at module level under Celery's prefork);
- one that ended right after the save: call `drain_writes()` or `close()` before the process ends.

## When this is not a problem
Where a note says that another working directory or another home finds nothing: that is how CrewAI's default place works,
and harmless as long as every process of the deployment starts in the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._live import bad, findings, good
from crewmem_doctor.rules.base import Example, Rule

REMEDY = "Let every process resolve memory to one durable store"


DEFAULT_PLACE = ("other-home", "other-directory")


def check(project: Project) -> Iterator[Finding]:
    return findings(RULE, replace(project, observations=tuple(_causes(project.observations))), ("kept",), REMEDY)


def _causes(seen: tuple[Observation, ...]) -> Iterator[Observation]:
    """What was seen, with one thing instead of two where both come of CrewAI's default place."""
    dependent = {(one.target, one.check): one for one in seen if one.check in DEFAULT_PLACE and one.outcome == "fail"}
    for one in seen:
        home, directory = (dependent.get((one.target, check)) for check in DEFAULT_PLACE)
        if home is None or directory is None or one not in (home, directory):
            yield one
        elif one == home:
            yield replace(home, detail="a process with another home or another working directory does not find the records: CrewAI's "
                                       "default place depends on both")


PLACE = Location("app.py", 1)
ELSEWHERE = tuple(Observation("crewai", "crewai", check, "fail", f"not found with another {what}", 12.0, PLACE, minor=True)
                  for check, what in (("other-directory", "working directory"), ("other-home", "home")))
RULE = Rule(
    id="CM901", severity="error", check=check,
    summary="written in one process, not found in a second",
    bad=(
        bad("a second process finds nothing", "crewai", "crewai", "second-process-reads", "written in one process, not found in a second"),
        bad("a replica finds nothing", "k8s", "k8s:prod/api", "other-replica-reads", "written in api-0, not found in api-1"),
        Example("the default place is one cause, not two", {"app.py": "import crewai  # <-- here\n"}, severity="note", observations=ELSEWHERE),
        Example("the home alone decides", {"app.py": "import crewai  # <-- here\n"}, severity="note", observations=ELSEWHERE[1:]),
    ),
    good=(
        good("a second process reads it", "redis", "redis://staging:6379/0", "second-process-reads", "48 bytes came back as they were written"),
        good("nothing was looked at", "crewai", "crewai", "forked-child", "fork is not available here", "skip"),
    ),
    premise=("tests/probes: real processes over real stores",),
)
