"""Small hand-built projects for what the examples cannot show: ranges of releases, open environments."""

from __future__ import annotations

from typing import Any

from crewmem_doctor.model.code import Code, Module
from crewmem_doctor.model.deployment import Environment, Mount, Process, Service, Setting
from crewmem_doctor.model.expression import Surroundings
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory, Reach, Step, Store
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.releases.known import WITH_MEMORY
from crewmem_doctor.rules import find

ENTRY = EntryPoint("http", "POST /chat", Location("app/main.py", 9), "app.main.chat", "fastapi")
REACH = Reach(ENTRY, True, (Step(Location("app/main.py", 11), "calls build_crew"),))
CALL = Location("app/crew.py", 7, 12)
DEFAULT = Store("path", "crewai's own default")
MODULES = (Module("app/main.py", ("app.main",)), Module("app/crew.py", ("app.crew",)))
ANY = Release(WITH_MEMORY, "", "requirements.txt", Location("requirements.txt", 3))


def pinned(version: str) -> Release:
    parsed = Version.parse(version)
    assert parsed is not None
    return Release((parsed,), f"=={version}", "requirements.txt", Location("requirements.txt", 1), True)


def between(first: str, last: str) -> Release:
    low, high = Version.parse(first), Version.parse(last)
    assert low is not None
    assert high is not None
    return Release(
        tuple(v for v in WITH_MEMORY if low <= v <= high),
        f">={first},<={last}",
        "requirements.txt",
        Location("requirements.txt", 2),
    )


def memory(kind: Any = "crew", callee: str = "crewai.Crew", store: Store = DEFAULT, **fields: Any) -> Memory:
    fields.setdefault("handlers", (REACH,))
    return Memory(kind, CALL, callee, store, Location("app/crew.py", 7, 40), **fields)


def service(
    name: str = "api", variables: dict[str, Answer[str]] | None = None, mounts: tuple[Mount, ...] = (), **fields: Any
) -> Service:
    settings = tuple(
        Setting(k, v, Location("compose.yaml", 20 + n)) for n, (k, v) in enumerate((variables or {}).items())
    )
    open_ = fields.pop("open", ())
    fields.setdefault("workdir", Known("/app"))
    return Service(
        f"compose:{name}",
        name,
        "compose",
        Location("compose.yaml", 2),
        mounts=mounts,
        environment=Environment(settings, open_),
        **fields,
    )


def run(memory: Memory, service: Service, sure: bool = True) -> Run:
    process = Process(("uvicorn", "app.main:app"), Location("Dockerfile", 5), "uvicorn", "app.main:app")
    around = Surroundings(
        cwd=service.workdir, home=Known("/root"), variable=service.environment.lookup, source=lambda path: Known("/app")
    )
    return Run(memory, service, process, around, memory.handlers, sure)


def project(release: Release, *memories: Memory, services: tuple[Service, ...] = (), **fields: Any) -> Project:
    fields.setdefault("code", Code(modules=MODULES, uses_crewai=True))
    runs = tuple(run(m, s) for m in memories for s in services)
    return Project(release, memories, services=services, runs=runs, **fields)


def check(rule: str, project: Project) -> list[Finding]:
    found = find(rule)
    assert found is not None
    return list(found.check(project))
