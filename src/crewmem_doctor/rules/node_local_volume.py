"""CM208 · the volume belongs to one machine, and the service may move to another

## Why
A hostPath, a `local` volume, a bind mount or a plain named volume is a directory of the machine that the container runs on.
A scheduler (Kubernetes, Swarm, Nomad) moves the container when the machine is drained, full or gone, and on the next one the
directory is empty. Nothing fails: the crew starts with a clean memory, and the old one waits on a machine nobody looks at.

## Example
```yaml
volumes:
  - name: memory
    hostPath: {path: /var/lib/crew, type: DirectoryOrCreate}
```

## Fix
A claim whose storage class attaches a network block device, or a constraint that keeps the service on that machine.

## When this is not a problem
A cluster of one machine, or a service that is pinned to its machine; the rule sees the constraints that Swarm knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.deployment import ReplaceMount
from crewmem_doctor.model.deployment import Mount, Service
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import evidence_of, graded, on_disk, several, unique
from crewmem_doctor.rules._shared import in_a_server
from crewmem_doctor.rules._volumes import caveat_of
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import survival
from crewmem_doctor.writable import store_blocked

LOCAL = {"hostpath": "a hostPath", "bind": "a bind mount", "named": "a local volume", "pvc": "a claim on a node's own disk",
         "claim-template": "a claim on a node's own disk"}


def check(project: Project) -> Iterator[Finding]:
    groups: dict[tuple[int, str], tuple[Mount, list[tuple[Run, Placement]]]] = {}
    for run, p in on_disk(project):
        local = p.mount is not None and p.mount.kind in LOCAL and p.mount.durable and not p.temporary
        local = local and store_blocked(run, p) is None
        if local and p.mount is not None and survival(run, project.release)["node"].word == "lost":
            groups.setdefault((id(run.service), p.mount.target), (p.mount, []))[1].append((run, p))
    for mount, pairs in groups.values():
        service = pairs[0][0].service
        severity, confidence = graded(RULE.severity, (run for run, _ in pairs))
        places = several(dict.fromkeys(p.display for _, p in pairs))
        yield RULE.finding(
            mount.at, f"{service.id} writes memory to {places}, and {mount.target} is {LOCAL[mount.kind]}: when the service "
                      f"moves to another machine it starts without it",
            subject=service.id, evidence=f"{mount.kind} {mount.target}", severity=severity, confidence=confidence,
            because=unique(step for run, p in pairs for step in evidence_of(run, p)),
            fix=Fix("Use a volume that follows the service, or pin the service to the machine", _snippet(service.platform),
                    caveat=caveat_of(service), changes=_changes(project, service, mount, pairs)))


def _changes(project: Project, service: Service, mount: Mount, pairs: list[tuple[Run, Placement]]) -> tuple[Change, ...]:
    if service.platform == "kubernetes" and mount.kind == "hostpath":
        return (ReplaceMount(service, mount),)
    return in_a_server(project, [run.memory for run, _ in pairs], "a volume that follows the service is made by the cluster's own driver")


def _snippet(platform: str) -> str:
    if platform == "compose":
        return "deploy:\n  placement:\n    constraints: [node.hostname == worker-1]"
    return "volumes:\n  - name: memory\n    persistentVolumeClaim: {claimName: crew-memory}"


SWARM = "services:\n  api:\n    build: .\n    environment: {CREWAI_STORAGE_DIR: /data}\n    deploy:\n      placement: {preferences: [{spread: node.id}]}\n"
RULE = Rule(
    id="CM208", severity="warning", check=check,
    summary="a hostPath, local volume or bind mount holds memory of a service that an orchestrator may move",
    bad=(
        Example("a bind mount in a swarm", _trees.service(SWARM + "    volumes:\n      - /srv/crew:/data  # <-- here\n")),
        Example("a local volume in a swarm", _trees.service(SWARM + "    volumes:\n      - m:/data  # <-- here\nvolumes:\n  m:\n")),
        Example("a hostPath", _trees.deployed("hostPath: {path: /var/lib/crew}", at_mount="  # <-- here")),
    ),
    good=(
        Example("a claim of the cluster", _trees.deployed("persistentVolumeClaim: {claimName: crew}")),
        Example("one host", _trees.service(
            "services:\n  api:\n    build: .\n    environment: {CREWAI_STORAGE_DIR: /data}\n    volumes: ['/srv/crew:/data']\n")),
        Example("pinned to its machine", _trees.service(
            SWARM.replace("preferences: [{spread: node.id}]", "constraints: ['node.hostname == one']") + "    volumes: ['/srv/crew:/data']\n")),
        Example("a volume plugin that attaches anywhere", _trees.service(
            SWARM + "    volumes: ['m:/data']\nvolumes:\n  m: {driver: rexray/ebs}\n")),
    ),
    premise=("https://kubernetes.io/docs/concepts/storage/volumes/#hostpath", "Docker: a local volume is created on the node that runs the task"),
)
