"""The probe with the real CrewAI. CREWMEM_TEST_PYTHONS names interpreters that have it, separated like PATH."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from comparison import described, disagreements, probed
from standin import environment, tree

PYTHONS = [python for python in os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep) if python]
SECONDS = 120.0     # on a machine with other work an import takes a minute
# One fixture for each way in which the table and the probe can meet.
MEETING = (
    "deployments/stale-workers/broken", "deployments/celery-prefork/broken", "deployments/systemd/broken",
    "deployments/chroma-workers/broken",
)
pytestmark = [pytest.mark.crewai, pytest.mark.skipif(not PYTHONS, reason="CrewAI is not installed"),
              pytest.mark.timeout(900)]
Doctor = Callable[..., Any]


def version_of(python: str) -> str:
    code = "import importlib.metadata as m; print(m.version('crewai'))"
    return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def observed(report: Mapping[str, Any]) -> dict[str, str]:
    return {one["check"]: one["outcome"] for one in report["observations"]}


@pytest.mark.parametrize("python", PYTHONS)
def test_every_check_where_it_stands(doctor: Doctor, tmp_path: Path, python: str) -> None:
    """What each release does, and nothing left of it in the home or in the temporary directory."""
    unified = tuple(map(int, version_of(python).split(".")[:2])) >= (1, 10)
    (tmp_path / "app").mkdir()
    outcome = doctor("probe", "crewai", "--python", python, "--timeout", str(SECONDS), "--format", "json",
                     cwd=tmp_path / "app", env=environment(tmp_path), timeout=SECONDS * 7)
    seen = observed(outcome.report)
    expected = {
        "import": "pass", "place": "pass", "write": "pass", "memory-events": "pass", "second-process-reads": "pass",
        "early-reader": "fail", "two-writers": "pass", "forked-child": "fail", "other-directory": "fail",
        "other-home": "fail", "exit-after-save": "fail" if unified else "pass", "embedder": "skip", "llm": "skip",
        "dimension": "skip", "cleanup": "pass"}
    assert {check: seen[check] for check in expected} == expected, outcome.report["observations"]
    # A healthy store gets notes only; where the test's own disk is RAM, that is found too.
    assert {finding["evidence"] for finding in outcome.report["findings"] if finding["severity"] != "note"} <= {"filesystem"}
    left = [name for folder in ("home", "tmp") if (tmp_path / folder).exists() for name in tree(tmp_path / folder)]
    assert left == []


@pytest.mark.parametrize("folder", MEETING)
def test_the_probe_and_the_survival_table_agree(command: list[str], folder: str) -> None:
    rows = list(described(folder))
    assert rows
    pythons = {version_of(python): python for python in PYTHONS}
    for _, service, release, words, forks in rows:
        if release not in pythons:
            pytest.skip(f"CrewAI {release} is not among the interpreters")
        report = probed(command, folder, service, pythons[release], SECONDS)
        assert disagreements(words, forks, report) == [], report["observations"]


TEAM = '''
from crewai import Agent, Crew, Task

def build():
    agent = Agent(role="r", goal="g", backstory="b", llm="gpt-4o-mini")
    return Crew(agents=[agent], tasks=[Task(description="d", expected_output="e", agent=agent)], memory=True)

def forgetful():
    agent = Agent(role="r", goal="g", backstory="b", llm="gpt-4o-mini")
    return Crew(agents=[agent], tasks=[Task(description="d", expected_output="e", agent=agent)])
'''
OWN = '''
import json, os, pathlib
from crewai import Memory
from crewai.memory.types import MemoryRecord

class Shelf:
    """A backend of somebody's own: a file of JSON."""
    path = pathlib.Path(os.environ["SHELF"])
    def _all(self): return [MemoryRecord(**one) for one in json.loads(self.path.read_text())] if self.path.exists() else []
    def _put(self, records): self.path.write_text(json.dumps([json.loads(r.model_dump_json()) | {"embedding": r.embedding} for r in records]))
    def save(self, records): self._put(self._all() + list(records))
    def search(self, query_embedding, scope_prefix=None, categories=None, metadata_filter=None, limit=10, min_score=0.0):
        score = lambda r: sum(a * b for a, b in zip(r.embedding, query_embedding))
        found = [r for r in self._all() if r.scope.startswith(scope_prefix or "/")]
        norm = lambda v: sum(a * a for a in v) ** 0.5 or 1.0
        ranked = [(r, score(r) / norm(r.embedding) / norm(query_embedding)) for r in found]
        return sorted(ranked, key=lambda pair: -pair[1])[:limit]
    def delete(self, scope_prefix=None, categories=None, record_ids=None, older_than=None, metadata_filter=None):
        kept = [r for r in self._all() if r.id not in (record_ids or ())]
        gone = len(self._all()) - len(kept)
        self._put(kept)
        return gone
    def update(self, record): pass
    def get_record(self, record_id): return next((r for r in self._all() if r.id == record_id), None)
    def list_records(self, scope_prefix=None, limit=200, offset=0):
        return [r for r in self._all() if r.scope.startswith(scope_prefix or "/")][offset:offset + limit]
    def get_scope_info(self, scope): raise NotImplementedError
    def list_scopes(self, parent="/"): return []
    def list_categories(self, scope_prefix=None): return {}
    def count(self, scope_prefix=None): return len(self.list_records(scope_prefix))
    def reset(self, scope_prefix=None): raise AssertionError("a probe never resets")
    async def asave(self, records): self.save(records)
    async def asearch(self, *a, **k): return self.search(*a, **k)
    async def adelete(self, *a, **k): return self.delete(*a, **k)

