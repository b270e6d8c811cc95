"""What a worker does for this probe: tidying up, once nobody writes any more."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from crewmem_doctor.probes.crewai.program import disk

PATIENCE = 12.0     # seconds in which the children of a killed probe notice that, and end


def tidy(job: Mapping[str, Any]) -> dict[str, Any]:
    """As the program's `forget`, when no child holds the file `lock` any more."""
    _wait(job["lock"])
    return disk.forget(job)


def _wait(lock: str) -> None:
    if sys.platform == "win32" or not os.path.exists(lock):
        return
    import fcntl

    end = time.monotonic() + PATIENCE
    with open(lock, "rb") as file:
        while time.monotonic() < end:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                time.sleep(0.05)
