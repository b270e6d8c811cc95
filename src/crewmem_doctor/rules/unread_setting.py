"""CM603 · a setting that moves no memory

## Why
No release of CrewAI reads `CREWAI_MEMORY_BACKEND` or its kin; they come from posts. `REDIS_URL` is read from 1.11 on, but only
to move a lock into Redis, and only where the `redis` package is installed. The deployment looks as if memory were shared, and
every container still writes to its own disk.

## Example
```yaml
environment:
  CREWAI_MEMORY_BACKEND: redis
  REDIS_URL: redis://redis:6379/0
```

## Fix
Remove it, and put the store on a volume that all containers share (`CREWAI_STORAGE_DIR`), or hand memory a storage object that
talks to a server (from 1.10).

## When this is not a problem
Where the project reads the variable for a purpose of its own, such as a Celery broker; the rule sees that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes.deployment import RemoveSetting
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.releases.variables import unread
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import active, unique
from crewmem_doctor.rules._locks import meant, writers
from crewmem_doctor.rules._remedies import unified
from crewmem_doctor.rules.base import Example, Rule

LOCK = "REDIS_URL"
# Packages and servers that use a Redis of their own accord, usually by that very name.
USE_REDIS = frozenset({
    "redis", "celery", "rq", "arq", "dramatiq", "huey", "django-redis", "channels-redis", "aioredis", "redisvl", "valkey", "flask-session",
    "fastapi-cache2", "fastapi-limiter", "flask-limiter", "slowapi", "langchain-redis", "redis-om", "coredis", "walrus", "kombu",
    "aiocache", "cashews", "limits", "langgraph-checkpoint-redis", "flask-caching", "upstash-redis", "taskiq-redis", "saq",
})


def check(project: Project) -> Iterator[Finding]:
    memories = list(active(project))
    if not memories or any(m.store.kind == "server" for m in memories):
        return
    places: dict[str, list[Location]] = {}
    for name, at in _settings(project):
        places.setdefault(name, []).append(at)
    read = {r.name for r in project.code.env_reads}
    idle = [n for n in places if n not in read and project.release.always(lambda v, n=n: unread(v, n) is not None)]  # type: ignore[misc]
    # Beside a store that several containers write it is the lock that it really is, with the package or without (CM605).
    lock_is_meant = LOCK in idle and any(meant(group) for group in writers(project))
    for name in idle:
        if name == LOCK and lock_is_meant:
            continue
        ats, verdict = places[name], unread(project.release.newest, name)
        # Beside a backend setting that nobody reads, the client library alone does not make it a lock that was meant.
        if verdict is None or (name == LOCK and _redis_has_a_purpose(project, {"redis"} if len(idle) > 1 else set())):
            continue
        yield RULE.finding(
            ats[0], f"{name} moves no memory: {verdict.sentence}. Memory stays on the local disk", subject=name, evidence=name,
            because=unique([*(Step(at, f"{name} is set here too") for at in ats[1:]),
                            *(Step(m.turned_on or m.at, "memory is turned on here") for m in memories)]),
            fix=replace(_fix(project, name), safe=name != LOCK, changes=tuple(RemoveSetting(at, name) for at in ats)))


def _fix(project: Project, name: str) -> Fix:
    if unified(project.release):
        recipe = "redis_storage" if "REDIS" in name else "postgres_storage"
        return Fix(f"Remove {name}; put the store on a volume, or hand memory a storage object that talks to a server: "
                   f"docs/recipes/{recipe}.md has the class", "CREWAI_STORAGE_DIR=/data/crewai")
    return Fix(f"Remove {name} and put the store on a volume", "CREWAI_STORAGE_DIR=/data/crewai")


def _settings(project: Project) -> Iterator[tuple[str, Location]]:
    """Every variable that the code, the tree's .env files or a service sets. REDIS_URL counts where a memory runs."""
    for write in project.code.env_writes:
        if _promises(write.name):
            yield write.name, write.at
    seen: set[tuple[str, Location]] = set()
    for service in project.services:
        if service.backing:
            continue
        runs = bool(project.runs_in(service))
        settings = (*service.environment.settings, *(s for p in service.processes for s in p.environment))
        for setting in settings:
            key = (setting.name, setting.at)
            # What an image that is not built here reads is nothing that the tree could tell.
            ours = runs or (setting.name != LOCK and not service.image)
            if key not in seen and _promises(setting.name) and ours:
                seen.add(key)
                yield key
    for setting in project.dotenv:
        if _promises(setting.name) and (setting.name, setting.at) not in seen:
            yield setting.name, setting.at


