"""Which memory of the project is probed, in which service, and what is known of how it is used there."""

from __future__ import annotations

import os
from pathlib import PurePosixPath

from crewmem_doctor.errors import UsageError
from crewmem_doctor.model.expression import Surroundings, join_path
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.placement import locate, where_for
from crewmem_doctor.probes.session import Session
from crewmem_doctor.settings import did_you_mean
from crewmem_doctor.survival import remembers, survival

KINDS = ("crew", "memory", "agent", "short_term", "entity", "long_term")
ENGINES = ("default", "lancedb", "chroma", "sqlite")


@dataclass(frozen=True, slots=True)
class Subject:
    """`run` is the memory in the service that is mirrored, None where the probe looks at the real place. `memory` is
    the memory of the code, None where the probe knows of none. `given` is the path that the code hands over, absolute,
    as its process has it. `unsuited` says why the probe cannot stand in for that memory."""

    release: Release | None = None
    run: Run | None = None
    memory: Memory | None = None
    given: str = ""
    unsuited: str = ""

    @property
    def many(self) -> bool:
        """Whether the service keeps one memory object each in several processes, so that a stale one matters."""
        if self.run is None or self.release is None:
            return False
        table = survival(self.run, self.release)
        return "stale" in (table["worker"].word, table["replica"].word)

    @property
    def forks(self) -> bool:
        """Whether the service forks from a process that has made the memory."""
        process = self.run.process if self.run is not None else None
        preloads = process is not None and process.forks and process.preload is not None and process.preload.value
        return bool(preloads and self.run is not None and self.run.loads_at_import)


HERE = "none"       # --service none: no service is mirrored, the place is that of this process


def choose(session: Session, version: str, *, contained: bool) -> Subject:
    """What the probe stands in for. `contained`: this is a container, so the place as it stands is the real one.

    Raises UsageError for a --service that the project has not, or that runs no memory.
    """
    project = session.project
    found = Version.parse(version)
    if found is None:
        return Subject()
    release = Release((found,), locked=True)
    if project is None:
        return Subject(release)
    run = _run(project, session.settings.service, release, contained)
    if run is not None:
        return _placed(run.memory, run.around, release, run)
    memories = [m for m in project.memories if m.kind in KINDS and remembers(m, release)]
    return _placed(memories[0], _here(session), release, None) if memories else Subject(release)


def _run(project: Project, named: str, release: Release, contained: bool) -> Run | None:
    runs = [run for run in project.runs if run.memory.kind in KINDS and remembers(run.memory, release)]
    services = list(dict.fromkeys(run.service.id for run in runs))
    if named == HERE:
        return None
    if named:
        chosen = [run for run in runs if named in (run.service.id, run.service.name)]
        if not chosen:
            known = ", ".join(services) or "none that runs a memory"
            raise UsageError(f"--service {named}: the project has {known}{did_you_mean(named, services)}")
        return _first(chosen)
    return _first(runs) if len(services) == 1 and not contained else None


def _first(runs: list[Run]) -> Run:
    """One that a path keeps, before others."""
    return next((run for run in runs if run.memory.store.kind == "path"), runs[0])


def _placed(memory: Memory, around: Surroundings, release: Release, run: Run | None) -> Subject:
    store = memory.store
    which = f"{memory.label} at {memory.at}"
    if store.kind != "path":
        places = {"process": "in the memory of one process", "server": "on a server"}
        kept = places.get(store.kind, "in a store of its own")
        return Subject(release, run, memory, unsuited=f"{which} keeps its records {kept} ({store.why})")
    if store.engine not in ENGINES:
        return Subject(release, run, memory, unsuited=f"{which} keeps its records in {store.engine}")
    if where_for(memory, release) is None:
        return Subject(release, run, memory)
    path = locate(memory, around, release)[0]
    if isinstance(path, Unknown) or "{" in path.value or "$" in path.value:
        why = path.why if isinstance(path, Unknown) else "it depends on the caller"
        return Subject(release, run, memory, unsuited=f"the code computes where {which} lands: {why}")
    return Subject(release, run, memory, str(path.value))


def _here(session: Session) -> Surroundings:
    """What a process finds that is started here."""
    environ, root = session.environ, session.root.resolve()

    def variable(name: str) -> Known[str] | None:
        return Known(environ[name]) if name in environ else None

    home = environ.get("HOME") or os.path.expanduser("~")
    return Surroundings(
        cwd=Known(str(root)), home=Known(home), variable=variable,
        source=lambda path: Known(join_path(str(root), str(PurePosixPath(path).parent))),
        tempdir=Known(environ.get("TMPDIR", "/tmp")))


