"""CM101 · memory is kept in the RAM of one process

## Why
CrewAI itself always writes memory to disk. A store in RAM is something the code asked for: SQLite's `:memory:`, Chroma's
`EphemeralClient`, Qdrant's `":memory:"`, or a storage class of one's own whose records are a list or a dict. Its records
are gone when the process ends, whether by restart, deploy or crash, and no other worker or replica ever sees them. On the
laptop there is one process that is rarely restarted, so it seems to work.

## Example
```python
class RamStorage:                      # a StorageBackend that keeps a list
    def __init__(self):
        self.records = []

memory = Memory(storage=RamStorage())
```

## Fix
Give memory a directory on a volume, `Memory(storage="/data/memory")`, or a storage class that writes to a server, to copy
from the recipes. From 1.10 on: [postgres_storage](recipes/postgres_storage.md) or
[redis_storage](recipes/redis_storage.md); 0.117 to 1.9.3: [postgres_external_storage](recipes/postgres_external_storage.md); a
flow's state: [postgres_flow_persistence](recipes/postgres_flow_persistence.md).

## When this is not a problem
Where memory is only meant to serve a single run, e.g. a script that plans, works and exits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import active
from crewmem_doctor.rules._in_code import declined, on_disk
from crewmem_doctor.rules._remedies import durable_store
from crewmem_doctor.rules._shared import recipe
from crewmem_doctor.rules._where import story
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import opens_anew, workers_of


def check(project: Project) -> Iterator[Finding]:
    groups: dict[object, list[Memory]] = {}
    for memory in active(project):
        if memory.store.kind == "process" and memory.kind != "conversation" and not _stands_in(project, memory):
            groups.setdefault(memory.store.at or memory.at, []).append(memory)
    for memories in groups.values():
        memory = memories[0]
        runs = project.runs_of(memory)
        certain = isinstance(memory.enabled, Known) and memory.enabled.confidence == "high"
        many = next((f"; {run.service.id} runs {n} worker processes, each with records of its own"
                     for run in runs if (n := workers_of(run)[0] or 1) > 1), "")
        yield RULE.finding(
            memory.store.at or memory.turned_on or memory.at,
            f"memory lives in the RAM of one process ({memory.store.why}): {_loses(memory)}{many}",
            subject=memory.subject, evidence=memory.store.why, confidence="high" if certain else "medium",
            because=story(memory, runs[0] if runs else None), fix=replace(durable_store(memory, project.release), changes=_changes(project, memories), caveat="Records in RAM are not moved."))


def _loses(memory: Memory) -> str:
    if opens_anew(memory):
        return "CrewAI opens it anew, and empty, for every save and every search, so nothing is ever found"
    return "its records are gone at the next restart or deploy, and other workers and replicas never see them"


def _changes(project: Project, memories: list[Memory]) -> tuple[Change, ...]:
    """A file in place of SQLite's `:memory:`; what is a class of its own needs another one."""
    memory = memories[0]
    at = memory.store.at or memory.at
    if ":memory:" in memory.store.why and memory.kind in ("long_term", "flow"):
        return on_disk(at, ":memory:", "memory.db", [run for m in memories for run in project.runs_of(m)])
    return declined(at, f"another storage must be chosen: a directory on a volume, or a server, as {recipe(project, memories)} does")


def _stands_in(project: Project, memory: Memory) -> bool:
    """Whether it only stands in for a better store that failed: CM501 speaks there."""
    at = memory.store.at or memory.at
    return any(f.to == "ram" and f.at.path == at.path and f.at.line <= at.line <= f.at.end_line
               for f in project.code.failures.fallbacks)


RAM_BACKEND = '''from crewai import Agent, Crew, Task
from crewai.memory import Memory


class RamStorage:
    def __init__(self):
        self.records = []

    def save(self, records):
        self.records.extend(records)

    def search(self, *args, **kwargs):
        return list(self.records)

    def delete(self, *args, **kwargs):
        self.records.clear()


memory = Memory(storage=RamStorage())  # <-- here


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    return Crew(agents=[writer], tasks=[Task(description="Write", expected_output="Text", agent=writer)], memory=memory)
'''
LONG_TERM = '''from crewai import Crew
from crewai.memory import LongTermMemory
from crewai.memory.storage.ltm_sqlite_storage import LTMSQLiteStorage


def team(agents, tasks):
    history = LTMSQLiteStorage(db_path=":memory:")
    return Crew(agents=agents, tasks=tasks, memory=True, long_term_memory=LongTermMemory(storage=history))


if __name__ == "__main__":
    team([], []).kickoff()
'''
ON_SERVER = RAM_BACKEND.replace("class RamStorage:", "import psycopg\n\n\nclass PgStorage:").replace("# <-- here", "").replace(
    "RamStorage()", "PgStorage()").replace("self.records = []", 'self.db = psycopg.connect("dbname=memory")').replace(
    "self.records.extend(records)", 'self.db.execute("insert into records values (%s)", [str(records)])').replace(
    "list(self.records)", 'self.db.execute("select * from records").fetchall()').replace(
    "self.records.clear()", 'self.db.execute("delete from records")')
FALLBACK = RAM_BACKEND.replace("memory = Memory(storage=RamStorage())  # <-- here", '''try:
    memory = Memory(storage=PgStorage())
except OSError:
    memory = Memory(storage=RamStorage())''').replace("class RamStorage:", '''class PgStorage:
    def __init__(self):
        self.db = psycopg.connect("dbname=memory")

    def save(self, records):
        self.db.execute("insert into records values (%s)", [str(records)])

    def search(self, *args, **kwargs):
        return self.db.execute("select * from records").fetchall()


class RamStorage:''').replace("from crewai import", "import psycopg\nfrom crewai import", 1)
RULE = Rule(
    id="CM101", severity="error", check=check,
    summary="the store that memory was given lives in RAM",
    bad=(
        Example("a storage class that is a list", _trees.service(app__crew_dot_py=RAM_BACKEND)),
        Example("SQLite in memory", {
            "run.py": LONG_TERM.replace("LongTermMemory(storage=history))", "LongTermMemory(storage=history))  # <-- here"),
            "requirements.txt": "crewai==0.203.2\n"}),
    ),
    good=(
        Example("a fallback, which is CM501's", {"app.py": FALLBACK}),
        Example("a storage class over Postgres", _trees.service(app__crew_dot_py=ON_SERVER)),
        Example("an ephemeral Chroma that is no memory", {
            "run.py": 'import chromadb\nfrom crewai import Crew\n\nscratch = chromadb.EphemeralClient()\n'
                      'scratch.create_collection("uploads")\nCrew(agents=[], tasks=[], memory=True).kickoff()\n',
            "requirements.txt": "crewai==1.15.30\n"}),
        Example("SQLite in a file", {
            "run.py": LONG_TERM.replace('":memory:"', '"/data/history.db"'), "requirements.txt": "crewai==0.203.2\n"}),
    ),
    premise=("ran 1.15.30: records of a StorageBackend that keeps a list are not found by a second process",
             "sqlite.org/inmemorydb: a :memory: database belongs to its connection"),
)
