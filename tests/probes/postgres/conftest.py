"""One server for all tests of a worker process, and a database of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from .server import Server, folder

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with folder() as made:
        running = Server(made)
        running.create()
        running.start()
        try:
            yield running
        finally:
            running.stop()


@dataclass(frozen=True)
class Case:
    """A database of its own, and a role with a password that owns it."""

    server: Server
    name: str
    password: str = "s3cr3t-of-the-role"

    def url(self, **more: Any) -> str:
        return self.server.url(**{"role": self.name, "password": self.password, "database": self.name, **more})

    def sql(self, *statements: str) -> list[Any]:
        return self.server.sql(*statements, database=self.name)

    def leftovers(self) -> list[str]:
        return self.server.leftovers(self.name)


@pytest.fixture
def case(server: Server) -> Iterator[Case]:
    made = Case(server, f"app{next(_NUMBERS)}")
    server.sql(f"CREATE ROLE {made.name} LOGIN PASSWORD '{made.password}'", f"CREATE DATABASE {made.name} OWNER {made.name}")
    yield made
    assert server.wait_gone(made.name) == []
    server.sql(f"DROP DATABASE {made.name} WITH (FORCE)", f"DROP OWNED BY {made.name} CASCADE", f"DROP ROLE {made.name}")
