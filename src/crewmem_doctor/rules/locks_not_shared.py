"""CM304 · several containers write one store, and each takes a lock of its own

## Why
From 1.11 on CrewAI guards writes with a file in the temporary directory. Two containers that share the store's volume do not
share `/tmp`, so each holds a lock that the other never sees. Plain saves survived that when it was tried (100 of 100); updates,
deletes and the compaction that rewrites a table rest on the lock alone. With `REDIS_URL` set and the `redis` package installed
the lock is in Redis instead, and holds for all.

## Example
```yaml
services:
  api:    {build: ., volumes: ["memory:/data"], environment: {CREWAI_STORAGE_DIR: /data}}
  worker: {build: ., volumes: ["memory:/data"], environment: {CREWAI_STORAGE_DIR: /data}, command: celery -A app.tasks worker}
```

## Fix
Set `REDIS_URL` in all of them and require `redis`; or call `set_lock_backend`; or let one container do the writing. The whole of it is
in [one_host](recipes/one_host.md).

## When this is not a problem
Where only one of the containers ever writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.deployment import VOLUME, AddRequirement
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import evidence_of, graded, unique
from crewmem_doctor.rules._locks import Writers, meant, without_address, without_package, writers
from crewmem_doctor.rules._shared import asked_in, lock_again, one_lock
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    for group in writers(project):
        # With an address everywhere, what is missing is the package: CM605.
        if without_address(project, group) or (without_package(project, group) and not meant(group)):
            yield _finding(project, group)


def _finding(project: Project, group: Writers) -> Finding:
    pairs, services = group.pairs, group.services
    severity, confidence = graded(RULE.severity, (run for run, _ in pairs))
    at = services[1].at if len(services) > 1 else group.replicated[0].at
    who = " and ".join(s.id for s in services) if len(services) > 1 else f"the replicas of {group.replicated[0].id}"
    return RULE.finding(
        at, f"{who} write to one store ({pairs[0][1].display}), but CrewAI's write lock lies in each container's own /tmp",
        subject=services[-1].id, evidence=f"{' '.join(s.id for s in services)} {pairs[0][1].display}", severity=severity,
        confidence=confidence,
        because=unique([*(Step(s.at, "writes to the store") for s in services), *(step for pair in pairs for step in evidence_of(*pair))]),
        fix=Fix("Set REDIS_URL in all of them and require redis, so that the lock is one for all",
                "environment:\n  REDIS_URL: redis://redis:6379/0      # and `redis` in the requirements",
                caveat=_caveat(project, services), changes=_changes(project, group)))


def _changes(project: Project, group: Writers) -> tuple[Change, ...]:
    unset = [s for s in group.services if any(run.around.variable("REDIS_URL") is None for run in group.runs(s))]
    lacking = without_package(project, group)
    return (*one_lock(project, unset), *(AddRequirement(at, "redis") for at in (asked_in(project, lacking) if lacking else ())))


def _caveat(project: Project, services: Iterable[Service]) -> str:
    """What the edit leaves to people."""
    parts = ["One Redis must be reachable from all of them: where none answers, a save waits two minutes and fails."]
    if any(s.platform == "kubernetes" for s in services):
        parts.append(f"The pods wait until there is a secret {VOLUME} with the key REDIS_URL.")
    return " ".join([*parts, lock_again(project)]).strip()


TASKS = '''from celery import Celery

from app.crew import build_crew

celery = Celery("app")


@celery.task
def research(topic: str):
    return str(build_crew(topic).kickoff())
'''
SHARED = "    volumes: ['m:/data']\n    environment:\n      CREWAI_STORAGE_DIR: /data\n"
API = "services:\n  api:\n    build: .\n" + SHARED
WORKER = "  worker:{}\n    build: .\n    command: celery -A app.tasks worker -c 1\n" + SHARED
END = "volumes:\n  m:\n"
IN_REDIS = "      REDIS_URL: redis://redis:6379/0\n"
NEEDS = "crewai==1.15.30\nfastapi\nuvicorn\ncelery[redis]\n"
RULE = Rule(
    id="CM304", severity="warning", check=check,
    summary="several containers share the store's volume, and CrewAI's write lock lies in each one's own temporary directory",
    bad=(
        Example("an API and a worker over one volume", _trees.service(API + WORKER.format("  # <-- here") + END, app__tasks_dot_py=TASKS)),
        Example("three replicas over one volume", _trees.service(
            "services:\n  api:  # <-- here\n    build: .\n    deploy: {replicas: 3}\n" + SHARED + END)),
        Example("the lock is in Redis for one of them", _trees.service(
            API + IN_REDIS + WORKER.format("  # <-- here") + END, app__tasks_dot_py=TASKS, requirements_dot_txt=NEEDS)),
        Example("replicas on Kubernetes", {k: v.replace("name: api}\n", "name: api}  # <-- here\n", 1) for k, v in _trees.deployed(
            "nfs: {server: 10.0.0.2, path: /export}", replicas=2).items()}),
    ),
    good=(
        Example("the lock is in Redis", _trees.service(
            API + IN_REDIS + WORKER.format("") + IN_REDIS + END, app__tasks_dot_py=TASKS, requirements_dot_txt=NEEDS)),
        Example("REDIS_URL without the package is CM605", _trees.service(
            API + IN_REDIS + WORKER.format("") + IN_REDIS + END, app__tasks_dot_py=TASKS)),
        Example("an env_file that is not in the tree may give the address", _trees.service(
            (API + WORKER.format("")).replace("    environment:\n", "    env_file: .env\n    environment:\n") + END,
            app__tasks_dot_py=TASKS, requirements_dot_txt=NEEDS)),
        Example("one container", _trees.service(API + END)),
        Example("the other container runs no memory", _trees.service(
            API + "  backup:\n    image: restic/restic\n    volumes: ['m:/data:ro']\n" + END)),
        Example("a release that locks beside the data", _trees.service(
            API + WORKER.format("") + END, app__tasks_dot_py=TASKS, requirements_dot_txt="crewai==1.10.1\nfastapi\nuvicorn\n")),
        Example("one volume for temporary files, too", _trees.service(
            (API + WORKER.format("")).replace("['m:/data']", "['m:/data', 't:/tmp']") + END + "  t:\n", app__tasks_dot_py=TASKS)),
    ),
    premise=("1.15.30 crewai_core/lock_store.py:78-123, 1.11.0 utilities/lock_store.py:28", "ran 1.15.30: 100 of 100 saves kept with locks apart"),
)
