"""Servers and replicas for the recipes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import servers


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[servers.Server]:
    server = servers.valkey()
    yield server
    servers.remove(server)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[servers.Server]:
    server = servers.postgres()
    yield server
    servers.remove(server)
