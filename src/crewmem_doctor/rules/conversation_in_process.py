"""CM102 · conversations are kept in an object of the process

## Why
A module-level dict of sessions, a list of messages on `app.state`, an `lru_cache`d factory of crews: users call this
"memory", and it is the first thing to go. It is empty after every restart and deploy, each worker process and each replica
has one of its own, and nothing bounds its size. CrewAI's own memory on disk does not help a conversation that is kept here.

## Example
```python
crew_session_contexts = {}

@app.post("/chat")
def chat(body: Chat):
    context = crew_session_contexts.setdefault(body.session_id, [])
```

## Fix
Keep the conversation under the caller's id in a database or Redis, and read it at the start of each request.

## When this is not a problem
A cache in front of a durable store, or connections that end with the process anyway, such as open WebSockets.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import active, unique
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import workers_of


def check(project: Project) -> Iterator[Finding]:
    for memory in active(project):
        if memory.kind != "conversation":
            continue
        runs = project.runs_of(memory)
        workers = max((workers_of(run)[0] or 1 for run in runs), default=1)
        split = f"; each of the {workers} worker processes has one of its own" if workers > 1 else \
            "; a second worker or replica would have one of its own"
        certain = isinstance(memory.enabled, Known) and memory.enabled.confidence == "high"
        yield RULE.finding(
            memory.at, f"{memory.store.why} holds conversations in the process: it is empty after every restart and deploy{split}",
            subject=memory.callee, evidence=memory.store.why, confidence="high" if certain else "medium",
            because=_steps(memory),
            fix=Fix("Keep the conversation under the caller's id in a database, and read it at the start of each request",
                    'earlier = database.execute("SELECT content FROM messages WHERE session_id = %s ORDER BY id", (session_id,)).fetchall()\n'
                    'database.execute("INSERT INTO messages (session_id, content) VALUES (%s, %s)", (session_id, answer))'))


def _steps(memory: Memory) -> tuple[Step, ...]:
    steps = []
    for reach in memory.handlers:
        steps.append(Step(reach.entry.at, f"{reach.entry.label} uses it"))
        steps.extend(reach.steps)
    return tuple(unique([*steps, *memory.used_by]))


BY_SESSION = '''from fastapi import FastAPI

from app.crew import build_crew

app = FastAPI()
conversations: dict[str, list[str]] = {}  # <-- here


@app.post("/chat")
def chat(session_id: str, message: str):
    history = conversations.setdefault(session_id, [])
    history.append(message)
    answer = str(build_crew(message).kickoff(inputs={"history": history}))
    history.append(answer)
    return answer
'''
MANAGER = '''from flask import Flask, request
from crewai import Crew

app = Flask(__name__)


class SessionManager:
    def __init__(self):
        self.sessions = {}  # <-- here

    def remember(self, user_id, text):
        self.sessions[user_id] = [*self.sessions.get(user_id, []), text]
        return self.sessions[user_id]


manager = SessionManager()


@app.post("/ask")
def ask():
    history = manager.remember(request.json["user_id"], request.json["question"])
    return str(Crew(agents=[], tasks=[]).kickoff(inputs={"history": history}))
'''
RULE = Rule(
    id="CM102", severity="warning", check=check,
    summary="a long-lived object of the process holds conversations, sessions or crews by key, and a handler writes it",
    bad=(
        Example("a module-level dict of conversations", _trees.service(app__main_dot_py=BY_SESSION)),
        Example("a manager made once", {"server.py": MANAGER, "requirements.txt": "crewai==1.9.3\nflask\n"}),
    ),
    good=(
        Example("a table of constants", _trees.service(app__main_dot_py=_trees.API.replace(
            "app = FastAPI()", 'app = FastAPI()\nprompts = {"greet": "Hello", "bye": "Good bye"}').replace(
            "build_crew(topic)", 'build_crew(prompts.get(topic, "Hi"))'))),
        Example("a dict that lives for one request", _trees.service(app__main_dot_py=_trees.API.replace(
            "    return", "    sessions = {}\n    sessions[topic] = [topic]\n    return"))),
        Example("the tables are in a database", _trees.service(app__main_dot_py=_trees.API.replace(
            "    return", '    history = database.fetch("select text from messages where session = %s", topic)\n    return').replace(
            "from app.crew", "from app import database\nfrom app.crew"), app__database_dot_py="def fetch(query, *values):\n    return []\n")),
    ),
    premise=("Python objects belong to one process; CrewAI reads none of them back",),
)
