"""Real servers with one and with four workers, over memories that are shared and memories that are not: each gets exactly
the finding that it deserves, or none. `bench/probe_http.py` runs the same cells twenty times each.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Seen, failing, outcomes, probed
from .servers import crewai_environment, everyone, release, sees_late, serving

OWN = [sys.executable] if importlib.util.find_spec("crewai") else []
PYTHONS = [p for p in os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep) if p] or OWN
# Server, application and workers; gunicorn's workers take one request at a time, gthread's four.
SERVERS = [("gunicorn", "web", 1), ("gunicorn", "web", 4), ("gthread", "web", 4), ("uvicorn", "api", 1), ("uvicorn", "api", 4)]
# Memory and habit of the application, and the checks that must fail because of it.
KINDS: dict[str, set[str]] = {
    "module": {"workers"}, "redis": set(), "postgres": set(), "redis-forgets": {"first-recall"}, "redis-shares": {"other-user"}}
TRIES = 3       # of isolated workers, of which one run in 250 is taken for an application that forgets: see plan.py


@pytest.fixture(scope="module", params=SERVERS, ids=lambda server: "-".join(map(str, server)))
def server(request: pytest.FixtureRequest, valkey: str, postgres: str) -> Iterator[tuple[str, int]]:
    """A URL, and how many workers there are."""
    name, app, workers = request.param
    with serving(name, app, workers, APP_REDIS=valkey, APP_POSTGRES=postgres) as url:
        yield url, workers


@pytest.mark.parametrize("kind", KINDS)
def test_each_application_gets_what_it_deserves(server: tuple[str, int], kind: str) -> None:
    url, workers = server
    expected: set[str] = set() if kind == "module" and workers == 1 else KINDS[kind]
    seen = judged(url, kind, expected)
    assert failing(seen) == expected, {check: (one.outcome, one.detail) for check, one in seen.items()}
    assert "error" not in outcomes(seen).values()
    if not expected:
        assert outcomes(seen)["other-user"] == "pass"
        assert seen["workers"].detail == "9 of 9; one store"
    if expected == {"workers"}:
        assert re.fullmatch(r"\d of \d(, told [2-5] times)?(, the last \d all recalled; one store that workers see late, or|;) "
                            r"about \d+ isolated workers \(\d+–\d+( or more)?\)", seen["workers"].detail)


def judged(url: str, kind: str, expected: set[str]) -> Seen:
    for _ in range(TRIES):
        seen = probed(url, {"path": f"/{kind}/chat"})
        if not (expected == {"workers"} and failing(seen) == {"first-recall"}):
            break
    return seen


@pytest.fixture(scope="module", params=[(python, workers) for python in PYTHONS or ["none"] for workers in (1, 4)],
                ids=lambda param: f"{Path(param[0]).parent.parent.name}-{param[1]}")
def crewai(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int, str]]:
    """An application over the real CrewAI's memory: a URL, how many workers there are, and the release."""
    python, workers = request.param
    found = release(python) if PYTHONS else ""
    if not found:
        pytest.skip("CrewAI is not installed, or no server to serve it with")
    folder = tmp_path_factory.mktemp("crewai")
    with serving("uvicorn", "crewai_app", workers, python=python, seconds=300, cwd=folder, **crewai_environment(folder)) as url:
        yield url, workers, found


@pytest.mark.crewai
@pytest.mark.timeout(600)
def test_crewais_store_that_each_request_opens_is_shared_by_the_workers_of_one_machine(crewai: tuple[str, int, str]) -> None:
    seen = probed(crewai[0], {"path": "/each/store-one/chat"}, timeout=100.0)
    assert failing(seen) == set(), {check: (one.outcome, one.detail) for check, one in seen.items()}
    assert seen["workers"].detail == "9 of 9; one store"


@pytest.mark.crewai
@pytest.mark.timeout(600)
def test_a_worker_that_opened_crewais_store_before_the_first_write_sees_it_late(crewai: tuple[str, int, str]) -> None:
    """In a store of its own, that all workers open before anything is told. The application saves what it is asked, too,
    after which its worker finds everything: each misses about once."""
    url, workers, found = crewai
    assert everyone(int(url.rpartition(":")[2]), workers, path="/once/store-two/pid")
    seen = probed(url, {"path": "/once/store-two/chat"}, timeout=100.0)
    late = workers > 1 and sees_late(found)
    assert failing(seen) == ({"workers"} if late else set()), {check: (one.outcome, one.detail) for check, one in seen.items()}
    assert seen["workers"].detail == "9 of 9; one store" or late
