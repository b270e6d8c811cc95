"""What a worker does for this probe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crewmem_doctor.probes.crewai.child import Child
from crewmem_doctor.probes.crewai.program import disk

SECONDS = 110.0     # importing CrewAI is part of it


def tidy(job: Mapping[str, Any]) -> dict[str, Any]:
    """As the program's `forget`."""
    return disk.forget(job)


def forget_records(job: Mapping[str, Any]) -> dict[str, Any]:
    """Deletes the probe's records from a store of the user's own, through the user's own object."""
    with Child(job["command"], job["job"], cwd=Path(job["cwd"]), life=False) as child:
        return {"left": child.answer(SECONDS)["left"]}
