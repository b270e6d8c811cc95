"""Probes of real applications, and the stores behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crewmem_doctor.model.observation import Observation
from crewmem_doctor.probes import http
from crewmem_doctor.probes.session import Session
from crewmem_doctor.probes.target import parse
from crewmem_doctor.settings import Settings

from . import stores

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
    with stores.valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with stores.postgres(tmp_path_factory.mktemp("pg")) as url:
        yield url
