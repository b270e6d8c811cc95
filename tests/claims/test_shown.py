"""Every variant of the claims, run with the real CrewAI: what its users would see is what shown.yaml says.

The applications are the fixtures' own files, with their own web framework, in the deployment that stands beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest
import yaml
from deployment import CLAIMS, lends, read
from hosts import Host
from interpreters import needs_crewai
from model_server import Model
from servers import Server
from showing import Showing, stage

SHOWN = yaml.safe_load((CLAIMS / "shown.yaml").read_text(encoding="utf-8"))
RELEASES = ("1.15.30", "1.9.3", "0.203.2")
CASES = [
    pytest.param(release, row, variant, id=f"{release}-{row}-{variant}", marks=pytest.mark.xdist_group(f"claims {release}"))
    for release in RELEASES for row, variants in SHOWN.items() for variant in variants
]
DATABASE = "postgresql://crew:test@db/memory"
MIGRATION = """CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS memories (id text PRIMARY KEY, scope text NOT NULL, body jsonb NOT NULL, embedding vector);
TRUNCATE memories"""
pytestmark = needs_crewai


@pytest.fixture(scope="module")
def seen() -> dict[str, Mapping[str, str]]:
    """The same code in the same deployment is run once."""
    return {}


def identity(folder: Path, release: str, events: Mapping[str, str]) -> str:
    files = [(file.name, file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.py"))]
    return repr((release, files, read(folder), list(lends(folder)), list(events)))


@pytest.mark.parametrize(("host", "row", "variant"), CASES, indirect=["host"])
def test_what_users_see(host: Host, row: str, variant: str, model: Model, postgres_server: Server, valkey_server: Server,
                        seen: dict[str, Mapping[str, str]], tmp_path: Path) -> None:
    folder, expected = CLAIMS / row / variant, SHOWN[row][variant][host.release]
    key = identity(folder, host.release, expected)
    if key not in seen:
        url = postgres_server.url
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(MIGRATION)
        one = stage(folder, tmp_path, model, {DATABASE: url, "redis://redis:6379/0": valkey_server.url}, DATABASE_URL=url)
        seen[key] = Showing(host, model, one).outcome(expected)
    assert seen[key] == expected, f"see {tmp_path}/log"


@pytest.mark.parametrize("host", [pytest.param("1.15.30", marks=pytest.mark.xdist_group("claims 1.15.30"))], indirect=True)
@pytest.mark.parametrize(("row", "missing", "ends"), [("silent-store", "MEMORY_DATABASE_URL", "RuntimeError"), ("prevent-3", "", "SystemExit")])
def test_what_works_stops_where_memory_would_be_lost(host: Host, row: str, missing: str, ends: str, model: Model, tmp_path: Path) -> None:
    """The remedy of these rows is a start that fails: without the variable, without the volume."""
    one = stage(CLAIMS / row / "works", tmp_path, model, {})
    one.given["environment"].pop(missing, None)
    if not missing:
        one.given["volumes"].clear()
    assert Showing(host, model, one).outcome({"start": ends}) == {"start": ends}


@pytest.mark.parametrize(("host", "words"), [
    pytest.param(release, words, id=release, marks=pytest.mark.xdist_group(f"claims {release}"))
    for release, words in (("1.15.30", "'memory_save_failed'"), ("1.9.3", "OPENAI_API_KEY"), ("0.203.2", "OPENAI_API_KEY"))
], indirect=["host"])
def test_a_save_that_fails_is_only_in_the_log(host: Host, words: str, model: Model, tmp_path: Path) -> None:
    """Without the embedder's key every request succeeds. The log alone has a word of it: what is missing, or no more than
    that a save failed (1.15.30: its listeners show the reason to nobody)."""
    one = stage(CLAIMS / "silent-store/broken-embedder", tmp_path, model, {})
    assert Showing(host, model, one).outcome({"request": "lost"}) == {"request": "lost"}
    said = (tmp_path / "log").read_text(encoding="utf-8", errors="replace")
    assert words in said
    assert ("OPENAI_API_KEY" in said) == (words == "OPENAI_API_KEY")
