"""CM302 · several replicas, and a store that each replica has for itself

## Why
A replica's own layer, an emptyDir, an anonymous volume or a volume per machine belongs to that replica alone. A user whose
next request is served by another replica meets a crew that has never heard of them. CrewAI has no built-in store that is
shared over the network: `REDIS_URL` only moves a lock, and `CREWAI_MEMORY_BACKEND` is read by no release.

## Example
```yaml
services:
  api:
    build: .
    deploy:
      replicas: 3                 # each one writes to its own /root/.local/share/app
```

## Fix
On one host, one named volume under all replicas ([one_host](recipes/one_host.md)). Across hosts a single replica, or a server,
with a class to copy from the recipes. From 1.10 on: [postgres_storage](recipes/postgres_storage.md) or
[redis_storage](recipes/redis_storage.md); 0.117 to 1.9.3: [postgres_external_storage](recipes/postgres_external_storage.md); a
flow's state: [postgres_flow_persistence](recipes/postgres_flow_persistence.md).

## When this is not a problem
Where a load balancer pins each user to one replica for as long as the memory matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.deployment import ReplaceMount
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.model.release import Release
from crewmem_doctor.placement import Placement, is_url
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import by_service, evidence_of, graded, placements, several, unique
from crewmem_doctor.rules._remedies import on_server
from crewmem_doctor.rules._shared import in_a_server
from crewmem_doctor.rules._volumes import caveat_of, mounting, onto_volume
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import own_disk, survival
from crewmem_doctor.writable import store_blocked


def check(project: Project) -> Iterator[Finding]:
    split = ((run, p) for run, p in placements(project)
             if own_disk(run, p).word == survival(run, project.release)["replica"].word == "lost" and not is_url(run.memory.store.where)
             and store_blocked(run, p) is None)
    for service, pairs in by_service(split):
        severity, confidence = graded(RULE.severity, (run for run, _ in pairs))
        reasons = several(dict.fromkeys(survival(run, project.release)["replica"].why for run, _ in pairs))
        reasons = reasons.replace("it lives in", "what is remembered lives in", 1)
        count = service.replicas.value if isinstance(service.replicas, Known) else "several"
        yield RULE.finding(
            service.replicas_at or service.at,
            f"{service.id} {'may run up to' if service.replicas_most else 'runs'} {count} replicas, and {reasons}: what one learns the others do not know",
            subject=service.id, evidence="|".join(sorted({_identity(run, p) for run, p in pairs})), severity=severity,
            confidence=confidence, because=unique(step for run, p in pairs for step in evidence_of(run, p)),
            fix=replace(_fix(service, pairs[0][0], project.release), caveat=caveat_of(service), changes=_changes(project, service, pairs)))


def _fix(service: Service, run: Run, release: Release) -> Fix:
    if service.platform == "compose" and not service.orchestrated and run.memory.store.kind != "process":
        return Fix("Put one named volume under all replicas", mounting(service, "/data", storage_dir=True))
    return on_server(run.memory, release, ", or run one replica")


def _changes(project: Project, service: Service, pairs: list[tuple[Run, Placement]]) -> tuple[Change, ...]:
    """One volume for all, where one replica's place can become one; else nothing but a server helps."""
    memories = [run.memory for run, _ in pairs]
    if service.platform in ("compose", "kubernetes"):
        mounts = list(dict.fromkeys(p.mount for _, p in pairs))
        if mounts == [None]:
            return onto_volume(project, service, pairs) or in_a_server(project, memories, "a volume would hide what else lies there")
        if all(mount is not None and not mount.durable for mount in mounts):
            return tuple(ReplaceMount(service, mount) for mount in mounts if mount is not None)
    return in_a_server(project, memories, "each replica has a disk of its own there")


def _identity(run: Run, placement: Placement) -> str:
    return placement.display if placement.kind == "path" else run.memory.subject


THREE = "    deploy:\n      replicas: 3{}\n"
RULE = Rule(
    id="CM302", severity="error", check=check,
    summary="more than one replica over a store that each replica has for itself",
    bad=(
        Example("each replica's own layer", _trees.service("services:\n  api:\n    build: .\n" + THREE.format("  # <-- here"))),
        Example("a tmpfs for each container", _trees.service(
            "services:\n  api:\n    build: .\n    scale: 2  # <-- here\n    environment: {CREWAI_STORAGE_DIR: /data}\n    tmpfs: /data\n")),
    ),
    good=(
        Example("one named volume under all of them", _trees.service(
            "services:\n  api:\n    build: .\n" + THREE.format("") + "    volumes: [m:/root/.local]\nvolumes:\n  m:\n")),
        Example("one replica", _trees.service("services:\n  api:\n    build: .\n    deploy: {replicas: 1}\n")),
        Example("the replicas run no memory", _trees.service(
            "services:\n  api:\n    build: .\n" + THREE.format(""), app__crew_dot_py=_trees.CREW.replace(", memory=True", ""))),
    ),
    premise=("Compose specification: deploy.replicas and scale make containers, each with its own layer",
             "no server backend ships with CrewAI up to 1.15.30 (61 wheels read)"),
)
