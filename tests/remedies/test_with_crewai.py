"""Every Python remedy that a rule prints, run with each release of the real CrewAI that it is printed for.

What it promises is checked in two processes with different homes and directories, not only that it can be parsed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from interpreters import KEPT, PYTHONS, Replica, named, needs_crewai, replicas
from printed import RELEASES, Printed
from proofs import PYTHON, Proof, proof_of
from servers import Server

CHILD = Path(__file__).with_name("child.py")
pytestmark = needs_crewai
KEYS = dict.fromkeys(("GEMINI_API_KEY", "OPENAI_API_KEY", "COHERE_API_KEY", "GOOGLE_CLOUD_PROJECT"), "x")


@pytest.fixture(scope="module", params=[p for p in PYTHONS if named(p) in RELEASES] or ["none"],
                ids=lambda p: named(p) if p in PYTHONS else p)
def python(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pair(python: str, tmp_path_factory: pytest.TempPathFactory, postgres_server: Server,
         valkey_server: Server) -> Iterator[list[Replica]]:
    root = tmp_path_factory.mktemp("remedies")
    store = root / "default"
    store.mkdir()
    with replicas(python, CHILD, root, DATABASE_URL=postgres_server.url, MEMORY_REDIS_URL=valkey_server.url,
                  CREWAI_STORAGE_DIR=str(store), **KEYS) as both:
        yield both


class Case:
    """One snippet on one release: its two replicas, a place of its own and a user nobody else has."""

    counter = 0

    def __init__(self, snippet: str, pair: list[Replica], root: Path) -> None:
        Case.counter += 1
        self.snippet, self.one, self.two = snippet, *pair
        self.root = str(root / str(Case.counter))
        Path(self.root).mkdir()
        self.user = str(Case.counter * 1000 + 1)

    def do(self, replica: Replica, child: str, **given: object) -> object:
        return replica.do(child, snippet=self.snippet, root=self.root, **given)


def kept(case: Case, child: str) -> None:
    assert case.do(case.one, child, write=True)
    assert case.do(case.two, child, write=False)


def flow(case: Case, child: str) -> None:
    assert case.do(case.one, child, id=case.user) == 1
    assert case.do(case.two, child, id=case.user) == 2


def resumed(case: Case, child: str) -> None:
    assert case.do(case.one, child, conversation_id=case.user) == 1
    assert case.do(case.one, child, conversation_id=case.user) == 2
    assert case.do(case.one, child, conversation_id=case.user + "0") == 1


def per_user(case: Case, child: str) -> None:
    case.do(case.one, child, write=True, user_id=case.user)
    assert case.do(case.two, child, write=False, user_id=case.user)
    assert not case.do(case.two, child, write=False, user_id=case.user + "0")


def crew(case: Case, child: str) -> None:
    case.do(case.one, child, write=True)
    assert case.do(case.two, child, write=False)


def scope(case: Case, child: str) -> None:
    case.do(case.one, child, write=True, user_id=case.user + "0")
    assert case.do(case.two, child, write=False, user_id=case.user + "0")
    assert case.do(case.two, child, write=False, user_id=case.user) == []


def flow_scope(case: Case, child: str) -> None:
    assert case.do(case.one, child, user_id=case.user + "0")
    found = case.do(case.one, child, user_id=case.user)
    assert isinstance(found, list)
    assert found
    assert all(text.endswith(case.user) for text in found)


def messages(case: Case, child: str) -> None:
    before = case.do(case.one, child, answer=f"first {case.user}")
    assert isinstance(before, list)
    assert case.do(case.two, child, answer="second") == [*before, f"first {case.user}"]


def drained(case: Case, child: str) -> None:
    assert case.do(case.one, child) == 0
    assert case.two.do("stored", root=case.root) >= 1, "another process finds what was drained"


CHECKS: dict[str, Callable[[Case, str], None]] = {
    "kept": kept, "flow": flow, "resumed": resumed, "per-user": per_user, "crew": crew, "scope": scope, "flow-scope": flow_scope,
    "messages": messages, "drained": drained,
}
# What the child answers, where one answer is the whole proof.
ANSWERS: dict[str, object] = {
    "apart": [True, False], "constant": True, "same-role": ["Support agent", "Support agent"], "embedder": "taken", "builds": [1, 2],
    "saved": True,
}
LOUD = {"raises": ("OSError", "KeyError"), "lifespan": ("OSError",)}


@pytest.mark.parametrize("proof", [p for p in PYTHON if p.child], ids=lambda p: f"{p.how}-{PYTHON.index(p)}")
def test_remedy(proof: Proof, python: str, printed: list[Printed], pair: list[Replica], tmp_path: Path) -> None:
    snippets = {one.snippet for one in printed if proof_of(one.snippet)[:1] == [proof] and named(python) in one.releases}
    if not snippets:
        pytest.skip(f"nothing of the kind is printed for {named(python)}")
    for snippet in sorted(snippets):
        case = Case(snippet, pair, tmp_path)
        if proof.how in CHECKS:
            CHECKS[proof.how](case, proof.child)
        elif proof.how in LOUD:
            assert case.one.fails(proof.child, snippet=snippet, root=case.root).startswith(LOUD[proof.how]), snippet
        else:
            assert case.do(case.one, proof.child) == ANSWERS[proof.how], snippet


def test_the_storage_dir_moves_every_store(python: str, printed: list[Printed], tmp_path: Path) -> None:
    """`CREWAI_STORAGE_DIR=/data/…`, which is printed for every release."""
    snippets = {p.snippet for p in printed if named(python) in p.releases and p.snippet.startswith("CREWAI_STORAGE_DIR=")}
    assert snippets
    name, _, value = max(snippets).partition("=")
    with replicas(python, CHILD, tmp_path, **{name: value.replace("/data", str(tmp_path / "volume"))}) as (one, two):
        one.do("plain", write=True)
        assert two.do("plain", write=False)


def test_set_before_the_import_it_is_in_time(python: str, printed: list[Printed], tmp_path: Path) -> None:
    (snippet,) = {p.snippet for p in printed if named(python) in p.releases and proof_of(p.snippet)[0].how == "early"}
    (tmp_path / "home").mkdir()
    code = snippet.replace("/data", str(tmp_path / "volume")) + (
        "\nfrom crewai.rag.chromadb.constants import DEFAULT_STORAGE_PATH\n"
        "from crewai.utilities.paths import db_storage_path\nprint(DEFAULT_STORAGE_PATH, db_storage_path())")
    env = {**{k: os.environ[k] for k in KEPT if k in os.environ}, "HOME": str(tmp_path / "home")}
    done = subprocess.run([python, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.stdout.split()[-2:] == [str(tmp_path / "volume" / "crewai")] * 2, done.stderr[-2000:]


SPAWNED = """\
import multiprocessing, os, sys, warnings
import standins
from crewai.memory import Memory

