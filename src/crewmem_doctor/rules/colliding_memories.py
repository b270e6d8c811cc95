"""CM407 · two kinds of memory in one collection

## Why
`RAGStorage(type=…)` names the collection. Where the memory of entities is given the type of the short-term memory, and the same
path, both write into one collection: a search for people and things brings up scraps of conversations, a search in the
conversations brings up entities, and resetting one empties both. The lines are copied with only the class changed.

## Example
```python
ShortTermMemory(storage=RAGStorage(type="short_term", path="/data/memory"))
EntityMemory(storage=RAGStorage(type="short_term", path="/data/memory"))
```

## Fix
Give each its own type: `short_term` and `entities`.

## When this is not a problem
With different paths, or on releases from 1.10 on, which have one memory and no `RAGStorage`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from crewmem_doctor.model.code import Argument
from crewmem_doctor.model.expression import Build, Expr, Text
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.releases.eras import era
from crewmem_doctor.rules._common import active
from crewmem_doctor.rules.base import Example, Rule

TYPES = {"short_term": "short_term", "entity": "entities"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A memory with the storage that it is given."""

    memory: Memory
    given: Argument
    type: str
    type_at: Location | None
    path: object


KIND_OF = {"short_term": "ShortTermMemory", "entities": "EntityMemory"}


def check(project: Project) -> Iterator[Finding]:
    if not project.release.ever(lambda v: era(v).legacy):
        return
    kept = list(_kept(project))
    seen: set[Location] = set()
    for one in kept:
        if one.type == TYPES[one.memory.kind]:
            continue
        other = next((k for k in kept if k.memory.kind != one.memory.kind and (k.type, k.path) == (one.type, one.path)
                      and k.memory.at.path == one.memory.at.path), None)
        at = one.given.at if other is not None and other.type_at == one.type_at else one.type_at or one.given.at
        if other is not None and at not in seen:
            seen.add(at)
            yield _finding(one, other, at)


def _kept(project: Project) -> Iterator[Kept]:
    by_place = {memory.at: memory for memory in active(project) if memory.kind in TYPES}
    for call in project.code.calls:
        memory = by_place.get(call.memory) if call.memory is not None else None
        given = call.argument("storage")
        if memory is None or given is None or not isinstance(given.value, Build) or not given.value.callee.endswith("RAGStorage"):
            continue
        named = given.value.argument("type", 0)
        if isinstance(named, Text) and isinstance(named.value, str):
            yield Kept(memory, given, named.value, named.at, _shape(given.value.argument("path", 4)))


def _shape(value: Expr | None) -> object:
    """The value without the places it was read at, so that two equal expressions are equal."""
    if not is_dataclass(value):
        return value
    inner = (getattr(value, f.name) for f in fields(value) if f.name != "at")
    return (type(value).__name__, *(tuple(map(_shape, v)) if isinstance(v, tuple) else _shape(v) for v in inner))


def _finding(one: Kept, other: Kept, at: Location) -> Finding:
    own = TYPES[one.memory.kind]
    return RULE.finding(
        at, f"{one.memory.label} and {other.memory.label} share the collection {one.type!r}: a search in one finds the other's records, "
        "and a reset of one empties both",
        subject=one.memory.subject, evidence=f"type {one.type}",
        because=(Step(one.memory.at, f"{one.memory.label} is given it"), Step(other.memory.at, f"{other.memory.label} is given the same")),
        fix=Fix("Give each kind of memory its own collection", f'{KIND_OF[own]}(storage=RAGStorage(type="{own}", embedder_config=embedder))'))


COPIED = '''from crewai import Agent, Crew, Task
from crewai.memory import EntityMemory, LongTermMemory, ShortTermMemory
from crewai.memory.storage.ltm_sqlite_storage import LTMSQLiteStorage
from crewai.memory.storage.rag_storage import RAGStorage

OPENAI = {"provider": "openai", "config": {"model": "text-embedding-3-small"}}


def build():
    helper = Agent(role="Helper", goal="Help", backstory="Helps")
    task = Task(description="Help", expected_output="Text", agent=helper)
    return Crew(
        agents=[helper], tasks=[task], memory=True,
        long_term_memory=LongTermMemory(storage=LTMSQLiteStorage(db_path="/data/memory/long_term.db")),
        short_term_memory=ShortTermMemory(storage=RAGStorage(embedder_config=OPENAI, type="short_term", path="/data/memory")),
        entity_memory=EntityMemory(
            storage=RAGStorage(
                embedder_config=OPENAI,
                type="short_term",  # <-- here
                path="/data/memory",
            )
        ),
    )
'''
SHARED = '''from crewai.memory.entity.entity_memory import EntityMemory
from crewai.memory.short_term.short_term_memory import ShortTermMemory
from crewai.memory.storage.rag_storage import RAGStorage

storage = RAGStorage(type="short_term", path="/data/memory")
recent = ShortTermMemory(storage=storage)
things = EntityMemory(storage=storage)  # <-- here
'''
PLAIN = COPIED.replace("  # <-- here", "")
OLD = {"requirements.txt": "crewai==0.130.0\n"}
RULE = Rule(
    id="CM407", severity="warning", check=check,
    summary="two kinds of memory are given one collection",
    bad=(
        Example("copied", {"crew.py": COPIED, **OLD}, severity="warning"),
        Example("copied, on a later release", {"crew.py": COPIED, "requirements.txt": "crewai==1.9.3\n"}),
        Example("one storage for both", {"memory.py": SHARED, **OLD}),
    ),
    good=(
        Example("each its own", {"crew.py": PLAIN.replace('type="short_term",\n', 'type="entities",\n'), **OLD}),
        Example("another path", {"crew.py": PLAIN.replace('path="/data/memory",\n', 'path="/data/entities",\n'), **OLD}),
        Example("two crews with short-term memory alone", {"memory.py": SHARED.replace("  # <-- here", "").replace(
            "EntityMemory(", "ShortTermMemory(").replace("from crewai.memory.entity.entity_memory import ShortTermMemory(", ""), **OLD}),
    ),
    premise=("0.130.0 memory/storage/rag_storage.py: the collection is called by type; 1.9.3: memory_<type>_<roles>; ran 1.9.3",),
)
