"""CM205 · the platform gives this service no disk that lasts

## Why
A dyno, a function, a serverless container starts from its image and ends with its files: at the next deploy, at the daily
restart, when nobody has asked for a while. Whatever path memory is given, `/tmp` or another, nothing under it outlives the
instance. It works in every test, because tests end before the instance does.

## Example
```
web: uvicorn app.main:app        # Procfile: memory lands in /app/.local/share/app of a dyno that lives for a day
```

## Fix
Where the platform offers a disk, mount it over the store and set `CREWAI_STORAGE_DIR` to it (Fly `[mounts]`, Render `disk`,
Railway and Modal volumes). Elsewhere keep the records in a server, with a class to copy
from the recipes. From 1.10 on: [postgres_storage](recipes/postgres_storage.md) or
[redis_storage](recipes/redis_storage.md); 0.117 to 1.9.3: [postgres_external_storage](recipes/postgres_external_storage.md); a
flow's state: [postgres_flow_persistence](recipes/postgres_flow_persistence.md).

## When this is not a problem
Where what is remembered only serves one run. Volumes that live in a dashboard (Railway's, Dokku's) cannot be seen in the
tree, so the finding is a warning there; if the volume exists and covers the path, suppress it with that reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Finding, Fix, Severity
from crewmem_doctor.model.known import Confidence
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.model.release import Release
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import by_service, evidence_of, graded, on_disk, places_of, several, unique
from crewmem_doctor.rules._platforms import by_hand
from crewmem_doctor.rules._remedies import on_server
from crewmem_doctor.rules._shared import in_a_server
from crewmem_doctor.rules._volumes import FRESH, onto_volume
from crewmem_doctor.rules.base import Example, Rule

# Platforms whose files declare a disk.
DECLARED = ("fly", "render")
# Where nothing says that it is deployed, only that it could be.
GUESSED = ("streamlit",)
MOUNTS = {
    "fly": ("Mount a volume and put the store on it",
            '[env]\n  CREWAI_STORAGE_DIR = "/data"\n[mounts]\n  source = "crew_memory"\n  destination = "/data"'),
    "render": ("Give the service a disk and put the store on it",
               "disk:\n  name: crew-memory\n  mountPath: /data\nenvVars:\n  - key: CREWAI_STORAGE_DIR\n    value: /data"),
    "railway": ("Attach a volume in Railway's dashboard and set CREWAI_STORAGE_DIR to its mount path", "CREWAI_STORAGE_DIR=/data"),
    "modal": ("Mount a modal.Volume, put the store on it and commit it after each run",
              '@app.function(volumes={"/data": modal.Volume.from_name("crew-memory", create_if_missing=True)})'),
    "huggingface": ("Buy persistent storage for the Space and put the store on it", "CREWAI_STORAGE_DIR=/data"),
}


def check(project: Project) -> Iterator[Finding]:
    lost = ((run, p) for run, p in on_disk(project) if not run.service.durable_disk and _vanishes(p))
    for service, pairs in by_service(lost):
        severity, confidence = _graded(service, [run for run, _ in pairs])
        places = places_of(pairs)
        unseen = f", unless there is a disk that the tree does not show: {service.hidden_mounts}" if service.hidden_mounts else ""
        why = service.ephemeral_because or "its file system ends with the instance"
        yield RULE.finding(
            service.at, f"{service.id} writes memory to {several(places)}, and {why}{unseen}",
            subject=service.id, evidence=places[0], severity=severity, confidence=confidence,
            because=unique(step for run, p in pairs for step in evidence_of(run, p)), fix=replace(
                _fix(service, pairs[0][0], project.release), caveat=FRESH if service.platform in DECLARED else "",
                changes=_changes(project, service, pairs)))


def _vanishes(placement: Placement) -> bool:
    """CM203 speaks about a mount that does not last, but for the temporary directories that everyone has."""
    mount = placement.mount
    if mount is None:
        return not placement.maybe
    return not mount.durable and placement.temporary


def _graded(service: Service, runs: list[Run]) -> tuple[Severity, Confidence]:
    severity, confidence = graded(RULE.severity, runs)
    if service.platform in GUESSED:
        return "note", "medium"
    if service.hidden_mounts and severity == "error":
        return "warning", "medium"
    return severity, confidence


def _fix(service: Service, run: Run, release: Release) -> Fix:
    if service.platform in MOUNTS:
        return Fix(*MOUNTS[service.platform])
    return on_server(run.memory, release, ", since this platform has no disk for them")


def _changes(project: Project, service: Service, pairs: list[tuple[Run, Placement]]) -> tuple[Change, ...]:
    memories = [run.memory for run, _ in pairs]
    if service.platform not in DECLARED:
        return by_hand(project, service, memories)
    return onto_volume(project, service, pairs) or in_a_server(project, memories, "the place is set where no disk can be mounted over it")


RULE = Rule(
    id="CM205", severity="error", check=check,
    summary="the platform has no durable disk for the path that memory is written to",
    bad=(
        Example("a dyno", _trees.native("web: uvicorn app.main:app  # <-- here\n")),
        Example("a temporary directory of a dyno", _trees.native(
            "web: uvicorn app.main:app  # <-- here\n",
            app__crew_dot_py='import os\n\nos.environ["CREWAI_STORAGE_DIR"] = "/tmp/crewai"\n\n' + _trees.CREW)),
        Example("Fly without a volume", _trees.service(fly_dot_toml='app = "crew"  # <-- here\n[http_service]\ninternal_port = 8000\n')),
    ),
    good=(
        Example("the volume is mounted", _trees.service(
            fly_dot_toml='app = "crew"\n[env]\nCREWAI_STORAGE_DIR = "/data"\n[mounts]\nsource = "m"\ndestination = "/data"\n')),
        Example("no memory is on", _trees.native("web: uvicorn app.main:app\n",
                                                 app__crew_dot_py=_trees.CREW.replace(", memory=True", ""))),
        Example("a container on a host of one's own", _trees.service("services:\n  api:\n    build: .\n")),
    ),
    premise=("https://devcenter.heroku.com/articles/dynos#ephemeral-filesystem", "https://fly.io/docs/volumes/overview/",
             "https://cloud.google.com/run/docs/container-contract#filesystem"),
)
