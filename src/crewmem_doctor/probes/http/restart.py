"""Restarts the application with the user's own command, and waits until it takes connections again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from crewmem_doctor.probes.session import Blind

PAUSE = 0.1


def restart(command: str, url: str, environ: Mapping[str, str], seconds: float) -> None:
    """Raises Blind where the command fails or takes longer than `seconds`, or the application does not come back."""
    end = time.monotonic() + seconds
    # A shell, since it is a line that its user types: "docker compose restart api && sleep 2".
    process = subprocess.Popen(command, shell=True, env=dict(environ), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Blind(f"the restart command did not end within {seconds:.0f} seconds (--timeout)") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        lines = errors.decode("utf-8", "replace").strip().splitlines()
        raise Blind(f"the restart command ended with status {process.returncode}" + (f": {lines[-1]}" if lines else ""))
    wait(url, end)


def wait(url: str, end: float) -> None:
    """Until the address takes connections. Raises Blind at `end`."""
    while True:
        try:
            connect(url, max(min(end - time.monotonic(), 2.0), 0.05)).close()
            return
        except OSError as error:
            if time.monotonic() >= end:
                raise Blind(f"the application did not come back after the restart command: {error}") from None
        time.sleep(PAUSE)


def connect(url: str, seconds: float) -> socket.socket:
    """A connection to the host and port of a URL."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return socket.create_connection((parts.hostname or "", port), seconds)
