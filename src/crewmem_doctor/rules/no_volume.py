"""CM201 · a service runs a memory that writes to its own disk, and nothing is mounted

## Why
CrewAI writes memory to a directory, by default `~/.local/share/<name of the working directory>`. A container that mounts
nothing keeps that directory in its own writable layer. The layer is thrown away whenever the container is made anew:
`docker compose up` after a build, a new image, an update of the host. Nothing fails; the crew has just forgotten.

## Example
```yaml
services:
  api:
    build: .            # memory lands in /root/.local/share/app, inside the layer
```

## Fix
Mount a named volume and put the store on it with an absolute `CREWAI_STORAGE_DIR`:
```yaml
services:
  api:
    build: .
    environment:
      CREWAI_STORAGE_DIR: /data
    volumes:
      - memory:/data
volumes:
  memory:
```

## When this is not a problem
Where what is remembered may be forgotten with each release, e.g. a batch job whose memory serves one run only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change, Refusal
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._baked import baked
from crewmem_doctor.rules._common import by_service, evidence_of, graded, on_disk, places_of, several, unique
from crewmem_doctor.rules._platforms import BY_HAND, by_hand
from crewmem_doctor.rules._volumes import HIDES, caveat_of, disk, mounting, onto_volume
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    lost = ((run, p) for run, p in on_disk(project)
            if p.in_layer and not run.service.mounts and not p.temporary and run.service.durable_disk
            and baked(project, run, p) is None)
    for service, pairs in by_service(lost):
        severity, confidence = graded(RULE.severity, (run for run, _ in pairs))
        places = places_of(pairs)
        how = "compose up after a build" if service.platform == "compose" else "deploy"
        yield RULE.finding(
            service.at, f"{service.id} keeps memory in the container's own layer at {several(places)}: "
                        f"the next {how} starts without it. Nothing is mounted in this service",
            subject=service.id, evidence=places[0], severity=severity, confidence=confidence,
            because=unique(step for run, p in pairs for step in evidence_of(run, p)), fix=replace(
                volume_fix(service), changes=_changes(project, service, pairs), caveat=caveat_of(service)))


def _changes(project: Project, service: Service, pairs: list[tuple[Run, Placement]]) -> tuple[Change, ...]:
    if service.platform in BY_HAND:
        return by_hand(project, service, [run.memory for run, _ in pairs])
    return onto_volume(project, service, pairs) or (Refusal(HIDES),)


def volume_fix(service: Service) -> Fix:
    if service.platform == "dockerfile":
        title = "Run the image with a volume and an absolute CREWAI_STORAGE_DIR"
    else:
        title = f"Mount {disk(service.platform)} in {service.name} and put the store on it with an absolute CREWAI_STORAGE_DIR"
    return Fix(title, mounting(service, "/data", storage_dir=True))


RULE = Rule(
    id="CM201", severity="error", check=check,
    summary="a service runs a path-stored memory and has no mount at all",
    bad=(
        Example("compose without volumes", _trees.service("services:\n  api:  # <-- here\n    build: .\n")),
        Example("only the database has a volume", _trees.service(
            "services:\n  web:  # <-- here\n    build: .\n    depends_on: [db]\n  db:\n    image: postgres:16\n"
            "    volumes: [pg:/var/lib/postgresql/data]\nvolumes:\n  pg:\n")),
        Example("an image that nothing deploys", _trees.service(
            Dockerfile=_trees.DOCKERFILE.replace('"0.0.0.0"]', '"0.0.0.0"]  # <-- here'))),
    ),
    good=(
        Example("a volume over the store", _trees.service(
            "services:\n  api:\n    build: .\n    environment:\n      CREWAI_STORAGE_DIR: /data\n    volumes: [m:/data]\nvolumes:\n  m:\n")),
        Example("no memory is on", _trees.service("services:\n  api:\n    build: .\n",
                                                  app__crew_dot_py=_trees.CREW.replace(", memory=True", ""))),
        Example("another service of the same file", _trees.service(
            "services:\n  proxy:\n    image: nginx:alpine\n  api:\n    build: .\n    volumes: [m:/root/.local/share/app]\nvolumes:\n  m:\n")),
    ),
    premise=("crewai_core/paths.py:13-26 of 1.15.30: the default directory; ran on 1.15.30, 1.9.3 and 0.203.2",),
)
