"""One model, one PostgreSQL, and one host for each interpreter, for every claim."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from hosts import Host
from interpreters import PYTHONS, named
from model_server import Model
from servers import postgres_server, valkey_server  # noqa: F401


@pytest.fixture(scope="session")
def model() -> Iterator[Model]:
    one = Model()
    yield one
    one.close()


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    python = next((p for p in PYTHONS if named(p) == request.param), None)
    if python is None:
        pytest.skip(f"CREWMEM_TEST_PYTHONS names no interpreter with CrewAI {request.param}")
    one = Host(python, request.param, tmp_path_factory.mktemp("host"))
    yield one
    one.close()
