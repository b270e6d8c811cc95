"""One server for all tests of a worker process, and a database of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crewmem_doctor.model.observation import Observation
from crewmem_doctor.probes import postgres
from crewmem_doctor.probes.postgres import durability, steps
from crewmem_doctor.probes.session import Session, Verdict
from crewmem_doctor.probes.target import parse
from crewmem_doctor.settings import Settings

from .server import PASSWORD, Server, folder

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


Seen = dict[str, Observation]


def probed(url: str, timeout: float = 20, **settings: Any) -> Seen:
    """What the probe sees, check by check. Whatever it sees, it says no password."""
    session = Session(parse(url, {}), Settings(timeout=timeout, **settings), {}, Path("/"))
    with session:
        postgres.probe(session)
    told = repr(session.observations)
    for secret in (Case.password, PASSWORD):
        assert secret not in told
    return {seen.check: seen for seen in session.observations}


def outcomes(seen: Seen) -> dict[str, str]:
    return {check: observation.outcome for check, observation in seen.items()}


def looked(url: str, judge: Callable[[durability.Server, Verdict], None]) -> Verdict:
    """One verdict over what the real server says of itself, without the processes of a whole probe."""
    verdict = Verdict()
    judge(durability.Server(steps.look({"url": url, "seconds": 20})), verdict)
    return verdict
