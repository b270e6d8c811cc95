"""A tree whose folders ask for different releases of CrewAI, as each of them sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

from crewmem_doctor.model.code import Code
from crewmem_doctor.model.failure import Failures
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Release, Version

Kind = tuple[tuple[Version, ...], bool]


def parts(project: Project) -> tuple[Project, ...]:
    """The project once for each release that governs a memory or a use of CrewAI's API, its own release first.

    A part has the memories, calls and imports of its release, and everything else of the tree. A project whose folders
    agree is its only part.
    """
    kinds: dict[Kind, Release] = {_kind(project.release): project.release}
    for path in dict.fromkeys(_paths(project)):
        release = project.release_of(path)
        kinds.setdefault(_kind(release), release)
    if len(kinds) == 1:
        return (project,)
    return tuple(_part(project, kind, release) for kind, release in kinds.items())


def _kind(release: Release) -> Kind:
    """Two files that ask for the same releases are one part."""
    return release.candidates, release.locked


def _paths(project: Project) -> list[str]:
    code = project.code
    return [m.at.path for m in project.memories] + [c.at.path for c in code.calls] + [i.at.path for i in code.imports]


def _part(project: Project, kind: Kind, release: Release) -> Project:
    def belongs(path: str) -> bool:
        return _kind(project.release_of(path)) == kind

    memories = tuple(m for m in project.memories if belongs(m.at.path))
    own = {id(m) for m in memories}
    return replace(project, release=release, memories=memories, code=_code(project.code, belongs),
                   runs=tuple(run for run in project.runs if id(run.memory) in own))


def _code(code: Code, belongs: Callable[[str], bool]) -> Code:
    failures = Failures(**{f.name: tuple(x for x in getattr(code.failures, f.name) if belongs(x.at.path))
                           for f in fields(Failures)})
    return replace(code, failures=failures, calls=tuple(c for c in code.calls if belongs(c.at.path)),
                   imports=tuple(i for i in code.imports if belongs(i.at.path)),
                   forks=tuple(f for f in code.forks if belongs(f.at.path)),
                   bare_persists=tuple(b for b in code.bare_persists if belongs(b.at.path)))
