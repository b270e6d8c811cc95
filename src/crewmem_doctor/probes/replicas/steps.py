"""What a worker does for this probe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crewmem_doctor.probes.crewai.child import Child

SECONDS = 18.0


def forget(job: Mapping[str, Any]) -> dict[str, Any]:
    """Removes, inside a replica, what the probe made there, and answers what is left."""
    with Child(job["command"], job["job"], cwd=Path(job["cwd"]), life=False) as child:
        return {"left": child.answer(SECONDS)["left"]}
