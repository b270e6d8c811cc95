"""CM303 · two services of one deployment run the same memory and keep it in different places

## Why
An API and a Celery worker, a web process and a cron job are separate containers. Each has its own home and its own layer,
so "the same" crew with the same default path reads and writes two stores: what the worker learns the API never recalls.

## Example
```yaml
services:
  api:    {build: ., command: uvicorn app.main:app}
  worker: {build: ., command: celery -A app.tasks worker}
```

## Fix
Mount the same named volume in both and set the same absolute `CREWAI_STORAGE_DIR` in both ([one_host](recipes/one_host.md)).
Where they do not run on one host, keep the records in a server. From 1.10 on: [postgres_storage](recipes/postgres_storage.md) or
[redis_storage](recipes/redis_storage.md); 0.117 to 1.9.3: [postgres_external_storage](recipes/postgres_external_storage.md); a
flow's state: [postgres_flow_persistence](recipes/postgres_flow_persistence.md).

## When this is not a problem
Where only one of the two ever runs the crew; then the other's path to it is dead code.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import evidence_of, graded, least, on_disk, on_mount, several, unique
from crewmem_doctor.rules._shared import in_a_server
from crewmem_doctor.rules._volumes import caveat_of, mounting, onto_volume
from crewmem_doctor.rules.base import Example, Rule

Pair = tuple[Run, Placement]


def check(project: Project) -> Iterator[Finding]:
    groups: dict[tuple[str, str, int], list[Pair]] = {}
    for run, p in on_disk(project):
        groups.setdefault((run.service.platform, run.service.deployment, id(run.memory)), []).append((run, p))
    split: dict[tuple[int, int], list[tuple[Pair, Pair]]] = {}
    for pairs in groups.values():
        for index, other in enumerate(pairs):
            first = next((one for one in pairs[:index] if _apart(one, other)), None)
            if first is not None:
                split.setdefault((id(first[0].service), id(other[0].service)), []).append((first, other))
    for found in split.values():
        yield _finding(project, found)


def _apart(one: Pair, other: Pair) -> bool:
    """Whether two services certainly do not see the same records. What lies in a container's own layer is nobody else's,
    wherever the other one keeps its own."""
    (a, here), (b, there) = one, other
    if a.service is b.service or not _together(a.service, b.service):
        return False
    if here.in_layer or there.in_layer:
        return True
    known = all(isinstance(p.path, Known) and not p.maybe for p in (here, there))
    return known and _store(a, here) != _store(b, there)


def _finding(project: Project, found: list[tuple[Pair, Pair]]) -> Finding:
    (one, here), (two, there) = found[0]
    # Both must run it: the claim is as sure as the less sure of the two.
    severity, confidence = least([graded(RULE.severity, [pair[n][0] for pair in found]) for n in (0, 1)])
    memories = several(dict.fromkeys(f"{a.memory.label} ({a.memory.at})" for (a, _), _ in found))
    return RULE.finding(
        two.service.at, f"{one.service.id} and {two.service.id} both run {memories}, but keep the records apart: "
                        f"{_place(one, here)} and {_place(two, there)}",
        subject=two.service.id, evidence=f"{one.service.id} {here.display} {there.display}", severity=severity,
        confidence=confidence,
        because=unique([Step(one.service.at, "the other service"), *(s for a, b in found for s in (*evidence_of(*a), *evidence_of(*b)))]),
        fix=Fix(f"Mount one volume in {one.service.name} and {two.service.name}, with the same CREWAI_STORAGE_DIR in both",
                mounting(two.service, "/data", storage_dir=True, beside=one.service), caveat=caveat_of(two.service), changes=_changes(project, found)))


def _changes(project: Project, found: list[tuple[Pair, Pair]]) -> tuple[Change, ...]:
    """The volume of one that has one, in the other too; where neither has, one for both."""
    (one, _), (two, _) = found[0]
    firsts, seconds = ([pair[n] for pair in found] for n in (0, 1))
    memories = [run.memory for run, _ in firsts]
    if not {one.service.platform, two.service.platform} <= {"compose", "kubernetes"}:
        return in_a_server(project, memories, "these services have no disk in common")
    lone = [s for s in (one.service, two.service) if all(p.in_layer for run, p in (*firsts, *seconds) if run.service is s)]
    changes = [change for s in lone for change in onto_volume(project, s, firsts if s is one.service else seconds)]
    return tuple(changes) or in_a_server(project, memories, "the two volumes hold records of their own")


def _place(run: Run, placement: Placement) -> str:
    mount = placement.mount
    if mount is None and placement.maybe:
        return f"{placement.display}, perhaps on {placement.maybe[0].source or placement.maybe[0].target}"
    if mount is None:
        return f"{placement.display} in the layer of {run.service.name}"
    return f"{placement.display} on {mount.source or mount.kind}"


def _store(run: Run, placement: Placement) -> tuple[str, str]:
    """What two services must agree on to see the same records."""
    mount, path = placement.mount, placement.display
    if mount is None or not mount.source:
        return run.service.id, path
    return on_mount(mount, path)


def _together(one: Service, two: Service) -> bool:
    """Services of different profiles are alternatives."""
    return not (one.profiles and two.profiles and not set(one.profiles) & set(two.profiles))


TASKS = '''from celery import Celery

from app.crew import build_crew

celery = Celery("app")


@celery.task
def research(topic: str):
    return str(build_crew(topic).kickoff())
'''
API = "services:\n  api:\n    build: .\n"
WORKER = "  worker:{}\n    build: .\n    command: celery -A app.tasks worker -c 1\n"
RULE = Rule(
    id="CM303", severity="error", check=check,
    summary="two services of one deployment run the same memory and resolve to different stores",
    bad=(
        Example("an API and a Celery worker", _trees.service(API + WORKER.format("  # <-- here"), app__tasks_dot_py=TASKS)),
        Example("the volume is in one of them only", _trees.service(
            API + "    volumes: [m:/root/.local]\n" + WORKER.format("  # <-- here") + "volumes:\n  m:\n", app__tasks_dot_py=TASKS)),
        Example("one volume, two homes", _trees.service(
            API + "    volumes: [m:/data]\n    environment: {CREWAI_STORAGE_DIR: /data/api}\n" + WORKER.format("  # <-- here")
            + "    volumes: [m:/data]\n    environment: {CREWAI_STORAGE_DIR: /data/worker}\nvolumes:\n  m:\n", app__tasks_dot_py=TASKS)),
        Example("the volume is in one of them only, and no release is pinned", _trees.service(
            API + "    volumes: [m:/data]\n    environment: {CREWAI_STORAGE_DIR: /data}\n" + WORKER.format("  # <-- here")
            + "    environment: {CREWAI_STORAGE_DIR: /data}\nvolumes:\n  m:\n", app__tasks_dot_py=TASKS,
            requirements_dot_txt="crewai\nfastapi\n")),
        Example("what the second one runs is not known for sure", _trees.service(
            API + "    volumes: [m:/data]\n    environment: {CREWAI_STORAGE_DIR: /data}\n  night:  # <-- here\n    build: .\n"
            "    command: /opt/night/run\nvolumes:\n  m:\n"), severity="warning"),
        Example("two folders of one volume", _trees.service(
            API + "    environment: {CREWAI_STORAGE_DIR: /data}\n    volumes: [{type: volume, source: m, target: /data, volume: {subpath: a}}]\n"
            + WORKER.format("  # <-- here") + "    environment: {CREWAI_STORAGE_DIR: /data}\n"
            "    volumes: [{type: volume, source: m, target: /data, volume: {subpath: b}}]\nvolumes:\n  m:\n", app__tasks_dot_py=TASKS)),
    ),
    good=(
        Example("one directory of the host, mounted at two depths", _trees.service(
            API + "    volumes: ['./var:/data']\n    environment: {CREWAI_STORAGE_DIR: /data/crew}\n" + WORKER.format("")
            + "    volumes: ['./var/crew:/data']\n    environment: {CREWAI_STORAGE_DIR: /data}\n", app__tasks_dot_py=TASKS)),
        Example("one volume under both", _trees.service(
            API + "    volumes: [m:/data]\n    environment: {CREWAI_STORAGE_DIR: /data}\n" + WORKER.format("")
            + "    volumes: [m:/data]\n    environment: {CREWAI_STORAGE_DIR: /data}\nvolumes:\n  m:\n", app__tasks_dot_py=TASKS)),
        Example("a shell to look around runs nothing", _trees.service(
            API + "    volumes: [m:/data]\n    environment: {CREWAI_STORAGE_DIR: /data}\n  shell:\n    build: .\n    command: bash\n    tty: true\n"
            "volumes:\n  m:\n")),
        Example("the API only queues, the worker runs the crew", _trees.service(
            API + WORKER.format(""), app__tasks_dot_py=TASKS,
            app__main_dot_py='from fastapi import FastAPI\n\nfrom app.tasks import research\n\napp = FastAPI()\n\n\n'
                             '@app.post("/chat")\ndef chat(topic: str):\n    research.delay(topic)\n')),
    ),
    premise=("crewai_core/paths.py:13-26 of 1.15.30: the default path is below each container's own HOME",),
)
