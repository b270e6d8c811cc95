"""Child processes that do a probe's work: one to write, another to read, a third to tidy up whatever happens.

A job goes to the child as a line of JSON on its standard input, so no password is ever among its arguments; the answer
is a line of JSON on its standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from crewmem_doctor.errors import CrewmemError

_ROOT = str(Path(__file__).resolve().parents[2])
# -I keeps the folder one stands in, which may be the scanned tree, out of the import path.
_START = "import sys; sys.path.append({root!r}); from crewmem_doctor.probes.worker import main; main()"


class StepFailed(CrewmemError):
    """A step ended with an error of its own. `kind` is the exception's class name."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class StepTimedOut(CrewmemError):
    """A step did not answer in time. Its process has been killed."""


class Worker:
    """A process that carries out steps, one after the other, as a context.

    A step is named "module.function": `probes.module.steps.function(job) -> dict` is called in the child.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START.format(root=_ROOT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True)
        self._answers: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def ask(self, step: str, job: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The step's answer. Raises StepFailed with what went wrong in the child, StepTimedOut after `seconds`."""
        self.tell({"step": step, "job": dict(job)})
        return self.answer(step, seconds)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Sends a message; `answer` fetches what comes of it. Together they let two workers work at once."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass        # the child is gone, which its missing answer tells

    def answer(self, step: str, seconds: float) -> dict[str, Any]:
        """As `ask`, for a message that was sent before."""
        try:
            line = self._answers.get(timeout=max(seconds, 0.001))
        except Empty:
            self.kill()
            raise StepTimedOut(f"no answer within {seconds:.0f} seconds") from None
        if not line:
            self.kill()
            raise StepFailed("Died", f"the process of step {step} ended with status {self._process.returncode}")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise StepFailed(found["error"], found["message"])
        return found

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(b"")

    def kill(self) -> None:
        """At once, whatever it is doing."""
        self._process.kill()
        self._process.wait()

    def release(self) -> None:
        """Ends its input and lets it finish by itself, for as long as that takes."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError:
            pass

    def close(self, seconds: float = 2.0) -> None:
        """Lets the child end by itself, and kills it after `seconds`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError:
            pass
        end = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        if self._process.poll() is None:
            self.kill()
