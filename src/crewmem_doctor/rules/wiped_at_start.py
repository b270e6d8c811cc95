"""CM109 · the code deletes its own memory

## Why
A line from the first days of a project: empty the memory directory, so that each run starts clean. Deployed, it runs at each
restart, each redeploy and in each worker, or even with each request, and takes everything that users had said with it.

## Example
```python
shutil.rmtree("./memory", ignore_errors=True)     # at import
crew = Crew(agents=[writer], tasks=[task], memory=Memory(storage="./memory"))
```

## Fix
Remove it from the start. Where records must go, delete them by a command of its own, or by scope.

## When this is not a problem
In a command, a route or a test whose purpose it is to reset, and behind a switch that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.model.expression import Surroundings, evaluate, join_path
from crewmem_doctor.model.failure import Wipe
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.releases.construction import resets_on_construction, sentence
from crewmem_doctor.releases.mem0 import FIXED, empties_local_qdrant
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import active, archived, unique
from crewmem_doctor.rules._failures import on_by_place
from crewmem_doctor.rules._remedies import on_release, unified
from crewmem_doctor.rules._where import Landing, code_alone, landings
from crewmem_doctor.rules.base import Example, Rule

WHEN = {"import": "when its module is imported, so at each start", "start": "at each start", "request": "with each request",
        "script": "at each run"}
_UPPER = re.compile(r"(?:==|<=?|~=)\s*v?(\d[\d.]*)")


def check(project: Project) -> Iterator[Finding]:
    memories = on_by_place(project)
    done: set[Location] = set()
    for wipe in project.code.failures.wipes:
        if wipe.moment == "never" or wipe.deliberate or archived(project, wipe.at.path) or wipe.at in done:
            continue
        if wipe.moment == "script" and _beside_a_server(project, wipe):
            continue
        memory = memories.get(wipe.memory) if wipe.memory is not None else _emptied(project, wipe)
        if memory is None or (wipe.call == "mem0" and not _old_mem0(project)):
            continue
        done.add(wipe.at)
        yield _finding(wipe, memory, project.release)
    yield from _reset_by_release(project)


def _beside_a_server(project: Project, wipe: Wipe) -> bool:
    """A script of its own beside a served application is a command that somebody starts on purpose."""
    return bool(project.services) and not any(run.reaches for run in project.runs if run.memory.at.path == wipe.at.path)


def _emptied(project: Project, wipe: Wipe) -> Memory | None:
    """The memory whose directory that call removes."""
    if wipe.target is None:
        return next(iter(active(project)), None) if wipe.call == "crewai reset-memories" else None
    for landing in landings(project):
        if _covers(project, wipe, landing):
            return landing.memory
    return None


def _covers(project: Project, wipe: Wipe, landing: Landing) -> bool:
    around: Surroundings = landing.around if landing.run is not None else code_alone(project)
    removed = evaluate(wipe.target, around) if wipe.target is not None else None
    if wipe.target is not None and landing.memory.store.where is not None and _same(wipe.target, landing.memory.store.where):
        return True
    return any(_is_above(removed, place) for place in (landing.said, landing.path))


def _same(one: object, other: object) -> bool:
    """Equal but for where they stand."""
    return re.sub(r"at=(?:None|Location\([^)]*\))", "", repr(one)) == re.sub(r"at=(?:None|Location\([^)]*\))", "", repr(other)) and (
        type(one).__name__ not in ("Opaque", "Fresh"))


def _is_above(removed: Answer[str] | None, place: Answer[str] | None) -> bool:
    if not isinstance(removed, Known) or not isinstance(place, Known):
        return False
    above, below = join_path(removed.value), join_path(place.value)
    return bool(above.strip("./")) and (below == above or below.startswith(f"{above}/"))


def _old_mem0(project: Project) -> bool:
    """Whether the tree holds mem0 below the release that stopped doing this; a fresh install does not do it."""
    found = [m[1] for r in project.requirements if r.name == "mem0ai" for m in _UPPER.finditer(r.specifier)]
    versions = [v for v in map(Version.parse, (f"{text}.0" for text in found)) if v is not None]
    return bool(versions) and all(empties_local_qdrant(v) for v in versions)


def _finding(wipe: Wipe, memory: Memory, release: Release) -> Finding:
    ways = [way for way in wipe.handlers if way.entry.kind != "script"]
    steps = [Step(way.entry.at, f"{way.entry.label} leads here") for way in ways[:1]]
    if wipe.call == "mem0":
        message = f"mem0 before {FIXED} deletes the directory of its embedded Qdrant when it is opened, unless on_disk is set"
        fix = Fix("Set on_disk, or use a mem0 that keeps the directory", '"config": {"path": "/data/qdrant", "on_disk": True}')
    else:
        message = f"{wipe.call} deletes what {memory.label} has stored, {WHEN[wipe.moment]}"
        kinds = "--memory" if unified(release) else "--long --short --entities"
        fix = Fix("Remove it, or let somebody run a command on purpose", f"crewai reset-memories {kinds}")
    return RULE.finding(wipe.at, message, subject=memory.subject, evidence=wipe.call, confidence="high" if wipe.target is None else "medium",
                        because=unique([*steps, Step(memory.turned_on or memory.at, "memory is turned on here")]), fix=fix)


def _reset_by_release(project: Project) -> Iterator[Finding]:
    """A crew that is built once, at each start, on a release that empties the short-term memory then. Built for each
    request it is CM401's."""
    if not project.release.always(resets_on_construction):
        return
    for memory in active(project):
        if memory.kind in ("crew", "short_term") and memory.level == "module" and not memory.built_per_request:
            yield RULE.finding(
                memory.at, f"{on_release(project.release)}, {sentence(project.release.newest)}: each start begins with none",
                subject=memory.subject, evidence="release", because=[Step(memory.turned_on or memory.at, "memory is turned on here")],
                fix=Fix("Upgrade to a release that keeps it", "crewai>=0.74"))


