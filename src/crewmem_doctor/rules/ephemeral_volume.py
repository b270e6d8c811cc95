"""CM203 · what is mounted over the store does not outlive the container

## Why
A tmpfs is RAM: it is empty after every stop. An emptyDir ends with its pod. An anonymous volume (a target without a
source, or a Dockerfile's VOLUME that nothing mounts over) belongs to one container and is replaced with it.

## Example
```yaml
services:
  api:
    environment: {CREWAI_STORAGE_DIR: /data}
    volumes: [/data]              # no name: a new volume for each new container
```

## Fix
Give the volume a name and declare it at the top level.

## When this is not a problem
Where memory is wanted for the life of one container only.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes.deployment import ReplaceMount
from crewmem_doctor.model.deployment import Mount
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import evidence_of, graded, on_disk, several, unique
from crewmem_doctor.rules._volumes import caveat_of, disk, mounting
from crewmem_doctor.rules.base import Example, Rule

LIVES = {"tmpfs": "is a tmpfs: it is RAM, empty after every stop", "emptydir": "is an emptyDir: it ends with the pod",
         "anonymous": "is an anonymous volume: a new container gets a new one"}


def check(project: Project) -> Iterator[Finding]:
    groups: dict[tuple[int, str], tuple[Mount, list[tuple[Run, Placement]]]] = {}
    for run, p in on_disk(project):
        # What cannot be written at all loses nothing there: CM204.
        if p.mount is not None and not p.mount.durable and not p.mount.read_only and not p.temporary:
            groups.setdefault((id(run.service), p.mount.target), (p.mount, []))[1].append((run, p))
    for mount, pairs in groups.values():
        service = pairs[0][0].service
        severity, confidence = graded(RULE.severity, (run for run, _ in pairs))
        places = several(dict.fromkeys(p.display for _, p in pairs))
        yield RULE.finding(
            mount.at, f"memory of {service.id} is written to {places}, and {mount.target} {LIVES.get(mount.kind, 'does not outlive the container')}",
            subject=service.id, evidence=mount.target, severity=severity, confidence=confidence,
            because=unique(step for run, p in pairs for step in evidence_of(run, p)),
            fix=Fix(f"Mount {disk(service.platform)} at {mount.target} instead", mounting(service, mount.target),
                    caveat=caveat_of(service), changes=(ReplaceMount(service, mount),)))


ON_DATA = "    environment:\n      CREWAI_STORAGE_DIR: /data\n"
RULE = Rule(
    id="CM203", severity="error", check=check,
    summary="what covers the store is a tmpfs, an emptyDir, an ephemeral or an anonymous volume",
    bad=(
        Example("tmpfs", _trees.service(f"services:\n  api:\n    build: .\n{ON_DATA}    tmpfs:\n      - /data  # <-- here\n")),
        Example("anonymous volume", _trees.service(
            f"services:\n  api:\n    build: .\n{ON_DATA}    volumes:\n      - /data  # <-- here\n")),
        Example("a Dockerfile's VOLUME that nothing mounts over", _trees.service(
            f"services:\n  api:\n    build: .\n{ON_DATA}",
            Dockerfile=_trees.DOCKERFILE.replace("CMD", "VOLUME /data  # <-- here\nCMD").replace("  # <-- here", " # <-- here"))),
    ),
    good=(
        Example("a named volume inside a tmpfs", _trees.service(
            f"services:\n  api:\n    build: .\n{ON_DATA}    tmpfs: [/tmp]\n    volumes: [m:/data]\nvolumes:\n  m:\n")),
        Example("nothing can be written there at all", {
            "bot.service": "[Service]\nUser=bot\nProtectHome=tmpfs\nWorkingDirectory=/opt/bot\n"
                           "ExecStart=/opt/bot/.venv/bin/uvicorn app.main:app\n",
            **{k: v for k, v in _trees.service("").items() if k.endswith((".py", ".txt"))}}),
        Example("the tmpfs is elsewhere", _trees.service(
            f"services:\n  api:\n    build: .\n{ON_DATA}    tmpfs: [/run]\n    volumes: ['./data:/data']\n")),
    ),
    premise=("Compose specification, volumes and tmpfs", "docker volume: anonymous volumes belong to their container"),
)
