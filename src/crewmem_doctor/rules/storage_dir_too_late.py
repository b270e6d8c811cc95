"""CM108 · CREWAI_STORAGE_DIR is set after CrewAI has already chosen

## Why
Some places are fixed when crewai is imported, or when a flow's class is defined: a line that sets `CREWAI_STORAGE_DIR` later, or
a `load_dotenv()` after the import, moves only the rest. One part of the records lies on the volume, the other one in the
container's own layer.

## Example
```python
from crewai import Crew
load_dotenv()                                  # .env has CREWAI_STORAGE_DIR=/data
os.environ["CREWAI_STORAGE_DIR"] = "/data"     # too late either way
```

## Fix
Set it in the environment of the process. In code, set it before the first import of crewai.

## When this is not a problem
From 1.10 on for memory itself, which looks at the variable when it is built; only what a flow persists is fixed earlier.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes.code import SetBeforeImport
from crewmem_doctor.model.failure import LateSetting
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.releases.freezing import frozen
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import STORAGE_DIR, active, archived, unique
from crewmem_doctor.rules._in_code import MOVED
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    for late in project.code.failures.late:
        if late.name not in ("", STORAGE_DIR) or archived(project, late.at.path) or not _sets_it(project, late):
            continue
        fixed = [m for m in active(project) if _is_fixed(project, m, late) and not _set_outside(project, m)]
        if fixed:
            yield _finding(project, late, fixed)


def _sets_it(project: Project, late: LateSetting) -> bool:
    """Whether that line sets the directory: `load_dotenv()` does where a .env file of the tree has it."""
    return bool(late.name) or any(s.name == STORAGE_DIR for s in project.dotenv)


def _is_fixed(project: Project, memory: Memory, late: LateSetting) -> bool:
    """Whether this memory's place was decided before that line ran, on every release in question."""
    if memory.store.where is not None or memory.store.kind != "path":
        return False
    if memory.kind == "flow" and memory.at.path not in late.loaded and not (memory.at.path == late.at.path and memory.at < late.at):
        return False
    return project.release.always(lambda version: frozen(version, memory.kind) is not None)


def _set_outside(project: Project, memory: Memory) -> bool:
    """Whether every service that runs it gives the variable anyway."""
    runs = project.runs_of(memory)
    return bool(runs) and all(isinstance(s.value, Known) for run in runs if (s := run.service.environment.get(STORAGE_DIR))) and all(
        run.service.environment.get(STORAGE_DIR) is not None for run in runs)


def _finding(project: Project, late: LateSetting, fixed: list[Memory]) -> Finding:
    memory = fixed[0]
    found = frozen(project.release.newest, memory.kind)
    what = f"{STORAGE_DIR} is set" if late.name else f"load_dotenv() brings {STORAGE_DIR}"
    return RULE.finding(
        late.at, f"{what} too late: {found.value if found else 'the place is fixed by then'}", subject=late.inside or "module",
        evidence=late.name or "dotenv",
        because=unique([Step(late.imported, "crewai is imported here"),
                        *(Step(m.turned_on or m.at, "memory is turned on here") for m in fixed)]),
        fix=Fix("Set it in the service's environment, or before the first import of crewai",
                f'import os\nos.environ["{STORAGE_DIR}"] = "/data/crewai"\n\nfrom crewai import Crew',
                changes=(SetBeforeImport(late.at, late.imported),), caveat=MOVED))


LATE = _trees.CREW.replace("from crewai import Agent, Crew, Task\n", '''import os

from crewai import Agent, Crew, Task

os.environ["CREWAI_STORAGE_DIR"] = "/data/crewai"  # <-- here
''')
EARLY = _trees.CREW.replace("from crewai import Agent, Crew, Task\n", '''import os

os.environ["CREWAI_STORAGE_DIR"] = "/data/crewai"

from crewai import Agent, Crew, Task
''')
FLOW = '''import os

from crewai.flow.flow import Flow, start
from crewai.flow.persistence import persist


@persist()
class Chat(Flow):
    @start()
    def begin(self):
        return "ok"


os.environ["CREWAI_STORAGE_DIR"] = "/data/crewai"  # <-- here


def run(conversation: str):
    return Chat().kickoff(inputs={"id": conversation})
'''
FLOW_API = '''from fastapi import FastAPI

from app.crew import run

app = FastAPI()


@app.post("/chat")
def chat(conversation: str):
    return run(conversation)
'''
DOTENV = _trees.API.replace("app = FastAPI()", "load_dotenv()  # <-- here\napp = FastAPI()").replace(
    "from fastapi import FastAPI\n", "from dotenv import load_dotenv\nfrom fastapi import FastAPI\n")
OLD = "crewai==1.9.3\nfastapi\nuvicorn\npython-dotenv\n"
RULE = Rule(
    id="CM108", severity="warning", check=check,
    summary="CREWAI_STORAGE_DIR is assigned, or load_dotenv() called, after what is in use has fixed its place",
    bad=(
        Example("below the import", _trees.service(app__crew_dot_py=LATE, requirements_dot_txt=OLD)),
        Example("load_dotenv after the import of the crew's module", _trees.service(
            app__main_dot_py=DOTENV, requirements_dot_txt=OLD, _dot_env="CREWAI_STORAGE_DIR=/data/crewai\n")),
        Example("below a persisted flow", _trees.service(app__crew_dot_py=FLOW, app__main_dot_py=FLOW_API)),
    ),
    good=(
        Example("above the import", _trees.service(app__crew_dot_py=EARLY, requirements_dot_txt=OLD)),
        Example("a release whose memory looks later", _trees.service(app__crew_dot_py=LATE.replace("  # <-- here", ""))),
        Example("a .env without it", _trees.service(
            app__main_dot_py=DOTENV.replace("  # <-- here", ""), requirements_dot_txt=OLD, _dot_env="LOG_LEVEL=info\n")),
    ),
    premise=("ran 1.9.3, 0.203.2: the variable set after import crewai, chroma.sqlite3 in the old place",
             "ran 1.15.30: memory in the new place", "1.15.30 flow/persistence/decorators.py:183-187"),
)
