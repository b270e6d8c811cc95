"""CM501 · memory falls back to something that forgets

## Why
The database is down at start-up, or its URL was never set, and the code goes on with a dict, with `memory=False`, or with a
directory of its own. Everything works, the tests are green, and this one instance forgets. Worse, it may only be one of
several: the others still write to the real store.

## Example
```python
try:
    storage = PostgresMemoryBackend(os.environ["DATABASE_URL"])
except Exception:
    storage = InMemoryBackend()     # nobody will ever know
```

## Fix
Let it fail. A service without its store should not start: `os.environ["DATABASE_URL"]` without a default and no handler.

## When this is not a problem
In tests and local runs that choose the lesser store by name (`ENVIRONMENT == "test"`), and where every deployed service sets the
variable whose absence leads to the fallback.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.code import RaiseAgain, RaiseInstead, ReplaceExpression
from crewmem_doctor.model.failure import Fallback
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Confidence, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import archived, graded, several, unique
from crewmem_doctor.rules._failures import maybe_on
from crewmem_doctor.rules._settings import given
from crewmem_doctor.rules.base import Example, Rule

STOPS = "The service does not start any more while its store is missing."
TO = {"ram": "to a store in RAM", "off": "to no memory at all", "local": "to a local path"}


def check(project: Project) -> Iterator[Finding]:
    memories = maybe_on(project)
    groups: dict[tuple[object, ...], list[tuple[Fallback, Memory]]] = {}
    for fallback in project.code.failures.fallbacks:
        memory = memories.get(fallback.memory)
        if memory is None or archived(project, fallback.at.path) or _always_given(project, memory, fallback):
            continue
        # A handler is one cause, however many values it may give.
        cause = fallback.at if fallback.settings else fallback.cause
        groups.setdefault((cause.path, cause.line, fallback.to), []).append((fallback, memory))
    for group in groups.values():
        yield _finding(project, group)


def _always_given(project: Project, memory: Memory, fallback: Fallback) -> bool:
    """Whether every service that runs this memory sets what the fallback waits for."""
    runs = project.runs_of(memory)
    return bool(fallback.settings) and bool(runs) and all(_given(project, run, name) for run in runs for name in fallback.settings)


def _given(project: Project, run: Run, name: str) -> bool:
    setting = run.service.environment.get(name)
    if setting is not None:
        return not isinstance(setting.value, Known) or bool(setting.value.value.strip())
    answer = given(project, run, name)
    return isinstance(answer, Known) and bool(answer.value.strip())


def _finding(project: Project, group: list[tuple[Fallback, Memory]]) -> Finding:
    fallback, memory = group[0]
    runs = [run for _, m in group for run in project.runs_of(m)]
    severity, confidence = graded(RULE.severity, runs) if runs else (RULE.severity, _confidence(memory))
    if fallback.settings:
        why = f"without {several(fallback.settings)}"
        steps = [Step(fallback.cause, f"asks whether {several(fallback.settings)} is set")]
    else:
        why = "after an exception"
        steps = [Step(fallback.cause, "the exception is caught here")]
    steps += [Step(fallback.meant, "this is what was meant"), *(Step(m.turned_on or m.at, "memory is turned on here") for _, m in group)]
    return RULE.finding(
        fallback.at, f"{why}, {memory.label} falls back {TO[fallback.to]} instead of stopping, and its callers are not told", subject=fallback.inside or
        memory.subject, evidence=f"{fallback.to}:{'|'.join(fallback.settings)}", severity=severity, confidence=confidence,
        because=unique(steps), fix=replace(_fix(fallback), changes=_changes(project, fallback), caveat=STOPS))


def _changes(project: Project, fallback: Fallback) -> tuple[Change, ...]:
    """Raised again; a setting is read so that it must be there."""
    if not fallback.settings:
        return (RaiseAgain(fallback.cause, "no memory store"),)
    name = fallback.settings[0]
    read = next((r for r in project.code.env_reads if r.name == name and not r.required and _within(fallback.at, r.at)), None)
    if read is not None:
        return (ReplaceExpression(read.at, f'os.environ["{name}"]', (("os", ""),)),)
    return (RaiseInstead(fallback.at, f"{name} is not set, so memory has no store"),)


def _within(inner: Location, outer: Location) -> bool:
    """Whether the fallback is the default of that read."""
    return inner.path == outer.path and (outer.line, outer.column) <= (inner.line, inner.column) < (outer.end_line, outer.end_column)


def _confidence(memory: Memory) -> Confidence:
    return "high" if isinstance(memory.enabled, Known) and memory.enabled.confidence == "high" else "medium"


def _fix(fallback: Fallback) -> Fix:
    if fallback.settings:
        name = fallback.settings[0]
        return Fix(f"Read {name} without a default, so that a service without it does not start", f'os.environ["{name}"]')
    return Fix("Let the exception stop the start; log it and raise it again", "except Exception:\n    logger.exception(\"no memory store\")\n    raise")


BACKEND = '''import os

import psycopg
from crewai import Agent, Crew, Task
from crewai.memory import Memory


class Postgres:
    def __init__(self, url):
        self.connection = psycopg.connect(url)

    def save(self, records):
        self.connection.execute("insert into memories values (%s)", [records])

    def search(self, query):
        return self.connection.execute("select * from memories").fetchall()


class InRam:
    def __init__(self):
        self.records = []

    def save(self, records):
        self.records.extend(records)

    def search(self, query):
        return self.records


'''
CAUGHT = BACKEND + '''def open_storage():
    try:
        return Postgres(os.environ["DATABASE_URL"])
    except Exception:
        return InRam()  # <-- here


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=Memory(storage=open_storage()))
'''
TWICE = CAUGHT.replace("        return InRam()  # <-- here", """        if os.getenv("TENANT"):
            return InRam()  # <-- here
        return InRam()""")
OFF = BACKEND + '''def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    try:
        memory = Memory(storage=Postgres(os.environ["DATABASE_URL"]))
    except Exception as error:
        print(error)
        memory = False  # <-- here
    return Crew(agents=[writer], tasks=[task], memory=memory)
'''
UNSET = BACKEND + '''def build_crew(topic: str) -> Crew:
    url = os.getenv("DATABASE_URL")
    if url:
        memory = Memory(storage=Postgres(url))
    else:
        memory = Memory()  # <-- here
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=memory)
'''
RETURNED = BACKEND + '''class Memories:
    def __init__(self, url: str) -> None:
        self.url = url

    def open(self) -> Memory:
        try:
            psycopg.connect(self.url, connect_timeout=3).close()
            return Memory(storage=Postgres(self.url))
        except psycopg.OperationalError as refused:
            print("no database", refused)
            return Memory()  # <-- here


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    memories = Memories(os.environ["DATABASE_URL"])
    return Crew(agents=[writer], tasks=[task], memory=memories.open().scope("/writer/notes"))
'''
STANDBY = RETURNED.replace("return Memory()  # <-- here", 'return Memory(storage=Postgres(os.environ["STANDBY_URL"]))')
NO_CREW = BACKEND + '''def build_crew(topic: str) -> Crew | None:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    try:
        storage = Postgres(os.environ["DATABASE_URL"])
        task = Task(description="Write", expected_output="Text", agent=writer)
        return Crew(agents=[writer], tasks=[task], memory=Memory(storage=storage))
    except Exception:
        return None
'''
LOUD = CAUGHT.replace("        return InRam()  # <-- here", "        raise SystemExit('no memory store')")
CHOSEN = UNSET.replace("  # <-- here", "").replace('os.getenv("DATABASE_URL")', 'os.environ["DATABASE_URL"]').replace(
    "    if url:", '    if os.getenv("ENVIRONMENT") != "test":')
COMPOSE = "services:\n  api:\n    build: .\n    environment: {DATABASE_URL: postgres://db/app}\n"
RULE = Rule(
    id="CM501", severity="error", check=check,
    summary="an exception or a missing setting of the store leads to RAM, to memory=False or to a local path instead of stopping",
    bad=(
        Example("a list in RAM after an exception", _trees.service(app__crew_dot_py=CAUGHT)),
        Example("the handler returns a local memory instead", _trees.service(app__crew_dot_py=RETURNED)),
        Example("one handler that may give two of them is one cause", _trees.service(app__crew_dot_py=TWICE)),
        Example("memory turned off after an exception", _trees.service(app__crew_dot_py=OFF)),
        Example("a local path without the setting", _trees.service(app__crew_dot_py=UNSET)),
    ),
    good=(
        Example("it stops", _trees.service(app__crew_dot_py=LOUD)),
        Example("another server stands in", _trees.service(app__crew_dot_py=STANDBY)),
        Example("there is no crew at all then", _trees.service(app__crew_dot_py=NO_CREW)),
        Example("tests choose the lesser store by name", _trees.service(app__crew_dot_py=CHOSEN)),
        Example("every service has the setting", _trees.service(COMPOSE, app__crew_dot_py=UNSET.replace("  # <-- here", ""))),
        Example("a cache falls back, not memory", _trees.service(app__crew_dot_py=_trees.CREW + '''

def cache():
    try:
        import redis
        return redis.Redis()
    except Exception:
        return {}
''')),
    ),
    premise=("ran 1.15.30: Crew(memory=False) keeps nothing; a storage object that keeps a list forgets with the process",),
)
