"""CM402 · memory is kept under a key that is new each time

## Why
Memory is found again by its key: a scope, a flow's id, a user or session id; up to 1.9 the agents' roles, from 1.12 the crew's
name. A uuid, a time, a process id or `id()` made for the request opens an empty drawer for each request. The records are all
there, and nobody will ever ask for them again.

## Example
```python
session_id = str(uuid4())
memory.remember(text, scope=f"/session/{session_id}")
```

## Fix
Take the key from the caller: an account, a conversation id, a cookie. Make one only where the caller sent none, and return it.
[caller_identity](recipes/caller_identity.md) has it all: where an id comes from, and what it becomes on which release.

## When this is not a problem
Where a conversation begins: the id is made once, the answer says it, and another request brings it back. And where the value
names something else, such as a job, a file or a trace; the rule looks only at what memory is keyed by.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.code import ConstantName, UseCaller
from crewmem_doctor.model.expression import Fresh
from crewmem_doctor.model.finding import Finding, Fix, Severity
from crewmem_doctor.model.known import Confidence, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Sink, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Release
from crewmem_doctor.releases.keys import keyed_by
from crewmem_doctor.rules._common import active, unique
from crewmem_doctor.rules._in_code import known_by
from crewmem_doctor.rules._remedies import CALLER
from crewmem_doctor.rules._where import code_alone, fresh_in
from crewmem_doctor.rules.base import Example, Rule

# What a person calls the key. What is not here names the writer of a record, not the drawer.
NAMES = {"scope": "scope", "root_scope": "root scope", "crew_name": "crew's name", "agent_role": "agent's role", "flow_id": "flow's id",
         "user_id": "user id", "run_id": "run id", "session_id": "session id", "thread_id": "thread id"}
ROLES = ("crew_name", "agent_role")
TITLES = {"crew_name": "Name the crew by a constant, and keep callers apart by a scope for each",
          "agent_role": "Give the agent a role that stays the same"}
REMEDIES = {
    "scope": 'scope=f"/user/{user_id}/chat"', "root_scope": 'Memory(root_scope=f"/user/{user_id}/chat")',
    "crew_name": 'Crew(name="support", agents=agents, tasks=tasks, memory=True)',
    "agent_role": 'Agent(role="Support agent", goal=goal, backstory=backstory)',
    "flow_id": 'flow.kickoff(inputs={"id": conversation_id})',
}


def check(project: Project) -> Iterator[Finding]:
    found: dict[Location, tuple[Memory, Sink, Fresh, list[Step]]] = {}
    around = code_alone(project)
    for memory in active(project):
        for sink in memory.sinks:
            if not _counts(memory, sink, project.release):
                continue
            for fresh in fresh_in(sink.value, around):
                if fresh.nature != "host" and fresh.at not in project.code.told:
                    entry = found.setdefault(fresh.at or sink.at, (memory, sink, fresh, []))
                    entry[3].append(Step(sink.at, f"it becomes the {NAMES[sink.name]} of {memory.label}"))
    for at, (memory, sink, fresh, steps) in found.items():
        yield _finding(project, at, memory, sink, fresh, steps)


def _counts(memory: Memory, sink: Sink, release: Release) -> bool:
    """Whether what this memory is found by depends on that value on some release in question."""
    if sink.name not in NAMES or (sink.name == "run_id" and memory.kind not in ("short_term", "crew")):
        return False
    return release.ever(lambda v: keyed_by(v, sink.name, memory_is_flag=memory.kind == "crew") is not None)


def _finding(project: Project, at: Location, memory: Memory, sink: Sink, fresh: Fresh, steps: list[Step]) -> Finding:
    release = project.release
    counts = [v for v in release.candidates if keyed_by(v, sink.name, memory_is_flag=memory.kind == "crew") is not None]
    always = len(counts) == len(release.candidates)
    used = memory.served or bool(project.runs_of(memory))
    severity: Severity = "error" if always and used else "warning"
    certain = always and isinstance(memory.enabled, Known) and memory.enabled.confidence == "high"
    confidence: Confidence = "high" if certain else "medium"
    reach = next((r for r in memory.handlers if r.entry.kind != "script"), None)
    entry = [Step(reach.entry.at, f"{reach.entry.label} enters here"), *reach.steps] if reach is not None else []
    range_note = "" if always else f" on the releases from {counts[0]} to {counts[-1]}, which the requirement allows"
    return RULE.finding(
        at, f"{fresh.source} is the {NAMES[sink.name]} that memory is kept under{range_note}: {_event(fresh, reach is not None)}",
        subject=memory.subject, evidence=f"{sink.name} {fresh.source}", severity=severity, confidence=confidence,
        because=unique([*entry, *steps, Step(memory.turned_on or memory.at, "memory is turned on here")]),
        fix=Fix(TITLES.get(sink.name, "Take the key from the caller; make one only where none was sent, and return it"),
                REMEDIES.get(sink.name, f"{sink.name}=request.{sink.name}"), changes=_changes(at, memory, sink),
                caveat=_caveat(sink, reach is not None), recipe=f"{CALLER}#flows" if sink.name == "flow_id" else CALLER))


def _changes(at: Location, memory: Memory, sink: Sink) -> tuple[Change, ...]:
    """A constant name; for what tells callers apart, the id that the entry point knows its caller by."""
    if sink.name in ROLES:
        return (ConstantName(at, sink.at),)
    return (UseCaller(at, known_by(memory)),) if at.path.endswith(".py") else ()


def _caveat(sink: Sink, served: bool) -> str:
    if sink.name not in ROLES:
        return "See that the id is the caller's own and stays the same."
    return "From then on all callers share what is remembered; a scope for each keeps them apart." if served else ""


def _event(fresh: Fresh, served: bool) -> str:
    if fresh.per_process or fresh.nature == "process":
        return "it is made once for each process, so after a restart, and in every other worker, nothing is found"
    if served:
        return "it is new for each request, so the next request finds nothing"
    return "it is new for each run, so the next run finds nothing"


SCOPED = '''from uuid import uuid4

from fastapi import FastAPI
from crewai.memory import Memory

app = FastAPI()
memory = Memory(storage="/data/memory")


@app.post("/chat")
def chat(message: str):
    session_id = str(uuid4())  # <-- here
    mine = memory.scope(f"/session/{session_id}/chat")
    mine.remember(message)
    return mine.recall(message)
'''
ROLE = '''import uuid

from flask import Flask, request
from crewai import Agent, Crew, Task

app = Flask(__name__)


def team(topic):
    helper = Agent(role=f"Helper {uuid.uuid4().hex[:6]}", goal="Help", backstory="Helps")  # <-- here
    task = Task(description=topic, expected_output="Text", agent=helper)
    return Crew(agents=[helper], tasks=[task], memory=True)


@app.post("/ask")
def ask():
    return str(team(request.json["topic"]).kickoff())
'''
RESUMED = '''import time

from crewai.flow.flow import Flow, start
from crewai.flow.persistence import persist
from fastapi import FastAPI

app = FastAPI()


@persist()
class Chat(Flow):
    @start()
    def answer(self):
        return "hello"


@app.post("/chat")
def chat(message: str):
    return Chat().kickoff(inputs={"id": f"chat-{time.time()}"})  # <-- here
'''
BEGUN = '''from uuid import uuid4

from flask import Flask, jsonify
from crewai.flow.flow import Flow, start
from crewai.flow.persistence import persist

app = Flask(__name__)


@persist()
class Quiz(Flow):
    @start()
    def ask(self):
        return "question"


@app.post("/quiz")
def begin():
    quiz_id = str(uuid4())
    first = Quiz().kickoff(inputs={"id": quiz_id})
    return jsonify(quiz=quiz_id, question=first)


@app.post("/quiz/<quiz_id>/next")
def go_on(quiz_id):
    return jsonify(question=Quiz().kickoff(inputs={"id": quiz_id}))
'''
RULE = Rule(
    id="CM402", severity="error", check=check,
    summary="a value made for the request reaches what memory is keyed by on the release in use",
    bad=(
        Example("a scope", {"main.py": SCOPED, "requirements.txt": "crewai==1.15.30\nfastapi\n"}, severity="error"),
        Example("an agent's role, where roles name the store", {"app.py": ROLE, "requirements.txt": "crewai==1.9.3\nflask\n"},
                severity="error"),
        Example("a conversation begins, and nobody is told its id", {
            "quiz.py": BEGUN.replace("str(uuid4())", "str(uuid4())  # <-- here").replace("quiz=quiz_id, ", ""),
            "requirements.txt": "crewai==1.15.30\nflask\n"}, severity="error"),
        Example("a flow's id", {"flow.py": RESUMED, "requirements.txt": "crewai==1.14.7\nfastapi\n"}, severity="error"),
    ),
    good=(
        Example("only the fallback of an id that the caller sends", {
            "main.py": SCOPED.replace("  # <-- here", "").replace("message: str)", "message: str, session: str | None = None)")
            .replace("str(uuid4())", "session or str(uuid4())"), "requirements.txt": "crewai==1.15.30\nfastapi\n"}),
        Example("a role, where roles do not name the store", {
            "app.py": ROLE.replace("  # <-- here", ""), "requirements.txt": "crewai==1.15.30\nflask\n"}),
        Example("a conversation begins, and the answer says its id", {"quiz.py": BEGUN, "requirements.txt": "crewai==1.15.30\nflask\n"}),
        Example("a job's id", {"main.py": SCOPED.replace("  # <-- here", "").replace("{session_id}", "main").replace(
            "return mine", 'print("job", session_id)\n    return mine'), "requirements.txt": "crewai==1.15.30\nfastapi\n"}),
    ),
    premise=("ran 1.15.30: a uuid in Crew(name=), root_scope= or scope= finds nothing, one in a role does no harm",
             "ran 0.203.2 and 1.9.3: a uuid in a role opens a new collection each time"),
)
