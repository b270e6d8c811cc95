"""CM202 · a service has mounts, and none of them covers the place where memory is written

## Why
CrewAI's default directory is `~/.local/share/<name of the working directory>`, which is almost never below the mounts that
a service has: `.:/app`, `./logs`, `/data`. "It has a volume" says nothing; the volume must cover the effective path. Two
paths in CrewAI's own documentation are wrong as well: on Linux nothing is kept in `~/.local/share/CrewAI`, and nothing in
`./.crewai`.

## Example
```yaml
services:
  api:
    working_dir: /app
    volumes: [memory:/data]       # the records land in /root/.local/share/app
```

## Fix
Set `CREWAI_STORAGE_DIR` to an absolute path on the volume, or mount the volume over the effective path.

## When this is not a problem
Where what is remembered may be forgotten with each release.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.deployment import ReplaceSetting, SetVariable
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._baked import baked
from crewmem_doctor.rules._common import by_service, evidence_of, graded, on_disk, places_of, several, unique
from crewmem_doctor.rules._volumes import STORAGE_DIR, caveat_of, disk, hides, lasting, mounted, mounting, onto_volume
from crewmem_doctor.rules.base import Example, Rule

MYTHS = {"/.local/share/CrewAI": "CrewAI's documentation names ~/.local/share/CrewAI, but on Linux nothing is kept there",
         "/.crewai": "CrewAI's documentation names ./.crewai, but no release keeps memory there"}


def check(project: Project) -> Iterator[Finding]:
    missed = ((run, p) for run, p in on_disk(project)
              if p.in_layer and run.service.mounts and not p.temporary and run.service.durable_disk
              and baked(project, run, p) is None)
    for service, pairs in by_service(missed):
        severity, confidence = graded(RULE.severity, (run for run, _ in pairs))
        places = places_of(pairs)
        targets = several(m.target for m in service.mounts)
        myth = next((f". {text}" for tail, text in MYTHS.items() if any(tail in m.target for m in service.mounts)), "")
        yield RULE.finding(
            service.at, f"no mount of {service.id} covers {several(places)}, where memory is written: the mounts cover "
                        f"{targets}{myth}. The next deploy starts without that memory",
            subject=service.id, evidence=places[0], severity=severity, confidence=confidence,
            because=unique([*(step for run, p in pairs for step in evidence_of(run, p)),
                            *(Step(m.at, f"covers {m.target} only") for m in service.mounts)]),
            fix=_fix(project, service, places[0], pairs))


def _fix(project: Project, service: Service, place: str, pairs: list[tuple[Run, Placement]]) -> Fix:
    """The volume that was meant for memory where there is one, else a new one; a user that is not root must own it."""
    folder = place.removesuffix("/memory")
    named = [m for m in service.mounts if m.kind == "named" and m.durable and not m.read_only and m.source]
    meant = next((m for m in named if any(tail in m.target for tail in MYTHS)), None)
    own = "" if service.user.root else f"# Dockerfile: RUN mkdir -p {folder} && chown {service.user.name} {folder}\n"
    one = len(places_of(pairs)) == 1 and not hides(service, folder)
    loose = all(p.set_at is None and run.memory.store.where is None for run, p in pairs)
    pinned = [SetVariable(service, STORAGE_DIR, folder)] if loose else []      # the same place, said aloud
    if meant is not None:
        return Fix(f"Mount {meant.source} in {service.name} over the directory that CrewAI really uses",
                   f"{own}volumes:\n  - {meant.source}:{folder}", caveat=caveat_of(service),
                   changes=(*pinned, *mounted(service, folder, meant.source, there=True)) if one else ())
    spare = lasting(service)
    if spare is not None and service.user.root:
        home = f"{spare.target.rstrip('/')}/crewai"
        return Fix(f"Put the store on the volume that {service.name} has", f"environment:\n  {STORAGE_DIR}: {home}", caveat=caveat_of(service),
                   changes=(SetVariable(service, STORAGE_DIR, home),) if loose else _moved(pairs, home))
    return Fix(f"Mount {disk(service.platform)} in {service.name} over the effective path", own + mounting(service, folder),
               caveat=caveat_of(service), changes=(*pinned, *mounted(service, folder)) if one else onto_volume(project, service, pairs))


def _moved(pairs: list[tuple[Run, Placement]], home: str) -> tuple[Change, ...]:
    """Another value for CREWAI_STORAGE_DIR, where the deployment sets it at one place."""
    places = {p.set_at for run, p in pairs if run.memory.store.where is None}
    at = places.pop() if len(places) == 1 and all(run.memory.store.where is None for run, _ in pairs) else None
    return (ReplaceSetting(at, STORAGE_DIR, home),) if at is not None and not at.path.endswith(".py") else ()


# The release puts these vectors below the working directory, and nothing of this crew at its own default place.
VECTORS = _trees.CREW.replace("from crewai import", "from crewai.memory import ShortTermMemory\n"
                              "from crewai.memory.storage.rag_storage import RAGStorage\nfrom crewai import", 1).replace(
    "memory=True", "short_term_memory=RECENT").replace(
        "\n\ndef build", '\nOLLAMA = {"provider": "ollama"}\n'
        'RECENT = ShortTermMemory(storage=RAGStorage(type="short_term", path="recall", embedder_config=OLLAMA))\n\n\ndef build', 1)
ON_1_9 = "crewai==1.9.3\nfastapi\nuvicorn\n"
RULE = Rule(
    id="CM202", severity="error", check=check,
    summary="a service has mounts, but none covers the effective path of the memory it runs",
    bad=(
        Example("a volume at /data without CREWAI_STORAGE_DIR", _trees.service(
            "services:\n  api:  # <-- here\n    build: .\n    volumes: [memory:/data]\nvolumes:\n  memory:\n")),
        Example("the sources are mounted, the store is not", _trees.service(
            "services:\n  backend:  # <-- here\n    build: .\n    volumes:\n      - .:/app\n      - ./logs:/app/logs\n")),
        Example("the documented path", _trees.service(
            "services:\n  api:  # <-- here\n    build: .\n    volumes:\n      - type: volume\n        source: m\n"
            "        target: /root/.local/share/CrewAI\nvolumes:\n  m:\n")),
        Example("vectors below the working directory, and a volume over the default place", _trees.service(
            "services:\n  api:  # <-- here\n    build: .\n    volumes: [m:/root/.local/share/app]\nvolumes:\n  m:\n",
            app__crew_dot_py=VECTORS, requirements_dot_txt=ON_1_9)),
        Example("a home of its own", _trees.service(
            "services:\n  api:  # <-- here\n    build: .\n    volumes: [m:/root/.local/share/app]\nvolumes:\n  m:\n",
            Dockerfile=_trees.DOCKERFILE.replace("COPY", "RUN useradd -m -d /home/bot bot\nUSER bot\nCOPY"))),
    ),
    good=(
        Example("the parent of the store is mounted", _trees.service(
            "services:\n  api:\n    build: .\n    volumes: [m:/root/.local]\nvolumes:\n  m:\n")),
        Example("a volume over vectors below the working directory", _trees.service(
            "services:\n  api:\n    build: .\n    volumes: [m:/app/recall]\nvolumes:\n  m:\n",
            app__crew_dot_py=VECTORS, requirements_dot_txt=ON_1_9)),
        Example("the home is set by the environment", _trees.service(
            "services:\n  api:\n    build: .\n    environment: [HOME=/data]\n    volumes: [m:/data]\nvolumes:\n  m:\n")),
        Example("the directory is set outside the tree", _trees.service(
            "services:\n  api:\n    build: .\n    environment:\n      CREWAI_STORAGE_DIR: ${STORE}\n    volumes: [m:/data]\nvolumes:\n  m:\n")),
    ),
    premise=("crewai_core/paths.py:13-26 of 1.15.30", "appdirs ignores the author on Linux, so ~/.local/share/CrewAI is never used"),
)
