"""CM204 · memory is written to a place that cannot be written

## Why
A read-only root file system, a mount with `:ro`, or a user without a home directory leave CrewAI no place to write. Up to
1.9 saves fail and are printed; from 1.10 a background save fails without a word; building a Crew raises
`unable to open database file`. From 1.9.3 on even `import crewai` fails where HOME cannot be written, whatever
CREWAI_STORAGE_DIR says, because it creates `$HOME/.local/share/crewai` at import.

## Example
```yaml
services:
  api:
    read_only: true               # and no mount over /root/.local/share/app
```

## Fix
Mount a writable volume over the store, and give the user a HOME that can be written.

## When this is not a problem
Where memory is meant to be read only and is filled elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes import Change, Refusal
from crewmem_doctor.model.changes.deployment import AllowWriting, GiveHome, MountVolume, OwnDirectory, SetVariable
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement, covering
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import evidence_of, graded, on_disk, unique
from crewmem_doctor.rules._shared import in_a_server
from crewmem_doctor.rules._volumes import DECLARED, caveat_of, mounting, onto_volume, relocated
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.writable import import_blocked, store_blocked, unwritable


def check(project: Project) -> Iterator[Finding]:
    seen: set[tuple[int, str]] = set()
    for run, p in on_disk(project):
        blocked = unwritable(run, p, project.release)
        if blocked is None or (id(run.service), blocked[0]) in seen or _has_no_disk(run, p):
            continue
        why, at, sure = blocked
        seen.add((id(run.service), why))
        severity, confidence = graded(RULE.severity if sure == "high" else "warning", [run])
        stops = import_blocked(run, project.release) is not None
        message = f"{run.service.id} cannot write memory to {p.display}: {why}"
        yield RULE.finding(
            at if at is not None and any(at == mount.at for mount in run.service.mounts) else run.service.at,
            f"{message}. On this release `import crewai` itself fails without a writable HOME" if stops else message,
            subject=run.service.id, evidence=p.display, severity=severity,
            confidence="medium" if sure != "high" else confidence,
            because=unique([*evidence_of(run, p), *([Step(at, why)] if at is not None else [])]),
            fix=Fix("Mount a writable volume there, owned by the user that the service runs as",
                    mounting(run.service, "/data", storage_dir=True, home=True),
                    caveat="" if p.mount is not None else caveat_of(run.service), changes=_changes(project, run, p)))


def _changes(project: Project, run: Run, placement: Placement) -> tuple[Change, ...]:
    """By what stands in the way: a read-only mount, a directory that is not the user's, no home, a read-only root."""
    service, mount, user = run.service, placement.mount, run.service.user
    if store_blocked(run, placement) is None:
        elsewhere = user.at is None or user.at.path != service.dockerfile
        if (_closed(service) or elsewhere) and mount is not None and mount.durable:
            return (SetVariable(service, "HOME", mount.target),)
        return (GiveHome(service),) if not elsewhere else (Refusal(f"give {user.name} a home directory that it can write to"),)
    if mount is not None and mount.read_only and mount.kind in ("named", "bind", "pvc", "disk"):
        return (AllowWriting(service, mount),)
    if mount is not None and not mount.read_only:
        return (OwnDirectory(service, mount.target),)
    if mount is None and not _closed(service) and isinstance(user.home, Known) and _below(placement, user.home.value):
        return (GiveHome(service),)
    if service.platform == "systemd" and placement.set_at is not None and not placement.set_at.path.endswith(".py"):
        return relocated(placement.set_at, [service])
    if service.platform in DECLARED:
        volume = onto_volume(project, service, [(run, placement)])
        home = next((c.target for c in volume if isinstance(c, MountVolume)), "")
        return (*volume, SetVariable(service, "HOME", home)) if home and _closed(service) and not _writable_home(service) else volume
    return in_a_server(project, [run.memory], "its files cannot say that a disk is mounted")


