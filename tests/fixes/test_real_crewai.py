"""Fixed code does with the real CrewAI what the fix promises: kept across processes, apart for each user, loud.

CREWMEM_TEST_PYTHONS names the interpreters, as for the premises. Every case is found broken, fixed by the program, and run in
two processes that only have the fixed text.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crewmem_doctor import repair
from crewmem_doctor.fixes import writing
from crewmem_doctor.settings import Settings

CHILD = Path(__file__).with_name("real_child.py")
OWN = [sys.executable] if importlib.util.find_spec("crewai") else []
PYTHONS = [p for p in os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep) if p] or OWN
pytestmark = [
    pytest.mark.crewai,
    pytest.mark.skipif(not PYTHONS, reason="CrewAI is not installed"),
    pytest.mark.timeout(300),
]
UNIFIED, OLDER = "1.15.30", "1.9.3"

TEAM = '''from crewai import Agent, Crew, Task
from fastapi import FastAPI
from standin import llm

app = FastAPI()


def team(topic: str):
    writer = Agent(role="Writer", goal="Write", backstory="Writes", llm=llm)
    task = Task(description=topic, expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=True)


@app.post("/chat")
def chat(topic: str, user_id: str):
    return team(topic).kickoff()
'''
SESSION = '''from standin import llm
from crewai import Agent, Crew, Task


def chat(topic, session_id):
    writer = Agent(role="Writer", goal="Write", backstory="Writes", llm=llm)
    task = Task(description=topic, expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory={"session_id": session_id}).kickoff()
'''
LEGACY = '''from standin import llm
from crewai import Agent, Crew, Task
from crewai.memory import EntityMemory, LongTermMemory

history = LongTermMemory(storage={"type": "sqlite", "path": "/data/history.db"})


def chat(topic):
    writer = Agent(role="Writer", goal="Write", backstory="Writes", llm=llm)
    task = Task(description=topic, expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=history, entity_memory=EntityMemory()).kickoff()
'''
KEYED = '''from uuid import uuid4

from standin import llm
from crewai.memory import Memory
from fastapi import FastAPI

app = FastAPI()
memory = Memory(storage="/data/keyed")


@app.post("/note")
def note(text: str, user_id: str):
    key = str(uuid4())
    mine = memory.scope(f"/session/{key}/notes")
    mine.remember(text, scope="/", categories=["note"], importance=0.5)
    return sorted(match.record.content for match in mine.recall("codeword", depth="shallow"))
'''
FLOW = '''from crewai.flow.flow import Flow, start
from crewai.flow.persistence import persist
from fastapi import FastAPI

app = FastAPI()


@persist()
class Chat(Flow):
    @start()
    def answer(self):
        self.state["turns"] = self.state.get("turns", 0) + 1
        return self.state["turns"]


@app.post("/chat")
def chat(message: str, conversation_id: str):
    return Chat().kickoff(inputs={"message": message})
'''
BATCH = '''import sys

from standin import llm
from crewai.memory import Memory

memory = Memory(storage="/data/batch")


def load():
    memory.remember_many(["codeword-batch"], scope="/", categories=["batch"], importance=0.5)


if __name__ == "__main__":
    load()
'''
SWALLOWED = '''import logging

from standin import llm
from crewai.memory import Memory
from fastapi import FastAPI

app = FastAPI()
memory = Memory(storage="/data/swallowed")


@app.post("/note")
def note(text: str, user_id: str):
    try:
        memory.remember(text, scope=f"/user/{user_id}/notes", categories=["note"], importance=0.5)
    except Exception as error:
        logging.warning("could not save: %s", error)
    return "ok"
'''
EMBEDDED = '''from crewai import Agent, Crew, Task


def team(topic: str):
    writer = Agent(role="Writer", goal="Write", backstory="Writes", llm="ollama/llama3")
    task = Task(description=topic, expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=True)
'''
LATE = '''import os

from crewai.flow.flow import Flow, start
from crewai.flow.persistence import persist


@persist()
class Counter(Flow):
    @start()
    def count(self):
        self.state["runs"] = self.state.get("runs", 0) + 1
        return self.state["runs"]


os.environ["CREWAI_STORAGE_DIR"] = "/data/late"


def run(job: str):
    return Counter().kickoff(inputs={"id": job})
'''
HISTORY = '''import datetime

from standin import llm
from crewai.memory import LongTermMemory

history = LongTermMemory(storage={"type": "sqlite", "path": "/data/lessons.db"})


def learn(lesson: str):
    history.storage.save(lesson, {"quality": 9}, str(datetime.datetime.now()), 9.0)


def lessons(lesson: str):
    return len(history.storage.load(lesson, 3) or [])
'''


def fixed(root: Path, name: str, text: str, release: str, *rules: str) -> None:
    """The case, broken, then with all its edits made, which must answer these rules."""
    case = root / f"tree-{name}"
    case.mkdir()
    path = case / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    (case / "requirements.txt").write_text(f"crewai=={release}\nfastapi\n", encoding="utf-8")
    plan = repair.remedies(case, Settings(select=rules))
    answered = {finding.rule for step in plan.steps for finding in step.findings}
    assert answered >= set(rules), [(r.finding.rule, r.reason) for r in plan.refused]
    writing.save(case, plan.files)
    work = root / "work"
    work.mkdir(exist_ok=True)
    # Audited with a place that lasts, run with one of the test's own.
    (work / f"{name}.py").write_text(path.read_text(encoding="utf-8").replace('"/data', f'"{root}'), encoding="utf-8")


def run(python: str, root: Path, *words: str, **variables: str) -> list[str]:
    """What a process of its own says to each (module, expression)."""
    home = root / "home"
    home.mkdir(exist_ok=True)
    keep = {k: os.environ[k] for k in ("PATH", "LANG", "LD_LIBRARY_PATH") if k in os.environ}
    done = subprocess.run([python, str(CHILD), *words], cwd=root / "work", env={**keep, "HOME": str(home), **variables},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert lines, done.stderr[-2000:]
    found: list[str] = json.loads(lines[-1])
    print(done.stderr[-3000:])      # shown where the test fails
    return found


def interpreter(release: str) -> str:
    for python in PYTHONS:
        asked = [python, "-c", "import importlib.metadata as m; print(m.version('crewai'))"]
        if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == release:
            return python
    pytest.skip(f"CrewAI {release} is not among the interpreters")


def test_the_unified_memory(tmp_path: Path) -> None:
    python = interpreter(UNIFIED)
    fixed(tmp_path, "scoped", TEAM, UNIFIED, "CM405")
    fixed(tmp_path, "session", SESSION, UNIFIED, "CM601")
    fixed(tmp_path, "legacy", LEGACY, UNIFIED, "CM602")
    fixed(tmp_path, "keyed", KEYED, UNIFIED, "CM402")
    fixed(tmp_path, "flow", FLOW, UNIFIED, "CM404")
    fixed(tmp_path, "batch", BATCH, UNIFIED, "CM506")
    fixed(tmp_path, "swallowed", SWALLOWED, UNIFIED, "CM507")
    fixed(tmp_path, "embedded", EMBEDDED, UNIFIED, "CM504")
    fixed(tmp_path, "late", LATE, UNIFIED, "CM108")
    first = run(
        python, tmp_path, "late", "run('job')",
        "scoped", "chat('Say codeword-ann', 'ann')", "session", "chat('Say codeword-eve', 'eve')",
        "legacy", "chat('Say codeword-old')", "keyed", "note('codeword-key', 'ann')", "flow", "chat('hello', 'c1')",
        "swallowed", "note('codeword-note', 'ann')", "embedded", "team('news')", "batch", "load()")
    assert first == ["1", "codeword-ann", "codeword-eve", "codeword-old", "['codeword-key']", "1", "ok", "KeyError", "None"]
    assert (tmp_path / "late").is_dir()
    second = run(
        python, tmp_path, "late", "run('job')",
        "scoped", "chat('What was it?', 'ann')", "scoped", "chat('What was it?', 'bob')",
        "session", "chat('What was it?', 'eve')", "session", "chat('What was it?', 'bob')", "legacy", "chat('What was it?')",
        "keyed", "note('codeword-two', 'ann')", "keyed", "note('codeword-bob', 'bob')", "flow", "chat('hello', 'c1')", "flow",
        "chat('hello', 'c2')",
        "batch", "[r.content for r in memory.list_records()]",
        "swallowed", "[setattr(type(memory), 'remember', None), note('x', 'ann')]",
        "embedded", "team('news').memory",
        OLLAMA_EMBEDDING_MODEL="nomic-embed-text", OLLAMA_EMBEDDING_URL="http://127.0.0.1:9/api/embeddings")
    assert second.pop() in ("True", "ValidationError")     # filled in; Ollama's own package may be missing
    assert second == [
        "2", "codeword-ann", "nothing", "codeword-eve", "nothing", "codeword-old", "['codeword-key', 'codeword-two']",
        "['codeword-bob']", "2", "1", "['codeword-batch']", "TypeError"]


def test_the_older_classes(tmp_path: Path) -> None:
    python = interpreter(OLDER)
    fixed(tmp_path, "flow", FLOW, OLDER, "CM404")
    fixed(tmp_path, "late", LATE, OLDER, "CM108")
    fixed(tmp_path, "lessons", HISTORY, OLDER, "CM601")
    words = ("late", "run('job')", "flow", "chat('hello', 'c1')", "lessons", "[learn('be brief'), lessons('be brief')]")
    assert run(python, tmp_path, *words) == ["1", "1", "[None, 1]"]
    assert (tmp_path / "late").is_dir()
    assert run(python, tmp_path, *words) == ["2", "2", "[None, 2]"]
