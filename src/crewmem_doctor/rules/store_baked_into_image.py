"""CM209 · the image brings an old copy of the memory along

## Why
A crew ran once on somebody's machine, its database was left in the tree, and `COPY . .` puts it exactly where the service
writes. Every deploy then starts from that day's snapshot: the crew remembers somebody's experiments, and forgets everything
that users told it since. It looks like memory that works, until the second deploy.

## Example
```dockerfile
COPY . /app                      # with data/memory/memories.lance in the tree
ENV CREWAI_STORAGE_DIR=/app/data
```

## Fix
Take the database out of the tree (`git rm -r --cached`, `.gitignore`, `.dockerignore`) and mount a volume over its place.

## When this is not a problem
A memory that is filled once, at build time, and only read. A mount over the place silences the rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._baked import baked
from crewmem_doctor.rules._common import by_service, evidence_of, graded, on_disk, unique
from crewmem_doctor.rules._volumes import onto_volume
from crewmem_doctor.rules.base import Example, Rule

STAYS = "Take the database out of the tree, too. A new volume begins with what the image holds at that place."
Found = tuple[Run, Placement]


def check(project: Project) -> Iterator[Finding]:
    copies: dict[int, tuple[str, Location]] = {}
    pairs: list[Found] = []
    for run, placement in on_disk(project):
        found = baked(project, run, placement)
        if found is not None:
            copies.setdefault(id(run.service), found)
            pairs.append((run, placement))
    for service, group in by_service(pairs):
        store, copied = copies[id(service)]
        severity, confidence = graded(RULE.severity, (run for run, _ in group))
        yield RULE.finding(
            service.at, f"{store} lies in the tree and is copied to where {service.id} writes memory ({group[0][1].display}): "
                        f"each deploy starts from that copy and forgets what came since",
            subject=service.id, evidence=store, severity=severity, confidence=confidence,
            because=unique([Step(copied, f"copies {store}"), *(step for run, p in group for step in evidence_of(run, p))]),
            fix=Fix("Take the database out of the tree and mount a volume over its place",
                    f"git rm -r --cached {store}\necho {store} >> .gitignore\necho {store} >> .dockerignore",
                    caveat=STAYS, changes=onto_volume(project, service, group)))


API = "services:\n  api:{}\n    build: .\n    environment: {{CREWAI_STORAGE_DIR: /app/data}}\n"
FLOW = '''from crewai.flow.flow import Flow, start
from crewai.flow.persistence import SQLiteFlowPersistence, persist


@persist(SQLiteFlowPersistence("state/flow_states.db"))
class Chat(Flow):
    @start()
    def begin(self):
        return "ok"


def build_crew(topic: str) -> Chat:
    return Chat()
'''
TABLE = {"data/memory/memories.lance/data/0.lance": "x"}
RULE = Rule(
    id="CM209", severity="warning", check=check,
    summary="a memory's database lies in the tree and is copied into the image at the place that memory writes to",
    bad=(
        Example("a LanceDB table beside the code", {**_trees.service(API.format("  # <-- here")), **TABLE}),
        Example("Chroma's file, an older release", {
            **_trees.service(API.format("  # <-- here"), requirements_dot_txt="crewai==1.9.3\nfastapi\nuvicorn\n"), "data/chroma.sqlite3": "x"}),
        Example("a flow's states", {**_trees.service("services:\n  api:  # <-- here\n    build: .\n", app__crew_dot_py=FLOW),
                                    "state/flow_states.db": "x"}),
    ),
    good=(
        Example("a volume lies over it", {
            **_trees.service(API.format("") + "    volumes: ['m:/app/data']\nvolumes:\n  m:\n"), **TABLE}),
        Example("Docker leaves it out", {**_trees.service(API.format("")), **TABLE, ".dockerignore": "data/\n"}),
        Example("git leaves it out", {**_trees.service(API.format("")), **TABLE, ".gitignore": "*.lance\n"}),
        Example("a database of something else", {**_trees.service(API.format("")), "data/products.db": "x", "chroma.sqlite3": "x"}),
    ),
    premise=("COPY puts the build context's files into the image", "1.15.30 memory/storage/lancedb_storage.py: the table is memories.lance"),
)
