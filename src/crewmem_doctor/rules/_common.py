"""What several rules ask of the project."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence

from crewmem_doctor.model.deployment import Mount, Service
from crewmem_doctor.model.expression import evaluate, join_path
from crewmem_doctor.model.finding import Severity
from crewmem_doctor.model.known import Answer, Confidence, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement, place
from crewmem_doctor.survival import remembers, survival
from crewmem_doctor.writable import store_blocked

STORAGE_DIR = "CREWAI_STORAGE_DIR"
BACKENDS = frozenset({
    "postgres", "postgresql", "pgvector", "redis", "valkey", "chroma", "chromadb", "sqlite", "sqlite3", "mongodb", "mongo", "mysql",
    "s3", "gcs", "pinecone", "weaviate", "milvus", "elasticsearch", "opensearch", "dynamodb", "supabase", "mem0", "qdrant", "faiss",
    "firestore", "cosmosdb", "zep",
})


def active(project: Project) -> Iterator[Memory]:
    """The memories that are on: configuration that could not be read leaves a memory out, and so does an old copy of a
    module that no service runs."""
    return (m for m in project.memories if remembers(m, project.release) and (not archived(project, m.at.path) or project.runs_of(m)))


def archived(project: Project, path: str) -> bool:
    """Whether the file looks like an old copy that nothing runs."""
    module = project.code.module(path)
    return module is not None and module.archived


@functools.lru_cache(maxsize=4)
def placements(project: Project) -> tuple[tuple[Run, Placement], ...]:
    """Every active memory in every service that runs it, with where it lands there."""
    return tuple((run, place(run, project.release)) for run in project.runs if remembers(run.memory, project.release))


def on_disk(project: Project) -> Iterator[tuple[Run, Placement]]:
    """Those of `placements` that write to a path which other rules have not already condemned: no path made anew each
    time (CM106, CM103) and no URL (CM107)."""
    for run, placement in placements(project):
        if placement.kind == "path" and placement.fresh is None and not misnamed(_said(run)):
            yield run, placement


def _said(run: Run) -> Answer[str] | None:
    """The text that says where, before the release's formula."""
    where = run.memory.store.where
    return run.around.variable(STORAGE_DIR) if where is None else evaluate(where, run.around)


def misnamed(said: Answer[str] | None) -> str:
    """The URL's scheme or the backend's name where a directory is expected; empty for a directory (CM107)."""
    if not isinstance(said, Known):
        return ""
    text = said.value.strip()
    scheme, found, _ = text.partition("://")
    if found and scheme.isascii() and scheme.replace("+", "").replace("-", "").isalnum() and scheme not in ("file", "memory"):
        return f"{scheme}://"
    return text if text.lower() in BACKENDS else ""


def reported_by_deployment(project: Project, memory: Memory) -> bool:
    """Whether a rule of the 2xx or 3xx group speaks about this memory: some event loses it in a service that runs it, it
    cannot be written there, or two services of one deployment keep it apart."""
    stores: dict[tuple[str, str], set[str]] = {}
    for run, placement in placements(project):
        if run.memory is not memory:
            continue
        if store_blocked(run, placement) is not None or any(o.word in ("lost", "stale") for o in survival(run, project.release).values()):
            return True
        if placement.mount is not None and isinstance(placement.path, Known):
            place_there = " ".join(on_mount(placement.mount, placement.path.value))
            stores.setdefault((run.service.platform, run.service.deployment), set()).add(place_there)
    return any(len(apart) > 1 for apart in stores.values())


def on_mount(mount: Mount, path: str) -> tuple[str, str]:
    """The volume, and the place in it, that `path` below the mount is: what two services must agree on. A bind mount is
    the host's directory, from wherever it is mounted."""
    inside = join_path(mount.sub_path, path[len(mount.target.rstrip("/")):].strip("/"))
    return (mount.kind, join_path(mount.source, inside)) if mount.kind == "bind" else (f"{mount.kind} {mount.source}", inside)


def by_service(pairs: Iterable[tuple[Run, Placement]]) -> list[tuple[Service, list[tuple[Run, Placement]]]]:
    """Grouped by service in project order: one cause in a service is one finding."""
    groups: dict[int, tuple[Service, list[tuple[Run, Placement]]]] = {}
    for run, placement in pairs:
        groups.setdefault(id(run.service), (run.service, []))[1].append((run, placement))
    return list(groups.values())


def graded(severity: Severity, runs: Iterable[Run]) -> tuple[Severity, Confidence]:
    """A development-only service gets notes; a join that rests on a guess or on a default is less sure, and a guess
    is no error."""
    runs = list(runs)
    if all(run.service.dev for run in runs):
        return "note", "medium"
    # A Dockerfile that nothing deploys is judged as it stands, unless something that could not be read may deploy it.
    guess = any(run.service.platform != "dockerfile" or run.service.guessed for run in runs)
    if severity == "error" and guess and not any(run.sure for run in runs):
        return "warning", "medium"
    certain = any(run.sure and isinstance(run.memory.enabled, Known) and run.memory.enabled.confidence == "high" for run in runs)
    return severity, "high" if certain else "medium"


def least(grades: Sequence[tuple[Severity, Confidence]]) -> tuple[Severity, Confidence]:
    """The lowest severity and the lowest confidence."""
    severities: tuple[Severity, ...] = ("note", "warning", "error")
    confidences: tuple[Confidence, ...] = ("low", "medium", "high")
    return min((s for s, _ in grades), key=severities.index), min((c for _, c in grades), key=confidences.index)


def turned_on(memory: Memory) -> Step:
    return Step(memory.turned_on or memory.at, "memory is turned on here")


def evidence_of(run: Run, placement: Placement) -> list[Step]:
    """From the code to the place: where memory is on, how it is reached, what decided the path."""
    steps = [turned_on(run.memory)]
    reach = next((r for r in run.reaches if r.entry.kind != "script"), None)
    if reach is not None:
        steps.append(Step(reach.entry.at, f"reached from {reach.entry.label}"))
    if run.process is not None and run.process.target:
        steps.append(Step(run.process.at, f"{run.service.id} runs {run.process.target}"))
    if placement.set_at is not None:
        steps.append(Step(placement.set_at, f"puts the records in {placement.display}"))
    return unique(steps)


def unique(steps: Iterable[Step]) -> list[Step]:
    """In order, each place once."""
    seen: set[Location] = set()
    return [s for s in steps if not (s.at in seen or seen.add(s.at))]  # type: ignore[func-returns-value]


def places_of(pairs: Iterable[tuple[Run, Placement]]) -> list[str]:
    """The distinct displays of where records land, in order."""
    return list(dict.fromkeys(placement.display for _, placement in pairs))


def several(words: Iterable[str], most: int = 3) -> str:
    """"a, b and c", or "a, b, c and 4 more"."""
    items = list(words)
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "nothing"
