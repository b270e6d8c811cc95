"""What a worker does for this probe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crewmem_doctor.probes.crewai.program import disk


def tidy(job: Mapping[str, Any]) -> dict[str, Any]:
    """As the program's `forget`."""
    return disk.forget(job)
