"""The request as the code that was scanned takes it."""

from __future__ import annotations

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.probes.http.fields import compose
from crewmem_doctor.probes.http.template import Template


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler that reaches a memory: its route, the template or why there is none, and where its memory is made."""

    label: str
    path: str
    template: Template | str
    at: Location


def handlers(project: Project | None) -> list[Handler]:
    """Every HTTP handler that reaches a memory, once."""
    found: dict[str, Handler] = {}
    for memory in project.memories if project is not None else ():
        for reach in memory.handlers:
            if reach.entry.kind == "http" and not reach.queued and memory.id:
                found.setdefault(reach.entry.label, _handler(memory, reach.entry))
    return list(found.values())


def _handler(memory: Memory, entry: EntryPoint) -> Handler:
    verbs, _, path = entry.label.partition(" ")
    source = f"the handler {entry.label} at {entry.at.path}:{entry.at.line}"
    method = "POST" if "POST" in verbs else verbs
    if not path.startswith("/") or "…" in path or "|" in method:
        template: Template | str = "its route could not be read"
    elif entry.request is None:
        template = "its parameters could not all be read"
    else:
        template = compose(source, method, path, entry.request)
    return Handler(entry.label, path, template, memory.turned_on or memory.at)
