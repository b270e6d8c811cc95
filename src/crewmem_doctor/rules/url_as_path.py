"""CM107 · a URL or a backend's name where CrewAI takes a directory

## Why
CrewAI has no built-in server backend. A string given as `storage=` or as CREWAI_STORAGE_DIR is a directory, whatever it looks
like: `"postgres"` makes `./postgres`, `"s3://bucket/x"` first makes `./s3:/bucket/x` and then fails, `"redis://…"` is refused.
Where it is not refused, memory silently stays on the container's own disk.

## Example
```python
memory = Memory(storage="redis://redis:6379/0")
```

## Fix
Give memory an absolute directory on a volume, or an object that talks to that server, with a class to copy from the recipes.
From 1.10 on: [postgres_storage](recipes/postgres_storage.md) or
[redis_storage](recipes/redis_storage.md); 0.117 to 1.9.3: [postgres_external_storage](recipes/postgres_external_storage.md); a
flow's state: [postgres_flow_persistence](recipes/postgres_flow_persistence.md).

## When this is not a problem
Where a factory registered with `set_memory_storage_factory` turns the string into a storage object; the rule sees that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import STORAGE_DIR, misnamed, unique
from crewmem_doctor.rules._in_code import declined
from crewmem_doctor.rules._remedies import at_path, on_server, unified
from crewmem_doctor.rules._volumes import relocated
from crewmem_doctor.rules._where import Landing, judged, landings, story, worst
from crewmem_doctor.rules.base import Example, Rule

FACTORIES = ("set_memory_storage_factory", "set_flow_persistence_factory")


def check(project: Project) -> Iterator[Finding]:
    if any(i.name.endswith(FACTORIES) for i in project.code.imports) or any(c.callee.endswith(FACTORIES) for c in project.code.calls):
        return
    groups: dict[Location, list[Landing]] = {}
    for landing in landings(project):
        if misnamed(landing.said) and landing.memory.kind != "third_party":
            at = landing.set_at if landing.by_setting else landing.memory.store.at
            groups.setdefault(at or landing.memory.at, []).append(landing)
    for at, found in groups.items():
        first = found[0]
        severity, confidence = worst([judged(x, RULE.severity) for x in found])
        name = misnamed(first.said)
        shown = f"{name}…" if name.endswith("://") else f'"{name}"'
        set_at = first.said.at if isinstance(first.said, Known) else None
        yield RULE.finding(
            at, f"CrewAI takes {STORAGE_DIR if first.by_setting else 'this'} for a directory, not for a server: {shown} "
                f"{_outcome(name, first.by_setting)}",
            subject=first.memory.subject, evidence=name, severity=severity, confidence=confidence,
            because=unique([*(s for x in found for s in story(x.memory, x.run)),
                            *([Step(set_at, "the value comes from here")] if set_at is not None else [])]),
            fix=replace(_fix(project, first), changes=_changes(at or first.memory.at, found) or declined(
                at or first.memory.at, "only a person knows which server is meant; docs/recipes has storage objects for Postgres and Redis")))


def _outcome(name: str, by_setting: bool) -> str:
    if not name.endswith("://"):
        return f"makes a directory of that name, and nothing reaches {name}"
    if by_setting:
        return "becomes the name of a local directory"
    return "is refused, or leaves a stray local directory and then fails"


def _changes(at: Location, found: list[Landing]) -> tuple[Change, ...]:
    """A directory on a volume, where a variable of a deployment file says where."""
    services = {id(x.run.service): x.run.service for x in found if x.run is not None}
    if not services or at.path.endswith(".py") or not all(x.by_setting and x.set_at == at for x in found):
        return ()
    return relocated(at, services.values())


def _fix(project: Project, landing: Landing) -> Fix:
    if landing.by_setting:
        return Fix("Give memory an absolute directory on a volume; a server takes a storage object, which docs/recipes has",
                   f"{STORAGE_DIR}=/data/crewai")
    name = misnamed(landing.said)
    if unified(project.release) and landing.memory.kind != "flow" and name.startswith(("redis", "valkey")):
        return Fix("Hand memory a storage object for Redis, or a directory on a volume; docs/recipes/redis_storage.md has the class",
                   'Memory(storage=RedisStorage(os.environ["MEMORY_REDIS_URL"]))')
    if name.startswith(("redis", "valkey", "postgres")):
        return on_server(landing.memory, project.release, ", or in a directory on a volume")
    return Fix("Give memory an absolute directory on a volume; a server takes a storage object, which docs/recipes has",
               at_path(landing.memory, project.release, "/data/crewai"))


UNIFIED = '''from crewai import Agent, Crew, Task
from crewai.memory import Memory

memory = Memory(storage="redis://redis:6379/0")  # <-- here


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    return Crew(agents=[writer], tasks=[Task(description="Write", expected_output="Text", agent=writer)], memory=memory)
'''
RULE = Rule(
    id="CM107", severity="error", check=check,
    summary="a URL or a backend's name stands where CrewAI takes a directory",
    bad=(
        Example("a Redis URL", _trees.service(app__crew_dot_py=UNIFIED)),
        Example("a backend's name", {
            "main.py": 'from crewai import Memory\n\nBACKEND = "postgres"\nnotes = Memory(storage=BACKEND)  # <-- here\nnotes.remember("x")\n',
            "requirements.txt": "crewai==1.14.7\n"}),
        Example("an object store in the environment", _trees.service(
            "services:\n  api:\n    build: .\n    environment:\n      CREWAI_STORAGE_DIR: s3://bucket/memory  # <-- here\n")),
    ),
    good=(
        Example("a directory that is called like a backend", _trees.service(
            app__crew_dot_py=UNIFIED.replace("redis://redis:6379/0", "/data/redis").replace("  # <-- here", ""))),
        Example("a factory understands it", _trees.service(app__crew_dot_py=UNIFIED.replace("  # <-- here", "").replace(
            "memory = ", "from app.storage import make\nfrom crewai.memory.storage.factory import set_memory_storage_factory\n\n"
            "set_memory_storage_factory(make)\nmemory = "), app__storage_dot_py="def make(spec):\n    raise NotImplementedError\n")),
        Example("the URL is for something else", _trees.service(
            "services:\n  api:\n    build: .\n    environment: {DATABASE_URL: 'postgresql://db/app', CREWAI_STORAGE_DIR: /data}\n"
            "    volumes: [m:/data]\nvolumes:\n  m:\n")),
    ),
    premise=("ran 1.15.30: Memory(storage='redis://…') is refused, 'sqlite' makes ./sqlite, 's3://b/x' makes ./s3:/b/x and fails",),
)
