"""What probes and rehearsals saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Observation:
    """One check of one target. `target` carries no userinfo and no query."""

    probe: str
    target: str
    check: str
    outcome: Literal["pass", "fail", "skip", "error"]
    detail: str
    elapsed_ms: float
