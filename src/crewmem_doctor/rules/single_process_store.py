"""CM307 · a store for one process is opened by several

## Why
Embedded Qdrant locks its folder: the second process is refused ("already accessed by another instance"), so with two workers
one of them has no memory. Embedded Chroma lets everybody in and keeps every record, but each process searches the index that
it has loaded itself: what another worker saves is counted and never found until a restart, and a worker that opened the
collection while it was empty fails each search. CrewAI's own memory before 1.10 is such a Chroma. Qdrant Edge gives each process
a shard of its own, which the others see only after that process has ended.

## Example
```sh
uvicorn app.main:app --workers 4        # over crewai 1.9 with memory=True, or QdrantClient(path="qdrant")
```

## Fix
Run one process, or let a server hold the records: `chromadb.HttpClient`, `QdrantClient(url=…)`. CrewAI's own Chroma has no
server setting: one worker, or 1.10 and later.

## When this is not a problem
Where each process works on records that no other one needs.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.model.release import Release
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import evidence_of, graded
from crewmem_doctor.rules._sharing import crowds, story
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import engine_on, in_company

NAMES = {"chroma": "embedded Chroma", "qdrant": "embedded Qdrant", "qdrant-edge": "Qdrant Edge"}


def check(project: Project) -> Iterator[Finding]:
    def counts(run: Run, placement: Placement) -> bool:
        return engine(run, project.release) in NAMES and in_company(run, placement, project.release).word in ("lost", "stale")

    for crowd in crowds(project, counts):
        run, placement = crowd.pairs[0]
        kept = engine(run, project.release)
        outcome = in_company(run, placement, project.release)
        severity, confidence = graded(RULE.severity, (r for r, _ in crowd.pairs))
        yield RULE.finding(
            crowd.at, f"{crowd.how}, and {run.memory.label} ({run.memory.at}) is kept in {NAMES[kept]} at {placement.display}: {outcome.why}",
            subject=run.service.id, evidence=f"{kept} {placement.display}", severity=severity, confidence=confidence,
            because=story(crowd, evidence_of), fix=_fix(kept, run))


def engine(run: Run, release: Release) -> str:
    """The engine on every release in question; empty where they differ."""
    found = {engine_on(run.memory, version) for version in release.candidates}
    return found.pop() if len(found) == 1 else ""


def _fix(kept: str, run: Run) -> Fix:
    if run.memory.kind != "third_party" and kept == "chroma":
        return Fix("Run one worker process, or upgrade to CrewAI 1.10 or later", "--workers 1")
    if kept == "chroma":
        return Fix("Let a Chroma server hold the records", 'chromadb.HttpClient(host=os.environ["CHROMA_HOST"])')
    if kept == "qdrant-edge":
        return Fix("Use LanceDB, which all processes write to directly", 'Memory(storage="lancedb")')
    return Fix("Let a Qdrant server hold the records", 'QdrantClient(url=os.environ["QDRANT_URL"])')


MEM0 = '''from fastapi import FastAPI
from mem0 import Memory

from app.crew import build_crew

app = FastAPI()
memory = Memory.from_config({"vector_store": {"provider": "qdrant", "config": {"path": "/data/qdrant", "on_disk": True}}})


@app.post("/chat")
def chat(topic: str):
    memory.add(topic, user_id="u")
    return build_crew(topic).kickoff()
'''
OFF = _trees.CREW.replace(", memory=True", "")
OLD = "crewai==1.9.3\nfastapi\nuvicorn\n"
DISK = "    volumes: ['m:/data']\n    environment: {CREWAI_STORAGE_DIR: /data}\n"
END = "volumes:\n  m:\n"
FOUR = "services:\n  api:\n    build: .\n    command: uvicorn app.main:app --workers 4MARK\n" + DISK + END
RULE = Rule(
    id="CM307", severity="warning", check=check,
    summary="embedded Chroma, embedded Qdrant or Qdrant Edge is opened by more than one process",
    bad=(
        Example("four workers over CrewAI's own Chroma", _trees.service(FOUR.replace("MARK", "  # <-- here"), requirements_dot_txt=OLD)),
        Example("mem0's local Qdrant", _trees.service(FOUR.replace("MARK", "  # <-- here"), app__main_dot_py=MEM0, app__crew_dot_py=OFF)),
        Example("two replicas over one folder", _trees.service(
            "services:\n  api:\n    build: .\n    deploy:\n      replicas: 2  # <-- here\n" + DISK + END, requirements_dot_txt=OLD)),
    ),
    good=(
        Example("one worker", _trees.service(FOUR.replace("MARK", "").replace("4", "1"), requirements_dot_txt=OLD)),
        Example("LanceDB, opened for each request", _trees.service(FOUR.replace("MARK", ""))),
        Example("a Qdrant server", _trees.service(FOUR.replace("MARK", ""), app__crew_dot_py=OFF, app__main_dot_py=MEM0.replace(
            '"path": "/data/qdrant", "on_disk": True', '"url": "http://qdrant:6333"'))),
        Example("two replicas, each with a disk of its own", _trees.service(
            "services:\n  api:\n    build: .\n    deploy: {replicas: 2}\n", requirements_dot_txt=OLD)),
    ),
    premise=("ran Chroma 1.1.1 of CrewAI 1.9.3 and 0.203.2: a process that has searched once counts another one's records and never finds them",
             "ran the same: a collection opened while empty answers each search with an InternalError after another process wrote",
             "ran 1.9.3, 0.203.2 and 0.130.0: 100 of 100 records of two processes are kept",
             "qdrant_client local mode: a lock on the folder", "1.15.30 memory/storage/qdrant_edge_storage.py:1-7, 114"),
)
