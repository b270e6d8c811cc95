"""Real servers with a given number of workers, serving the applications of `apps/`."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

APPS = Path(__file__).with_name("apps")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def command(server: str, app: str, workers: int, port: int, python: str = sys.executable) -> list[str]:
    """`server` is uvicorn, gunicorn (one request at a time in each worker) or gthread (gunicorn with threads)."""
    if server == "uvicorn":
        # A worker that imports half of CrewAI on a busy machine does not answer its supervisor for a while.
        return [python, "-m", "uvicorn", f"{app}:app", "--workers", str(workers), "--port", str(port), "--log-level", "error",
                "--timeout-worker-healthcheck", "120"]
    threads = ["--threads", "4"] if server == "gthread" else []
    return [python, "-m", "gunicorn", f"{app}:app", "-w", str(workers), "-b", f"127.0.0.1:{port}", "--log-level", "error",
            "--no-control-socket", *threads]


@contextmanager
def serving(server: str, app: str, workers: int, *, python: str = sys.executable, port: int = 0, seconds: float = 60,
            cwd: Path = APPS, **environment: str) -> Iterator[str]:
    """The URL of an application all of whose workers answer."""
    for attempt in range(3):
        at = port or free_port()
        process = start(command(server, app, workers, at, python), environment, cwd)
        try:
            if ready(process, at, workers, seconds):
                yield f"http://127.0.0.1:{at}"
                return
        finally:
            stop(process)
        assert attempt < 2, f"{server} with {app} did not start"


def start(words: Sequence[str], environment: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, (str(APPS), os.environ.get("PYTHONPATH"))))
    clean = {name: value for name, value in os.environ.items() if name != "WEB_CONCURRENCY"}
    return subprocess.Popen(words, cwd=cwd, env={**clean, "PYTHONPATH": path, **environment}, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def stop(process: subprocess.Popen[bytes]) -> None:
    """With all its workers. They have nothing to save."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def ready(process: subprocess.Popen[bytes], port: int, workers: int, seconds: float) -> bool:
    """Until every worker has answered. False where the server ended instead."""
    return everyone(port, workers, seconds, alive=lambda: process.poll() is None)


def everyone(port: int, workers: int, seconds: float = 60, path: str = "/pid", alive: Callable[[], bool] = lambda: True) -> bool:
    """Until as many processes as there are workers have answered at `path`. False where the server is not `alive`."""
    seen: set[int] = set()
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(8) as pool:
        while len(seen) < workers:
            assert time.monotonic() < end, f"{len(seen)} of {workers} workers answer"
            if not alive():
                return False
            seen.update(pid for pid in pool.map(lambda _: pid_of(port, path), range(2 * workers)) if pid)
            time.sleep(0.02)
    return True


def pid_of(port: int, path: str = "/pid") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return int(json.loads(connection.getresponse().read())["pid"])
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def crewai_environment(root: Path) -> dict[str, str]:
    """A place of its own, and nothing that goes out."""
    return {"HOME": str(root), "CREWAI_STORAGE_DIR": str(root / "store"), "CREWAI_DISABLE_TELEMETRY": "true",
            "OTEL_SDK_DISABLED": "true", "CREWAI_TRACING_ENABLED": "false"}


def release(python: str) -> str:
    """Which CrewAI an interpreter has, "" where it has none or no server to serve it with."""
    asks = "import uvicorn; from importlib.metadata import version; print(version('crewai'))"
    done = subprocess.run([python, "-c", asks], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def sees_late(release: str) -> bool:
    """Whether a worker that opened CrewAI's own store before another one wrote to it finds nothing there until it writes
    itself: LanceDB since 1.10. Chroma before finds it at once."""
    return tuple(map(int, release.split(".")[:2])) >= (1, 10)
