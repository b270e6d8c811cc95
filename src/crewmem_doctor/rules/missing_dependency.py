"""CM605 · memory needs a package that nobody installs

## Why
The code imports mem0 or a storage backend, and the requirements do not name it: it is installed on the laptop, and the image is
built without it. Or several containers write one store, `REDIS_URL` asks for the lock in Redis, and without the `redis` package
CrewAI goes on with a lock that the others never see. Or the image is built on a system whose SQLite is older than Chroma accepts, and `import crewai` itself fails.

## Example
```python
from mem0 import Memory      # requirements.txt: crewai, fastapi
```

## Fix
Name the package in the requirements. For SQLite take a newer base image, such as `python:3.12-slim`.

## When this is not a problem
Where the package comes from outside the tree: a base image of your own, or a private requirements file. The rule is silent where
the tree names no requirement of CrewAI at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.model.changes.deployment import AddRequirement
from crewmem_doctor.model.code import Import
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.sqlite import NEEDED, too_old
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import active, archived, graded, turned_on, unique
from crewmem_doctor.rules._locks import address, meant, without_package, writers
from crewmem_doctor.rules._shared import asked_in, lock_again
from crewmem_doctor.rules.base import Example, Rule

# What is imported → the packages of which any one brings it. The first is what to ask for.
MEMORIES: dict[str, tuple[str, ...]] = {
    "mem0": ("mem0ai", "embedchain"),
    "zep_cloud": ("zep-cloud", "zep-crewai"),
    "zep_python": ("zep-python",),
    "zep_crewai": ("zep-crewai",),
    "honcho": ("honcho-ai", "honcho-crewai"),
    "honcho_crewai": ("honcho-crewai",),
    "hindsight_client": ("hindsight-client", "hindsight-crewai"),
    "hindsight_crewai": ("hindsight-crewai",),
    "crewai_memory_postgres": ("crewai-memory-postgres",),
    "crewai_memory_dynamodb": ("crewai-memory-dynamodb",),
    "crewai_memory_cosmosdb": ("crewai-memory-cosmosdb",),
    "crewai_memory_firestore": ("crewai-memory-firestore",),
    "crewai_mongodb_memory": ("crewai-mongodb-memory",),
    "crewai_persistence_sql": ("crewai-persistence-sql",),
    "crewai_persistence_mongodb": ("crewai-persistence-mongodb",),
    "qdrant_edge": ("qdrant-edge-py",),
}
# Databases' own clients: only beside a memory that keeps its records there.
CLIENTS: dict[str, tuple[str, ...]] = {
    "redis": ("redis", "celery[redis]", "rq", "arq", "redisvl", "redis-om", "django-redis", "dramatiq[redis]", "fastapi-cache2"),
    "psycopg": ("psycopg", "psycopg-binary", "psycopg-pool", "langgraph-checkpoint-postgres"),
    "psycopg2": ("psycopg2-binary", "psycopg2", "aiopg"),
    "asyncpg": ("asyncpg",),
    "pymongo": ("pymongo", "motor", "beanie", "mongoengine"),
    "qdrant_client": ("qdrant-client", "mem0ai", "langchain-qdrant", "llama-index-vector-stores-qdrant", "crewai-tools"),
}
PYSQLITE = re.compile(r"pysqlite3")


def check(project: Project) -> Iterator[Finding]:
    memories = list(active(project))
    if not memories:
        return
    if any(r.name == "crewai" for r in project.requirements):
        yield from _imports(project, memories)
        yield from _storages(project, memories)
        yield from _locks(project)
    yield from _images(project)


def _imports(project: Project, memories: list[Memory]) -> Iterator[Finding]:
    places = {m.at.path for m in memories} | {m.store.at.path for m in memories if m.store.at is not None}
    served_by = {m.at.path for m in memories if m.store.kind == "server"} | {
        m.store.at.path for m in memories if m.store.kind == "server" and m.store.at is not None}
    groups: dict[str, list[Import]] = {}
    for found in project.code.imports:
        name = found.name.split(".", 1)[0]
        needed = (name in MEMORIES and found.at.path in places) or (name in CLIENTS and found.at.path in served_by)
        if needed and not found.guarded and not archived(project, found.at.path) and not _own(project, name):
            groups.setdefault(name, []).append(found)
    for name, imports in groups.items():
        packages = {**MEMORIES, **CLIENTS}[name]
        if not _installed(project, packages):
            first = imports[0]
            yield _missing(project, first.at, f"{name} is imported here", packages[0], memories, [i.at for i in imports[1:]])


def _storages(project: Project, memories: list[Memory]) -> Iterator[Finding]:
    """What CrewAI itself imports for a setting: mem0 for `provider: mem0`, Qdrant Edge for `storage="qdrant-edge"`."""
    for memory in memories:
        at = memory.store.at or memory.turned_on or memory.at
        if memory.callee.startswith("crewai.") and "mem0" in memory.store.why.lower() and not _installed(project, MEMORIES["mem0"], "mem0"):
            yield _missing(project, at, "this memory is kept by mem0", "mem0ai", [memory], [])
        if memory.store.engine == "qdrant-edge" and not _installed(project, MEMORIES["qdrant_edge"], "qdrant-edge"):
            yield _missing(project, at, "this memory is kept by Qdrant Edge", "crewai[qdrant-edge]", [memory], [])


def _locks(project: Project) -> Iterator[Finding]:
    """REDIS_URL beside a store that several containers write asks for the lock in Redis, which CrewAI takes there only with
    the package. Plain saves survived locks that are apart, so this is no error."""
    for group in writers(project):
        lacking = without_package(project, group) if meant(group) else []
        for service in lacking[:1]:
            setting = address(group, service)
            severity, confidence = graded("warning", (run for run, _ in group.pairs))
            requirement = next(r.at for r in project.requirements if r.name == "crewai")
            yield RULE.finding(
                setting.at if setting is not None else service.at,
                f"REDIS_URL asks for CrewAI's write lock in Redis, but no requirement brings redis: each container of "
                f"{group.pairs[0][1].display} locks in its own /tmp, without a word",
                subject="redis", evidence="redis", severity=severity, confidence=confidence,
                because=unique([*(Step(s.at, "writes to the store") for s in group.services),
                                Step(requirement, "the requirements name crewai, not redis")]),
                fix=Fix("Add redis to the requirements", "redis", caveat=lock_again(project),
                        changes=tuple(AddRequirement(at, "redis") for at in asked_in(project, lacking))))


def _own(project: Project, name: str) -> bool:
    """Whether the tree has a module of that name itself."""
    return any(n == name or n.startswith(f"{name}.") for m in project.code.modules for n in m.names) or any(
        f"/{name}/" in f"/{m.path}" for m in project.code.modules)


def _installed(project: Project, packages: tuple[str, ...], extra: str = "") -> bool:
    asked = {r.name for r in project.requirements} | {f"{r.name}[{e}]" for r in project.requirements for e in r.extras}
    words = {re.split(r"[<>=~!\s;@]", w.lower().replace("_", "-"), maxsplit=1)[0] for s in project.services for w in s.packages}
    names = asked | words | {w.split("[", 1)[0] for w in words}
    extras = {f"crewai[{name}]" for name in (extra, *(p.removesuffix("ai") for p in packages)) if name}
    return bool(names & {*packages, *extras})


def _missing(project: Project, at: Location, what: str, package: str, memories: list[Memory], more: list[Location]) -> Finding:
    requirement = next(r.at for r in project.requirements if r.name == "crewai")
    return RULE.finding(
        at, f"{what}, but no requirement brings {package}: an image built from them does not have it", subject=package, evidence=package,
        because=unique([*(Step(a, "imported here too") for a in more), Step(requirement, f"the requirements name crewai, not {package}"),
                        turned_on(memories[0])]),
        fix=Fix(f"Add {package} to the requirements", package, caveat=lock_again(project), changes=tuple(
            AddRequirement(place, package) for place in asked_in(project, [run.service for run in project.runs_of(memories[0])]))))


def _images(project: Project) -> Iterator[Finding]:
    done: set[Location] = set()
    for service in project.services:
        runs = [run for run in project.runs_in(service) if run.memory in list(active(project))]
        version = too_old(service.base_image)
        if version is None or not runs or _brings_sqlite(project, service):
            continue
        at = _from(project, service)
        if at in done:
            continue
        done.add(at)
        severity, confidence = graded(RULE.severity, runs)
        yield RULE.finding(
            at, f"{service.base_image} has SQLite {_short(version)}, and Chroma, which crewai imports, needs {_short(NEEDED)}: the import fails",
            subject=service.base_image, evidence="sqlite", severity=severity, confidence="medium" if confidence == "high" else confidence,
            because=unique([Step(service.at, f"{service.id} is built from it"), turned_on(runs[0].memory)]),
            fix=Fix("Take a base image with a newer SQLite", "FROM python:3.12-slim"))


def _short(version: Version) -> str:
    return str(version)


def _brings_sqlite(project: Project, service: Service) -> bool:
    """pysqlite3 in its place, or a SQLite that the image builds itself."""
    words = [*(r.name for r in project.requirements), *service.packages]
    if any(PYSQLITE.search(word) for word in words):
        return True
    lines = (project.excerpt(service.dockerfile, n) for n in range(1, 200)) if service.dockerfile else iter(())
    return any("sqlite" in line.lower() for line in lines)


def _from(project: Project, service: Service) -> Location:
    """The last FROM line that names the image."""
    for number in range(200, 0, -1):
        line = project.excerpt(service.dockerfile, number) if service.dockerfile else ""
        if line.strip().upper().startswith("FROM ") and service.base_image.lower() in line.lower():
            column = line.lower().find(service.base_image.lower()) + 1
            return Location(service.dockerfile, number, column, number, column + len(service.base_image))
    return service.at


MEM0 = '''from fastapi import FastAPI
from crewai import Agent
from mem0 import MemoryClient  # <-- here

app = FastAPI()
memory = MemoryClient()
helper = Agent(role="Helper", goal="Help", backstory="Helps")


@app.post("/chat")
def chat(user_id: str, message: str):
    memory.add(message, user_id=user_id)
    return memory.search(message, user_id=user_id)
'''
QUIET = MEM0.replace("  # <-- here", "")
BACKEND = '''import os

from crewai import Agent, Crew, Task
from crewai.memory import Memory
from crewai_memory_postgres import PostgresMemoryBackend  # <-- here

memory = Memory(storage=PostgresMemoryBackend(os.environ["DATABASE_URL"]))


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=memory)
'''
BOTH = '''services:
  api:
    build: .
    deploy: {replicas: 2}
    volumes: [m:/data]
    environment:
      CREWAI_STORAGE_DIR: /data
      REDIS_URL: redis://redis:6379/0
  redis: {image: redis:7}
volumes: {m: }
'''
BOTH_MARKED = BOTH.replace("6379/0", "6379/0  # <-- here")
OLD_IMAGE = _trees.DOCKERFILE.replace("python:3.12-slim", "python:3.11-bullseye  # <-- here")
RULE = Rule(
    id="CM605", severity="error", check=check,
    summary="the code or settings need a package that the requirements lack, or the base image's SQLite is older than Chroma accepts",
    bad=(
        Example("mem0 is imported and not required", _trees.service(app__main_dot_py=MEM0, app__crew_dot_py="")),
        Example("a backend is imported and not required", _trees.service(app__crew_dot_py=BACKEND)),
        Example("the lock is asked for in Redis, and its client is not there", _trees.service(BOTH_MARKED), severity="warning"),
        Example("the same where each container is a service of its own", _trees.service(
            BOTH_MARKED.replace("    deploy: {replicas: 2}\n", "").replace(
                "  redis: {image: redis:7}\n", "  night:\n    build: .\n    volumes: [m:/data]\n    environment:\n"
                "      CREWAI_STORAGE_DIR: /data\n      REDIS_URL: redis://redis:6379/0\n  redis: {image: redis:7}\n")), severity="warning"),
        Example("an image with an old SQLite", _trees.service(Dockerfile=OLD_IMAGE)),
    ),
    good=(
        Example("it is required", _trees.service(app__main_dot_py=QUIET, app__crew_dot_py="", requirements_dot_txt=_trees.PINNED + "mem0ai\n")),
        Example("as an extra of crewai", _trees.service(
            app__main_dot_py=QUIET, app__crew_dot_py="", requirements_dot_txt=_trees.PINNED.replace("crewai==", "crewai[mem0]=="))),
        Example("the client of the lock is there", _trees.service(BOTH, requirements_dot_txt=_trees.PINNED + "celery[redis]\n")),
        Example("REDIS_URL beside a store of its own is no lock that is missed", _trees.service(BOTH.replace("    deploy: {replicas: 2}\n", ""))),
        Example("a file that is not here may say anything", _trees.service(
            BOTH.replace("      REDIS_URL: redis://redis:6379/0\n", "").replace("    environment", "    env_file: [api.env]\n    environment"))),
        Example("a release that locks beside the data", _trees.service(
            BOTH, requirements_dot_txt="crewai==1.10.1\nfastapi\nuvicorn\n")),
        Example("an image of today", _trees.service(Dockerfile=_trees.DOCKERFILE.replace("slim", "slim-bookworm"))),
        Example("pysqlite3 stands in", _trees.service(
            Dockerfile=OLD_IMAGE.replace("  # <-- here", ""), requirements_dot_txt=_trees.PINNED + "pysqlite3-binary\n")),
        Example("no memory is on", _trees.service(
            Dockerfile=OLD_IMAGE.replace("  # <-- here", ""), app__crew_dot_py=_trees.CREW.replace(", memory=True", ""))),
    ),
    premise=("chromadb/__init__.py: RuntimeError below SQLite 3.35.0; ran 1.15.17: import crewai imports chromadb",
             "ran 0.203.2: ModuleNotFoundError mem0",
             "1.15.30 crewai_core/lock_store.py:58-67: RedisLock only where redis can be imported; ran with and without the package"),
)
