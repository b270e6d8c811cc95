"""Real servers with one and with four workers, over memories that are shared and memories that are not: each gets exactly
the finding that it deserves, or none. `bench/probe_http.py` runs the same cells twenty times each.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Seen, failing, outcomes, probed
from .servers import crewai_environment, serving

OWN = [sys.executable] if importlib.util.find_spec("crewai") else []
PYTHONS = [p for p in os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep) if p] or OWN
# Server, application and workers; gunicorn's workers take one request at a time, gthread's four.
SERVERS = [("gunicorn", "web", 1), ("gunicorn", "web", 4), ("gthread", "web", 4), ("uvicorn", "api", 1), ("uvicorn", "api", 4)]
# Memory and habit of the application, and the checks that must fail because of it.
KINDS: dict[str, set[str]] = {
    "module": {"workers"}, "redis": set(), "postgres": set(), "redis-forgets": {"first-recall"}, "redis-shares": {"other-user"}}
TRIES = 3       # of isolated workers, of which one run in two hundred is taken for an application that forgets: see plan.py


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
        assert re.fullmatch(r"\d of \d(, told [2-4] times)?; about \d+ isolated workers \(\d+–\d+( or more)?\)", seen["workers"].detail)


def judged(url: str, kind: str, expected: set[str]) -> Seen:
    for _ in range(TRIES):
        seen = probed(url, {"path": f"/{kind}/chat"})
        if not (expected == {"workers"} and failing(seen) == {"first-recall"}):
            break
    return seen


@pytest.mark.crewai
@pytest.mark.skipif(not PYTHONS, reason="CrewAI is not installed")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("python", PYTHONS or ["none"])
def test_crewais_own_store_is_shared_by_the_workers_of_one_machine(python: str, workers: int, tmp_path: Path) -> None:
    needs = "import importlib.metadata as m; from crewai.memory.unified_memory import Memory; import starlette, uvicorn"
    if subprocess.run([python, "-c", needs], capture_output=True, check=False).returncode:
        pytest.skip("this release has no unified memory, or no server to serve it with")
    with serving("uvicorn", "crewai_app", workers, python=python, seconds=300, cwd=tmp_path, **crewai_environment(tmp_path)) as url:
        seen = probed(url, {"path": "/crewai/chat"}, timeout=100.0)
    assert failing(seen) == set(), {check: (one.outcome, one.detail) for check, one in seen.items()}
    assert outcomes(seen)["workers"] == "pass"
