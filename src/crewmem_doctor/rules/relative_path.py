"""CM105 · memory's place is relative to the working directory

## Why
A relative path means another store for every directory the program is started from: an editor, a cron job, a systemd unit and
a container each have their own. A relative CREWAI_STORAGE_DIR is worse. Up to 1.9 it is only a name below
`~/.local/share`. From 1.10 memory reads it as a path below the working directory, while flow states and knowledge still go
to `~/.local/share/<name>`: half of the store is on the volume and the other half is not.

## Example
```python
os.environ["CREWAI_STORAGE_DIR"] = "./my_project_storage"
```

## Fix
Use an absolute path.

## When this is not a problem
A tool that is always started from the same directory, on one machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.deployment import ReplaceSetting
from crewmem_doctor.model.finding import Finding, Severity
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Version
from crewmem_doctor.placement import covering
from crewmem_doctor.releases.paths import default_location
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import STORAGE_DIR, misnamed, unique
from crewmem_doctor.rules._in_code import placed
from crewmem_doctor.rules._remedies import pinned_place
from crewmem_doctor.rules._volumes import relocated
from crewmem_doctor.rules._where import Landing, is_relative, judged, landings, story, worst
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    groups: dict[Location, list[Landing]] = {}
    for landing in landings(project):
        if isinstance(landing.said, Known) and is_relative(landing.said.value) and not misnamed(landing.said):
            groups.setdefault(landing.set_at or landing.memory.at, []).append(landing)
    for at, found in groups.items():
        yield _finding(project, at, found)


def _finding(project: Project, at: Location, found: list[Landing]) -> Finding:
    first = found[0]
    assert isinstance(first.said, Known)
    said = first.said.value
    splitting = [x for x in found if x.by_setting and project.release.ever(lambda v, m=x.memory: splits(v, m))]  # type: ignore[misc]
    always = [x for x in splitting if project.release.always(lambda v, m=x.memory: splits(v, m))]  # type: ignore[misc]
    default: Severity = "error" if always else RULE.severity
    severity, confidence = worst([judged(x, default) for x in found])
    return RULE.finding(
        at, _message(project, first, said, bool(splitting), bool(always)), subject=first.memory.subject, evidence=said,
        severity=severity, confidence=confidence, because=unique(s for x in found for s in story(x.memory, x.run)),
        fix=replace(pinned_place(first.memory, project.release, by_setting=first.by_setting), caveat=SPLIT if splitting else MOVED, changes=placed(at, found) or _changes(at, found)))


def _changes(at: Location, found: list[Landing]) -> tuple[Change, ...]:
    """The same place said with an absolute path where a volume covers it, else a place on a volume."""
    runs = [x.run for x in found if x.run is not None]
    if not runs or len(runs) < len(found) or at.path.endswith(".py") or not all(x.by_setting and x.set_at == at for x in found):
        return ()
    kept = {x.path.value.removesuffix("/memory") for x in found
            if x.run is not None and isinstance(x.path, Known) and (m := covering(x.run.service.mounts, x.path.value)) and m.durable}
    if len(kept) == 1 and all(isinstance(x.path, Known) and x.path.value.removesuffix("/memory") in kept for x in found):
        return (ReplaceSetting(at, STORAGE_DIR, kept.pop()),)
    return relocated(at, list({id(run.service): run.service for run in runs}.values()))


def _message(project: Project, first: Landing, said: str, splitting: bool, always: bool) -> str:
    if not first.by_setting:
        here = f", in {first.run.service.id} {first.path.value}" if first.run is not None and isinstance(first.path, Known) else ""
        return f'"{said}" is relative to the working directory{here}: a program started elsewhere finds another, empty store'
    name = said.strip("/").removeprefix("./")
    split = f"memory in ./{name}/memory, flow states and knowledge in ~/.local/share/{name}"
    if always:
        return f'{STORAGE_DIR}="{said}" is relative, and CrewAI {project.release} splits the store in two: {split}'
    if splitting:
        return f'{STORAGE_DIR}="{said}" is relative. Releases that the requirement allows take it for a name below ' \
               f"~/.local/share, or split the store in two: {split}"
    return f'{STORAGE_DIR}="{said}" is no path for CrewAI {project.release} but a name: the store is ~/.local/share/{name}, ' \
           "wherever that home is"


def splits(version: Version, memory: Memory) -> bool:
    """Whether this memory reads a relative CREWAI_STORAGE_DIR as a path while other parts of that release take it for a
    name below ~/.local/share."""
    own, flow = default_location(version, memory.kind), default_location(version, "flow")
    return own is not None and flow is not None and own.relative_to == "cwd" and flow.relative_to != "cwd"


SPLIT = "Flow states and knowledge move too; what they hold stays in the old place."
MOVED = "What is remembered now stays in the old place, unless the path is the same."
NAMED = 'import os\n\nos.environ["CREWAI_STORAGE_DIR"] = "./my_project_storage"  # <-- here\n\n'
LEGACY = '''from crewai import Crew
from crewai.memory import LongTermMemory
from crewai.memory.storage.ltm_sqlite_storage import LTMSQLiteStorage

DB = "./memory/long_term_memory_storage.db"  # <-- here


def team(agents, tasks):
    return Crew(agents=agents, tasks=tasks, memory=True,
                long_term_memory=LongTermMemory(storage=LTMSQLiteStorage(db_path=DB)))
'''
VECTORS = '''from crewai import Crew
from crewai.memory import ShortTermMemory
from crewai.memory.storage.rag_storage import RAGStorage

EMBEDDER = {"provider": "ollama", "config": {"model_name": "nomic-embed-text"}}


def team(agents, tasks):
    recent = ShortTermMemory(storage=RAGStorage(type="short_term", path="recall", embedder_config=EMBEDDER))  # <-- here
    return Crew(agents=agents, tasks=tasks, short_term_memory=recent)
'''
# The storage is built without an embedder, so that the release does not look at its path (CM601); the memory has one.
OUTSIDE = VECTORS.replace(', embedder_config=EMBEDDER))  # <-- here', "), embedder_config=EMBEDDER)")
COMPOSE = "services:\n  api:\n    build: .\n    environment:\n      - CREWAI_STORAGE_DIR={}\n    volumes: [m:{}]\nvolumes:\n  m:\n"
RULE = Rule(
    id="CM105", severity="warning", check=check,
    summary="CREWAI_STORAGE_DIR or the store's path is relative",
    bad=(
        Example("the store is split in two", _trees.service(app__crew_dot_py=NAMED + _trees.CREW), severity="error"),
        Example("a database beside the working directory", {"team.py": LEGACY, "requirements.txt": "crewai==0.203.2\n"},
                severity="warning"),
        Example("a directory of vectors, where the release takes it", {"team.py": VECTORS, "requirements.txt": "crewai==1.9.3\n"},
                severity="warning"),
        Example("a name in a compose file", _trees.service(
            COMPOSE.format("stock-picker  # <-- here", "/root/.local/share/stock-picker"),
            requirements_dot_txt="crewai==0.130.0\nfastapi\nuvicorn\n"), severity="warning"),
    ),
    good=(
        Example("a directory of vectors that the release does not look at", {"team.py": OUTSIDE, "requirements.txt": "crewai==1.9.3\n"}),
        Example("an absolute path", _trees.service(COMPOSE.format("/data/crew", "/data"))),
        Example("made absolute in code", _trees.service(
            app__crew_dot_py=NAMED.replace('"./my_project_storage"  # <-- here', 'os.path.abspath("./storage")') + _trees.CREW)),
        Example("a relative path for something else", _trees.service(app__crew_dot_py=NAMED.replace(
            "CREWAI_STORAGE_DIR", "UPLOAD_DIR").replace("  # <-- here", "") + _trees.CREW)),
    ),
    premise=("ran 1.15.30: a relative CREWAI_STORAGE_DIR puts memory below the working directory and the rest below ~/.local/share",
             "ran 0.203.2 and 1.9.3: it is a name below ~/.local/share",
             "ran 1.9.3: RAGStorage(path=\"recall\", embedder_config=…) makes ./recall, without embedder_config nothing there"),
)
