"""A process of the target's interpreter that carries out the child program."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from crewmem_doctor.probes.crewai.source import program
from crewmem_doctor.probes.process import StepFailed, StepTimedOut


class Failed(StepFailed):
    """A step of the program ended with an error; `answer` holds what it said of it."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(str(answer["error"]), str(answer["message"]))
        self.answer = answer


class Child:
    """A program at work, as a context: leaving it kills whatever is left of its process group.

    `command` starts a Python that reads its program from standard input. With `life`, the process ends by itself as
    soon as this one is gone; that needs a process on this machine.
    """

    def __init__(self, command: Sequence[str], job: Mapping[str, Any], *, cwd: Path | None = None,
                 environ: Mapping[str, str] | None = None, life: bool = True) -> None:
        self._nonce = str(job["nonce"])
        self._errors = tempfile.TemporaryFile()     # noqa: SIM115 - open as long as the process may write
        self._answers: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._life: int | None = None
        passed: tuple[int, ...] = ()
        if life and hasattr(os, "pipe"):
            theirs, self._life = os.pipe()
            passed, job = (theirs,), {**job, "life": theirs}
        try:
            self._process = subprocess.Popen(
                list(command), cwd=cwd, env=dict(environ) if environ is not None else None, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=self._errors, pass_fds=passed, start_new_session=True)
        except OSError:
            self._close_life()
            raise
        finally:
            for fd in passed:
                os.close(fd)
        threading.Thread(target=self._send, args=(program(job),), daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.kill()

    def answer(self, seconds: float) -> dict[str, Any]:
        """What the next step came to. Raises Failed for its error, StepFailed where the process ended without a word,
        StepTimedOut after `seconds`, when the process is killed."""
        try:
            found = self._answers.get(timeout=max(seconds, 0.001))
        except Empty:
            self.kill()
            raise StepTimedOut(f"no answer within {seconds:.0f} seconds") from None
        if found is None:
            self._answers.put(None)
            raise StepFailed("Died", self._last_words())
        if "error" in found:
            raise Failed(found)
        return found

    def ended(self, seconds: float) -> int:
        """Waits for the process to end by itself. Raises StepTimedOut."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise StepTimedOut(f"it did not end within {seconds:.0f} seconds") from None

    def kill(self) -> None:
        """The process and whatever it has started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self._process.wait()
        self._close_life()

    def _close_life(self) -> None:
        if self._life is not None:
            os.close(self._life)
            self._life = None

    def _send(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.close()
        except OSError:
            pass        # it is gone, which its missing answer tells

    def _listen(self) -> None:
        assert self._process.stdout is not None
        frame = re.compile(rf"<{self._nonce}>(.*)</{self._nonce}>".encode())
        for line in self._process.stdout:
            found = frame.search(line)
            if found:
                self._answers.put(json.loads(found[1]))
        self._answers.put(None)

    def _last_words(self) -> str:
        """How the process ended, with the last line that it wrote to standard error."""
        try:
            status: int | str = self._process.wait(5)
        except subprocess.TimeoutExpired:
            status = "unknown"
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode("utf-8", "replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"the process {_how(status)}" + (f": {said[:300]}" if said else "")


def _how(status: int | str) -> str:
    if isinstance(status, int) and -status in set(signal.Signals):
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"
