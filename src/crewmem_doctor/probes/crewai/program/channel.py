"""How the program answers, and what it does when whoever asked is gone."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any


class Channel:
    """Framed lines of JSON on what was standard output. Whatever a library prints goes to standard error instead."""

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self.fd = os.dup(1)
        os.dup2(2, 1)

    def say(self, answer: Mapping[str, Any]) -> None:
        text = json.dumps(answer, default=str)      # ASCII, so that no locale on the way can spoil it
        data = f"\n<{self.nonce}>{text}</{self.nonce}>\n".encode()
        while data:
            data = data[os.write(self.fd, data):]


def hold(path: str) -> None:
    """Holds a lock as long as this process and its children live, so that nobody tidies up under their hands."""
    import fcntl

    fd = os.open(path, os.O_RDONLY)
    os.set_inheritable(fd, True)
    fcntl.flock(fd, fcntl.LOCK_SH)


def released(path: str, seconds: float) -> None:
    """Waits until nobody holds that lock any more, or the time is up."""
    if sys.platform == "win32" or not os.path.exists(path):
        return
    import fcntl

    end = time.monotonic() + seconds
    fd = os.open(path, os.O_RDONLY)
    try:
        while time.monotonic() < end:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                time.sleep(0.05)
    finally:
        os.close(fd)


def end_with(life: int) -> None:
    """Ends this process at once when the other end of the pipe `life` is closed: whoever asked is gone."""

    def watch() -> None:
        os.read(life, 1)
        os._exit(9)

    threading.Thread(target=watch, daemon=True).start()


def reason(error: BaseException) -> dict[str, Any]:
    """An exception as values."""
    text = " ".join(str(error).split()) or type(error).__name__
    found: dict[str, Any] = {"error": type(error).__name__, "message": text[:500]}
    if isinstance(error, OSError):
        found["path"] = str(error.filename or "")
    if isinstance(error, ImportError):
        found["module"] = error.name or ""
    return found
