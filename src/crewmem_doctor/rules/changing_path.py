"""CM106 · the store's path is new each time

## Why
A uuid, a process id, a time, a random part or the container's hostname in the path gives every process, every request or
every container a store of its own. All of them are on disk, and none is ever read again.

## Example
```python
memory = Memory(storage=f"/data/memory-{uuid4().hex}")
```

## Fix
Use one constant path. What tells users apart belongs into a scope, what tells environments apart into a setting.

## When this is not a problem
A hostname in a StatefulSet whose pods have claims of their own: name and disk then stay together.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes.code import ConstantName
from crewmem_doctor.model.expression import Expr, Fresh, Place, walk
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Project
from crewmem_doctor.placement import where_for
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import STORAGE_DIR, active
from crewmem_doctor.rules._in_code import MOVED
from crewmem_doctor.rules._remedies import at_path
from crewmem_doctor.rules._where import code_alone, fresh_in, story
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    seen: set[Location] = set()
    for memory in active(project):
        if memory.store.kind != "path":
            continue
        for expr, at in _paths(project, memory):
            fresh = _fresh(project, memory, expr)
            if fresh is None or (fresh.at or at) in seen:
                continue
            seen.add(fresh.at or at)
            yield _finding(project, memory, fresh, fresh.at or at)


def _finding(project: Project, memory: Memory, fresh: Fresh, at: Location) -> Finding:
    runs = project.runs_of(memory)
    return RULE.finding(
        at, f"{fresh.source} is part of the path of memory, so {_whose(memory, fresh)} has a store of its own: "
            f"what is remembered is never read again",
        subject=memory.subject, evidence=fresh.source, because=story(memory, runs[0] if runs else None),
        fix=Fix("Use one constant path; tell users apart by a scope or an id, not by the path",
                at_path(memory, project.release, "/data/crewai"),
                caveat=MOVED, changes=(ConstantName(at),) if at.path.endswith(".py") else ()))


def _whose(memory: Memory, fresh: Fresh) -> str:
    if fresh.nature == "host":
        return "every container"
    if memory.built_per_request and not fresh.per_process and fresh.nature != "process":
        return "every request"
    return "every process"


def _paths(project: Project, memory: Memory) -> Iterator[tuple[Expr, Location]]:
    """What the code says about where this memory lies: its own argument, else what it writes into CREWAI_STORAGE_DIR."""
    where = where_for(memory, project.release)
    if where is not None:
        yield where, memory.store.at or memory.at
        return
    for write in project.code.env_writes:
        if write.name == STORAGE_DIR:
            yield write.value, write.at


def _fresh(project: Project, memory: Memory, expr: Expr) -> Fresh | None:
    if any(isinstance(e, Place) and e.kind == "temporary" for e in walk(expr)):
        return None     # CM103 speaks
    runs = project.runs_of(memory)
    for around in [run.around for run in runs] or [code_alone(project)]:
        for fresh in fresh_in(expr, around):
            if fresh.nature == "host" and runs and all(any(m.kind == "claim-template" for m in r.service.mounts) for r in runs):
                continue
            return fresh
    return None


PER_PROCESS = '''import os
import uuid

os.environ["CREWAI_STORAGE_DIR"] = f"/data/{uuid.uuid4()}"  # <-- here

'''
BY_PID = '''import os

from crewai import Crew
from crewai.memory import LongTermMemory
from crewai.memory.storage.ltm_sqlite_storage import LTMSQLiteStorage


def team(agents, tasks):
    name = "history-%s.db" % os.getpid()  # <-- here
    storage = LTMSQLiteStorage(db_path=os.path.join("/var/lib/bot", name))
    return Crew(agents=agents, tasks=tasks, memory=True, long_term_memory=LongTermMemory(storage=storage))
'''
RULE = Rule(
    id="CM106", severity="error", check=check,
    summary="a uuid, pid, time, hostname or random part is in the store's path",
    bad=(
        Example("a uuid in CREWAI_STORAGE_DIR", _trees.service(app__crew_dot_py=PER_PROCESS + _trees.CREW)),
        Example("the process id in a file's name", {"team.py": BY_PID, "requirements.txt": "crewai==1.9.3\n"}),
    ),
    good=(
        Example("a uuid names an upload", _trees.service(app__main_dot_py=_trees.API.replace(
            "    return", '    upload = f"/data/{uuid4()}.pdf"\n    print(upload)\n    return').replace(
            "from fastapi", "from uuid import uuid4\n\nfrom fastapi"))),
        Example("the path is a setting", _trees.service(app__crew_dot_py=PER_PROCESS.replace(
            'f"/data/{uuid.uuid4()}"  # <-- here', 'os.path.join("/data", os.getenv("TENANT", "main"))').replace("import uuid\n", "")
            + _trees.CREW)),
    ),
    premise=("ran 0.203.2, 1.9.3, 1.15.30: a store at another path is another store",),
)