def open_memory():
    return Memory(storage=sys.argv[1], llm=standins.llm(), embedder=standins.embed)

def ask(answers):
    answers.put([m.record.content for m in open_memory().recall("codeword", scope="/s", depth="shallow")])

if __name__ == "__main__":
    SNIPPET
    open_memory().remember("the codeword is hazel", scope="/s", categories=["c"], importance=0.5)
    answers = multiprocessing.Queue()
    child = multiprocessing.Process(target=ask, args=(answers,))
    child.start()
    print(answers.get(timeout=120), flush=True)
    child.join(60)
    os._exit(child.exitcode)
"""


def test_spawned_children_do_not_hang(python: str, printed: list[Printed], tmp_path: Path) -> None:
    (snippet,) = {p.snippet for p in printed if proof_of(p.snippet)[0].how == "spawn" and named(python) in p.releases}
    if named(python) != "1.15.30":
        pytest.skip("the older memory needs a whole crew; the rule's premise is shown in tests/premises")
    from interpreters import SUPPORT

    (tmp_path / "home").mkdir()
    (tmp_path / "app.py").write_text(SPAWNED.replace("SNIPPET", snippet))
    env = {**{k: os.environ[k] for k in KEPT if k in os.environ}, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(SUPPORT)}
    done = subprocess.run([python, "app.py", str(tmp_path / "m")], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert "the codeword is hazel" in done.stdout, done.stderr[-2000:]


def test_the_commands_have_the_options(python: str, printed: list[Printed], tmp_path: Path) -> None:
    snippets = {p.snippet for p in printed if named(python) in p.releases and proof_of(p.snippet)[0].how == "command"}
    assert snippets
    env = {**{k: os.environ[k] for k in KEPT if k in os.environ}, "HOME": str(tmp_path), "COLUMNS": "200"}
    for snippet in snippets:
        name, command, *options = snippet.split()
        done = subprocess.run([str(Path(python).with_name(name)), command, "--help"], env=env, cwd=tmp_path, capture_output=True,
                              text=True, timeout=200)
        for option in options:
            assert option in done.stdout, f"{command} of {named(python)} has no {option}"
