"""The final releases of CrewAI on the package index."""

from __future__ import annotations

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases._releases import MICROS, READ_ON

__all__ = ["FIRST_WITH_MEMORY", "KNOWN", "NEWEST", "READ_ON", "WITH_MEMORY"]

KNOWN: tuple[Version, ...] = tuple(
    Version(int(major), int(minor), int(micro))
    for name, micros in MICROS.items() for major, _, minor in (name.partition("."),) for micro in micros.split()
)
NEWEST = KNOWN[-1]
FIRST_WITH_MEMORY = Version(0, 27, 0)
# Projects whose requirement says nothing may run any of these: earlier ones know no memory.
WITH_MEMORY: tuple[Version, ...] = tuple(version for version in KNOWN if version >= FIRST_WITH_MEMORY)