STORED = '''import shutil

from crewai import Agent, Crew, Task
from crewai.memory import Memory

STORE = "/data/memory"
shutil.rmtree(STORE, ignore_errors=True)  # <-- here


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=Memory(storage=STORE))
'''
RESET = '''from fastapi import FastAPI

from app.crew import build_crew

app = FastAPI()


@app.post("/chat")
def chat(topic: str):
    crew = build_crew(topic)
    crew.reset_memories(command_type="all")  # <-- here
    return crew.kickoff()
'''
ROUTE = RESET.replace("  # <-- here", "").replace("/chat", "/memory/reset").replace("def chat", "def reset")
SWITCH = STORED.replace("  # <-- here", "").replace("shutil.rmtree", 'if os.getenv("RESET_MEMORY"):\n    shutil.rmtree').replace(
    "import shutil", "import os\nimport shutil")
OTHER = STORED.replace("  # <-- here", "").replace("rmtree(STORE", 'rmtree("/data/uploads"')
OLD = _trees.CREW + '\n\ncrew = build_crew("news")\n'
CALLS = _trees.API.replace("import build_crew", "import crew").replace("build_crew(topic).", "crew.")
RULE = Rule(
    id="CM109", severity="error", check=check,
    summary="the code, or the release in use, deletes the store at start-up or with each request",
    bad=(
        Example("the directory is removed at import", _trees.service(app__crew_dot_py=STORED)),
        Example("reset with each request", _trees.service(app__main_dot_py=RESET)),
        Example("a release that empties short-term memory when a crew is built", _trees.service(
            app__crew_dot_py=OLD.replace("memory=True)", "memory=True)  # <-- here").replace(
                "def build_crew(topic: str) -> Crew:\n", "").replace("    ", "").replace("return Crew(", "crew = Crew(").replace(
                '\n\ncrew = build_crew("news")\n', ""),
            app__main_dot_py=CALLS, requirements_dot_txt="crewai==0.63.6\nfastapi\nuvicorn\n")),
    ),
    good=(
        Example("a route that is there to reset", _trees.service(app__main_dot_py=ROUTE)),
        Example("behind a switch", _trees.service(app__crew_dot_py=SWITCH)),
        Example("another directory", _trees.service(app__crew_dot_py=OTHER)),
        Example("a release that keeps it", _trees.service(app__crew_dot_py=OLD, app__main_dot_py=CALLS)),
    ),
    premise=("0.28.8 memory/storage/rag_storage.py:72-73: reset at construction", "ran 1.15.30, 1.9.3: reset_memories empties the store",
             "mem0 0.1.100, 1.0.0, 1.0.7 mem0/vector_stores/qdrant.py: rmtree unless on_disk; 1.0.8 without"),
)
