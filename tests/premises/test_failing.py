"""What the rules about failing memory rest on, shown by the real CrewAI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from premise import MARKS, PYTHONS, Place, premise, version_of

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.construction import UNDRAINED
from crewmem_doctor.releases.eras import era
from crewmem_doctor.releases.freezing import frozen
from crewmem_doctor.releases.spans import on

pytestmark = MARKS


@pytest.fixture(scope="module", params=PYTHONS or ["none"])
def python(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(python: str, root: Path, *words: str) -> Mapping[str, Any]:
    return Place(python, root).run("failing.py", *words)


@premise("CM204", "CM501", "CM507")
def test_a_store_that_cannot_be_written_raises_where_the_crew_is_built(python: str, tmp_path: Path) -> None:
    """CM501, CM507: so a handler around it hides that."""
    assert run(python, tmp_path, "unwritable")["building"] != "accepted"


@premise("CM108")
def test_a_directory_set_after_the_import(python: str, tmp_path: Path) -> None:
    """CM108: where Chroma's place is fixed at import, the records lie in the old one."""
    said = run(python, tmp_path, "late", str(tmp_path / "late"))
    old = (tmp_path / "home/.local/share/app/chroma.sqlite3").exists()
    assert old == (frozen(version_of(python), "short_term") is not None)
    assert (tmp_path / "late/memory").exists() == said["unified"]


WAYS = {
    ("remember", "many"): "remember_many",
    ("remember", "drained"): "",
    ("remember", "one"): "",
    ("agent",): "Agent.kickoff",
    ("crew",): "",
}


@premise("CM506")
def test_saves_before_a_normal_exit(python: str, tmp_path: Path) -> None:
    """CM506: what does not wait is lost, what waits is kept."""
    version = version_of(python)
    if not era(version).unified:
        pytest.skip("saves before it returns")
    stores = {words: str(tmp_path / "-".join(words)) for words in WAYS}
    for words, store in stores.items():
        Place(python, tmp_path, CREWAI_STORAGE_DIR=store).run("failing.py", *words)
    counted = run(python, tmp_path, "count", *(f"{store}/memory" for store in stores.values()))["records"]
    kept = {words: count > 0 for words, count in zip(WAYS, counted, strict=True)}
    assert kept == {words: on(UNDRAINED.get(how, ()), version) is None for words, how in WAYS.items()}


@premise("CM505")
def test_a_second_embedder_cannot_use_the_store(python: str, tmp_path: Path) -> None:
    """CM505: from 1.15 on it is refused with a name of its own."""
    if not era(version_of(python)).unified:
        pytest.skip("shown by Chroma itself")
    said = run(python, tmp_path, "mixed")
    if version_of(python) >= Version(1, 15, 0):
        assert said["second"] == "EmbeddingDimensionMismatchError"


@premise("CM109")
def test_reset_memories_empties_the_store(python: str, tmp_path: Path) -> None:
    """CM109."""
    if not era(version_of(python)).unified:
        pytest.skip("the method is another")
    assert run(python, tmp_path, "reset")["records"] == [1, 0]
