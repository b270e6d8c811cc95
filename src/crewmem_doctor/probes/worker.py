"""The child's side of `process`: reads jobs, carries them out, answers. Run by `process.Worker` only.

A message is {"step": "redis.write", "job": {…}}, answered at once, or {"later": [{"step": …, "job": …}]}: what to do
when the parent is gone. A parent that has tidied up itself says {"later": []} before it goes. So a probe that is killed
still leaves nothing behind.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from queue import SimpleQueue
from typing import Any

PATIENCE = 60.0     # seconds for which tidying up is tried again once the parent is gone: faults may end
STEP = 20.0         # seconds that the last try may take
SETTLE = 0.5        # until its other children, which see the same end of file, are gone too
PAUSE = 5.0         # seconds between two tries, at most


def main() -> None:
    """Serves until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)        # whatever a library prints is no answer
    jobs: SimpleQueue[bytes] = SimpleQueue()
    later: list[Mapping[str, Any]] = []
    threading.Thread(target=_read, args=(jobs, later), daemon=True).start()
    while line := jobs.get():
        message = json.loads(line)
        if "later" in message:
            later[:] = message["later"]
            reply: dict[str, Any] = {"registered": len(later)}
        else:
            reply = carry_out(message["step"], message["job"])
        try:
            answers.write(json.dumps(reply).encode() + b"\n")
        except OSError:
            break
        _load(message.get("later", ()))
    _tidy(later)


def carry_out(step: str, job: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `probes.MODULE.steps.FUNCTION`, or its exception as values."""
    module, _, function = step.rpartition(".")
    try:
        steps = importlib.import_module(f"crewmem_doctor.probes.{module}.steps")
        answer: dict[str, Any] = getattr(steps, function)(job)
    except Exception as error:
        return {"error": type(error).__name__, "message": " ".join(str(error).split()) or type(error).__name__}
    return answer


def _load(entries: Sequence[Mapping[str, Any]]) -> None:
    """Loads what tidying up will need while there is time."""
    for entry in entries:
        try:
            importlib.import_module(f"crewmem_doctor.probes.{entry['step'].rpartition('.')[0]}.steps")
        except ImportError:
            pass        # which the step itself will say


def _read(jobs: SimpleQueue[bytes], later: list[Mapping[str, Any]]) -> None:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "later" in message:
            later[:] = message["later"]     # before the input ends, which is when it counts
        jobs.put(line)
    jobs.put(b"")
    if later:
        time.sleep(PATIENCE + STEP)     # a step that hangs keeps nobody from tidying up for ever
    os._exit(0)     # whoever closes the input has all its answers, or is dead and must not be outlived by a write


def _tidy(later: list[Mapping[str, Any]]) -> None:
    """Until nothing is left, or patience ends."""
    end, pause, left = time.monotonic() + PATIENCE, SETTLE, list(later)
    while left and time.monotonic() < end:
        time.sleep(pause)
        left = [entry for entry in left if carry_out(entry["step"], entry["job"]).get("left") != []]
        pause = min(2 * pause, PAUSE)
    os._exit(0)
