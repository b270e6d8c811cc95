"""Databases that an image brings along, at the place where memory is written."""

from __future__ import annotations

from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement

# What memory itself keeps; a file of another name is its own only where the code names that very path.
_OWN = ("memories.lance", "chroma.sqlite3", "long_term_memory_storage.db", "flow_states.db", "storage.sqlite")


def baked(project: Project, run: Run, placement: Placement) -> tuple[str, Location] | None:
    """The path in the tree of the records that a COPY puts where the memory writes, and that COPY; None where no copy
    does, where a mount lies over them, and where the place is not known."""
    if not placement.in_layer or not isinstance(placement.path, Known) or not run.service.durable_disk:
        return None
    path = placement.path.value
    for copied in reversed(run.service.copies):
        folder = copied.source.strip("/").removeprefix("./")
        folder = "" if folder == "." else folder
        for store in project.committed_stores:
            if folder and store != folder and not store.startswith(folder + "/"):
                continue
            inside = join_path(copied.target, store[len(folder):].lstrip("/"))
            own = inside.rpartition("/")[2] in _OWN
            if inside == path or (own and inside.startswith(path.rstrip("/") + "/")):
                return store, copied.at
    return None
