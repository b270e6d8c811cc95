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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup` the tests that share two replicas run in one worker, which starts them once."""
    for item in items:
        spec = getattr(item, "callspec", None)
        if spec is not None:
            item.add_marker(pytest.mark.xdist_group(spec.id))