def _closed(service: Service) -> bool:
    return service.read_only_root is not None and service.read_only_root.value


def _below(placement: Placement, home: str) -> bool:
    return isinstance(placement.path, Known) and placement.path.value.startswith(f"{home.rstrip('/')}/")


def _writable_home(service: Service) -> bool:
    home = service.user.home
    mount = covering(service.mounts, f"{home.value}/.local/share/crewai") if isinstance(home, Known) else None
    return mount is not None and not mount.read_only


def _has_no_disk(run: Run, placement: Placement) -> bool:
    """Whether the platform itself gives the service no disk but for temporary files: CM205 speaks."""
    service = run.service
    return placement.mount is None and not service.durable_disk and bool(service.writable)


FUNCTION = "service: crew\nprovider: {name: aws, runtime: python3.12}\nfunctions:\n  chat:\n    handler: app/main.chat\n"
RULE = Rule(
    id="CM204", severity="error", check=check,
    summary="the store, HOME or the temp dir of a service that runs a memory cannot be written",
    bad=(
        Example("read-only root", _trees.service("services:\n  api:  # <-- here\n    build: .\n    read_only: true\n    tmpfs: [/tmp]\n")),
        Example("read-only mount", _trees.service(
            "services:\n  api:\n    build: .\n    volumes:\n      - m:/root/.local/share/app:ro  # <-- here\nvolumes:\n  m:\n")),
        Example("a volume for the store, and a HOME that cannot be written", _trees.service(
            "services:\n  api:  # <-- here\n    build: .\n    read_only: true\n    environment: {CREWAI_STORAGE_DIR: /data}\n"
            "    volumes: [m:/data]\nvolumes:\n  m:\n"), severity="warning"),
        Example("a volume inside a home, where only root can make the mount point", _trees.service(
            "services:\n  api:\n    build: .\n    volumes:\n      - m:/home/bot/.local/share  # <-- here\nvolumes:\n  m:\n",
            Dockerfile=_trees.DOCKERFILE.replace("COPY", "RUN useradd -m bot\nUSER bot\nCOPY")), severity="warning"),
        Example("a user without a home", _trees.service(
            "services:\n  api:  # <-- here\n    build: .\n    volumes: ['./logs:/logs']\n",
            Dockerfile=_trees.DOCKERFILE.replace("COPY", "RUN useradd --no-create-home bot\nUSER bot\nCOPY")), severity="error"),
    ),
    good=(
        Example("a function, which has no disk that lasts", _trees.native("", serverless_dot_yml=FUNCTION)),
        Example("read-only root and a volume", _trees.service(
            "services:\n  api:\n    build: .\n    read_only: true\n    volumes: [m:/root/.local]\nvolumes:\n  m:\n")),
        Example("read-only root, with the store and HOME on volumes", _trees.service(
            "services:\n  api:\n    build: .\n    read_only: true\n    environment: {CREWAI_STORAGE_DIR: /data}\n    tmpfs: [/root]\n"
            "    volumes: [m:/data]\nvolumes:\n  m:\n")),
        Example("a volume over a directory that the image made for the user", _trees.service(
            "services:\n  api:\n    build: .\n    volumes: [m:/home/bot/.local/share]\nvolumes:\n  m:\n",
            Dockerfile=_trees.DOCKERFILE.replace(
                "COPY", "RUN useradd -m bot\nUSER bot\nRUN mkdir -p /home/bot/.local/share\nCOPY"))),
        Example("a user with a home", _trees.service(
            "services:\n  api:\n    build: .\n", Dockerfile=_trees.DOCKERFILE.replace("COPY", "RUN useradd -m bot\nUSER bot\nCOPY"))),
    ),
    premise=("ran 1.15.17 and 1.9.3 with a read-only HOME: import fails in crewai_core/token_manager.py:97",
             "ran 0.130.0 to 1.15.30 with an unwritable CREWAI_STORAGE_DIR: DatabaseOperationError at construction"),
)