def _promises(name: str) -> bool:
    """Whether somebody who sets it means to move CrewAI's memory by it; a provider's key is set for other reasons too."""
    return name == LOCK or name.startswith("CREWAI_")


def _redis_has_a_purpose(project: Project, but: set[str]) -> bool:
    """Somebody else reads REDIS_URL, or the lock that it really moves is installed. `but` are packages that do not count."""
    asked = {r.name for r in project.requirements} | {e for r in project.requirements if r.name in ("celery", "kombu", "fastapi-cache2")
                                                     for e in r.extras}
    packages = {word.split("[", 1)[0].split("=", 1)[0].split(">", 1)[0].lower() for s in project.services for word in s.packages}
    servers = {p.server for s in project.services for p in s.processes}
    imported = {i.name.split(".", 1)[0].replace("_", "-") for i in project.code.imports}
    return bool((USE_REDIS - but) & (asked | packages | servers | imported))


BACKEND = "services:\n  api:\n    build: .\n    environment:\n      CREWAI_MEMORY_BACKEND: redis{}\n"
RULE = Rule(
    id="CM603", severity="warning", check=check,
    summary="a setting that no release reads, or that does not do what its name suggests, while memory stays local",
    bad=(
        Example("a backend in the compose file", _trees.service(BACKEND.format("  # <-- here"))),
        Example("set in code", _trees.service(app__crew_dot_py=(
            'import os\n\nos.environ["CREWAI_MEMORY_STORAGE"] = "postgresql://db/memory"  # <-- here\n\n' + _trees.CREW))),
        Example("a Redis that nothing uses", _trees.service(
            "services:\n  api:\n    build: .\n    environment:\n      - REDIS_URL=redis://redis:6379/0  # <-- here\n"
            "  redis:\n    image: redis:7\n")),
    ),
    good=(
        Example("a broker", _trees.service(
            "services:\n  api:\n    build: .\n    environment: ['REDIS_URL=redis://redis:6379/0']\n  redis:\n    image: redis:7\n",
            requirements_dot_txt=_trees.PINNED + "celery[redis]\n")),
        Example("the lock of a store that two containers share", _trees.service(
            "services:\n  api:\n    build: .\n    deploy: {replicas: 2}\n    volumes: ['m:/data']\n"
            "    environment: [CREWAI_STORAGE_DIR=/data, 'REDIS_URL=redis://redis:6379/0']\n  redis:\n    image: redis:7\nvolumes: {m: }\n")),
        Example("the code reads it for itself", _trees.service(BACKEND.format(""), app__main_dot_py=_trees.API.replace(
            "from fastapi", 'import os\n\nBACKEND = os.getenv("CREWAI_MEMORY_BACKEND")\n\nfrom fastapi', 1))),
        Example("a setting of CrewAI that has nothing to do with memory", _trees.service(
            BACKEND.replace("CREWAI_MEMORY_BACKEND: redis", "CREWAI_DISABLE_TELEMETRY: 'true'").format(""))),
        Example("a setting of somebody else's image", _trees.service(
            "services:\n  api:\n    build: .\n  studio:\n    image: ghcr.io/acme/crew-board:2\n    environment: [CREWAI_MEMORY=true]\n")),
        Example("no memory is on", _trees.service(BACKEND.format(""), app__crew_dot_py=_trees.CREW.replace(", memory=True", ""))),
    ),
    premise=("no such name in 77 wheels from 0.27.2 to 1.15.30", "1.11.0 utilities/lock_store.py:28: REDIS_URL only chooses the lock"),
)
