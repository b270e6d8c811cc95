"""What probes and rehearsals saw."""

from __future__ import annotations

from typing import Literal

from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Observation:
    """One check of one target. `target` carries no userinfo and no query."""

    probe: str
    target: str
    check: str
    outcome: Literal["pass", "fail", "skip", "error"]
    detail: str
    elapsed_ms: float
