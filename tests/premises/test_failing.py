"""What the rules about failing memory rest on, shown by the real CrewAI. Interpreters as in `test_rules.py`."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.construction import UNDRAINED
from crewmem_doctor.releases.freezing import frozen
from crewmem_doctor.releases.spans import on

CHILD = Path(__file__).with_name("failing.py")
OWN = [sys.executable] if importlib.util.find_spec("crewai") else []
PYTHONS = [p for p in os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep) if p] or OWN
pytestmark = [
    pytest.mark.crewai,
    pytest.mark.skipif(not PYTHONS, reason="CrewAI is not installed"),
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module", params=PYTHONS or ["none"])
def python(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(python: str, root: Path, *words: str) -> Mapping[str, Any]:
    (root / "app").mkdir(parents=True, exist_ok=True)
    keep = {k: os.environ[k] for k in ("PATH", "LANG", "LD_LIBRARY_PATH") if k in os.environ}
    done = subprocess.run(
        [python, str(CHILD), *words],
        cwd=root / "app",
        env={**keep, "HOME": str(root)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr[-2000:]
    result: Mapping[str, Any] = json.loads(lines[-1])
    return result


def version_of(said: Mapping[str, Any]) -> Version:
    found = Version.parse(str(said["version"]))
    assert found is not None
    return found


def test_a_store_that_cannot_be_written_raises_where_the_crew_is_built(python: str, tmp_path: Path) -> None:
    """CM501, CM507: so a handler around it hides that."""
    assert run(python, tmp_path, "unwritable")["building"] != "accepted"


def test_a_directory_set_after_the_import(python: str, tmp_path: Path) -> None:
    """CM108: where Chroma's place is fixed at import, the records lie in the old one."""
    said = run(python, tmp_path, "late", str(tmp_path / "late"))
    old = (tmp_path / ".local/share/app/chroma.sqlite3").exists()
    assert old == (frozen(version_of(said), "short_term") is not None)
    assert (tmp_path / "late/memory").exists() == said["unified"]


@pytest.mark.parametrize(
    ("words", "how"),
    [
        (("remember", "many"), "remember_many"),
        (("remember", "drained"), ""),
        (("remember", "one"), ""),
        (("agent",), "Agent.kickoff"),
        (("crew",), ""),
    ],
)
def test_saves_before_a_normal_exit(python: str, tmp_path: Path, words: tuple[str, ...], how: str) -> None:
    """CM506: what does not wait is lost, what waits is kept."""
    said = run(python, tmp_path, *words)
    if not said["unified"]:
        pytest.skip("saves before it returns")
    lost = on(UNDRAINED.get(how, ()), version_of(said)) is not None
    assert (run(python, tmp_path, "count")["records"] == 0) == lost


def test_a_second_embedder_cannot_use_the_store(python: str, tmp_path: Path) -> None:
    """CM505: from 1.15 on it is refused with a name of its own."""
    said = run(python, tmp_path, "mixed")
    if version_of(said) >= Version(1, 15, 0):
        assert said["second"] == "EmbeddingDimensionMismatchError"


def test_reset_memories_empties_the_store(python: str, tmp_path: Path) -> None:
    """CM109."""
    said = run(python, tmp_path, "reset")
    if said["unified"]:
        assert said["records"] == [1, 0]