memory = Memory(storage=Shelf())
'''


@pytest.fixture
def unified() -> str:
    found = [python for python in PYTHONS if tuple(map(int, version_of(python).split(".")[:2])) >= (1, 15)]
    if not found:
        pytest.skip("no CrewAI 1.15 among the interpreters")
    return found[0]


def own(doctor: Doctor, tmp_path: Path, target: str, python: str, **environ: str) -> Any:
    shop = tmp_path / "app/shop"
    shop.mkdir(parents=True)
    (shop / "team.py").write_text(TEAM)
    (shop / "shelf.py").write_text(OWN)
    return doctor("probe", target, "--python", python, "--timeout", str(SECONDS), "--format", "json",
                  cwd=tmp_path / "app", env={**environment(tmp_path), "OPENAI_API_KEY": "none", **environ}, timeout=SECONDS * 5)


SEED = '''
import os
from crewai import Memory
from crewai.llms.base_llm import BaseLLM

class NoLLM(BaseLLM):
    def call(self, *args, **kwargs): return "done"

memory = Memory(llm=NoLLM(model="none"), embedder=lambda texts: [[0.1, 0.2, 0.3, 0.4] for _ in texts])
memory.remember("theirs", scope="/", categories=["x"], importance=0.5)
memory.close()
os._exit(0)
'''


def test_the_applications_own_table_is_only_looked_at(doctor: Doctor, tmp_path: Path, unified: str) -> None:
    app, env = tmp_path / "app", environment(tmp_path)
    app.mkdir()
    subprocess.run([unified, "-c", SEED], cwd=app, env={**env, "CREWAI_DISABLE_TELEMETRY": "true"}, check=True, timeout=300,
                   stdin=subprocess.DEVNULL, capture_output=True)
    before = tree(tmp_path / "home")
    assert any("memories.lance" in name for name in before)
    outcome = doctor("probe", "crewai", "--python", unified, "--timeout", str(SECONDS), "--format", "json", cwd=app,
                     env=env, timeout=SECONDS * 7)
    assert "vectors of 4" in next(one["detail"] for one in outcome.report["observations"] if one["check"] == "dimension")
    assert observed(outcome.report)["cleanup"] == "pass"
    assert tree(tmp_path / "home") == before


@pytest.mark.parametrize("python", PYTHONS)
def test_a_crew_of_the_users(doctor: Doctor, tmp_path: Path, python: str) -> None:
    outcome = own(doctor, tmp_path, "crew:shop.team:build", python)
    seen = observed(outcome.report)
    assert seen == dict.fromkeys(("import", "place", "write", "second-process-reads", "cleanup"), "pass"), outcome.report["observations"]
    assert list(tree(tmp_path / "home")) == []
    assert sorted(tree(tmp_path / "app")) == ["shop", "shop/shelf.py", "shop/team.py"]


def test_a_store_of_the_users_is_left_as_it_was(doctor: Doctor, tmp_path: Path, unified: str) -> None:
    """With records in it, their vectors tell the length. Empty, it is refused, and stays empty."""
    shelf = tmp_path / "shelf.json"
    shelf.write_text('[{"content": "theirs", "scope": "/", "embedding": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]}]')
    outcome = own(doctor, tmp_path, "crew:shop.shelf:memory", unified, SHELF=str(shelf))
    assert observed(outcome.report)["second-process-reads"] == "pass", outcome.report["observations"]
    assert observed(outcome.report)["cleanup"] == "pass"
    assert "theirs" in shelf.read_text()
    assert "codeword" not in shelf.read_text()


def test_an_object_that_cannot_be_kept_apart_is_refused(doctor: Doctor, tmp_path: Path, unified: str) -> None:
    shelf = tmp_path / "shelf.json"
    outcome = own(doctor, tmp_path, "crew:shop.shelf:memory", unified, SHELF=str(shelf))
    assert (outcome.status, observed(outcome.report)["import"]) == (2, "error")
    assert "holds no vectors yet" in outcome.report["observations"][0]["detail"]
    assert not shelf.exists()


def test_a_crew_without_memory_is_refused(doctor: Doctor, tmp_path: Path, unified: str) -> None:
    outcome = own(doctor, tmp_path, "crew:shop.team:forgetful", unified)
    assert (outcome.status, observed(outcome.report)["import"]) == (2, "error")
    assert "no memory turned on" in outcome.report["observations"][0]["detail"]
