"""What several containers need besides a volume: a lock for all of them, or a server that keeps the records."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crewmem_doctor.model.changes import Change, Refusal
from crewmem_doctor.model.changes.deployment import SetVariable
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._remedies import RECIPES, unified

REDIS = ("redis", "valkey", "keydb")
LOCK_AGAIN = "Lock the requirements again."


def recipe(project: Project, memories: Iterable[Memory]) -> str:
    """The recipe that keeps these records in a server, for the release in use."""
    if all(memory.kind == "flow" for memory in memories):
        return f"{RECIPES}postgres_flow_persistence.py"
    return f"{RECIPES}postgres_storage.py" if unified(project.release) else f"{RECIPES}postgres_external_storage.py"


def in_a_server(project: Project, memories: Iterable[Memory], why: str) -> tuple[Change, ...]:
    """No edit of a deployment file does it: `why`, a clause, and the recipe."""
    return (Refusal(f"{why}; keep the records in a server, as {recipe(project, list(memories))} does"),)


def one_lock(project: Project, services: Iterable[Service]) -> tuple[Change, ...]:
    """REDIS_URL in each of the services."""
    return tuple(SetVariable(service, "REDIS_URL", *_address(project, service)) for service in services)


def _address(project: Project, service: Service) -> tuple[str, str]:
    """The value, or what stands in its place: a Redis of the same deployment that asks for no password is reached by its
    name."""
    for server in project.services:
        beside = server.deployment == service.deployment and server.platform == service.platform == "compose"
        words = [word for process in server.processes for word in process.words]
        guarded = any(re.match(r"--(requirepass|port|user|aclfile|tls)|.*\.conf$", word) for word in words) or any(
            re.search("PASS|ARGS|FLAGS|PORT", s.name) for s in server.environment.settings)
        if beside and server.backing in REDIS and not guarded and not server.profiles:
            return f"redis://{server.name}:6379/0", ""
    return "", "the URL of a Redis that every container reaches"


def asked_in(project: Project, services: Iterable[Service]) -> list[Location]:
    """Where a package is to be asked for, so that these services get it: beside crewai, in each file of requirements that
    their images are built from, else in the one that decides."""
    places = [r.at for r in project.requirements if r.name == "crewai" and not _is_lock(r.at.path)]
    contexts = {service.context for service in services}
    near = {at.path: at for at in reversed(places) if any(not c or at.path.startswith(f"{c}/") for c in contexts)}
    return [at for at in places if near.get(at.path) == at] or places[:1]


def lock_again(project: Project) -> str:
    return LOCK_AGAIN if any(_is_lock(r.at.path) for r in project.requirements) else ""


def _is_lock(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.endswith((".lock", "lock.json")) or name.startswith("pylock.")
