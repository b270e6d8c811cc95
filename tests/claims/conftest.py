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
def hosts() -> Iterator[dict[str, Host]]:
    """Those that were asked for. A parametrized fixture would be made anew for every case."""
    found: dict[str, Host] = {}
    yield found
    for one in found.values():
        one.close()


@pytest.fixture
def host(request: pytest.FixtureRequest, hosts: dict[str, Host], tmp_path_factory: pytest.TempPathFactory) -> Host:
    release = request.param
    if release not in hosts:
        python = next((p for p in PYTHONS if named(p) == release), None)
        if python is None:
            pytest.skip(f"CREWMEM_TEST_PYTHONS names no interpreter with CrewAI {release}")
        hosts[release] = Host(python, release, tmp_path_factory.mktemp("host"))
    return hosts[release]
