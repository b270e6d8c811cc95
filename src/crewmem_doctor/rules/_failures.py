"""What rules about failing memory share."""

from __future__ import annotations

from crewmem_doctor.model.known import Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Reach
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._common import active, archived


def on_by_place(project: Project) -> dict[Location, Memory]:
    """The memories that are on, by where they are made."""
    return {memory.at: memory for memory in active(project)}


def maybe_on(project: Project) -> dict[Location, Memory]:
    """Those, and the ones of which configuration decides whether they are on."""
    unsure = {m.at: m for m in project.memories if isinstance(m.enabled, Unknown) and not archived(project, m.at.path)}
    return {**unsure, **on_by_place(project)}


def served(ways: tuple[Reach, ...]) -> bool:
    return any(way.entry.kind != "script" for way in ways)
