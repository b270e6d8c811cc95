"""CM408 · a scope that is the beginning of another user's scope

## Why
A scope is not a folder. Recall takes every record whose scope begins with the text it is given, so `/user/1` also finds what is
stored under `/user/10` and `/user/12/notes`. An id at the end of a scope therefore opens the memory of every user whose id
begins like it. A slash at the end does not help: it is stripped.

## Example
```python
mine = memory.scope(f"/user/{user_id}")
```

## Fix
Put one more segment behind the id, which ends it: `/user/1/chat` does not begin `/user/10/chat`.

## When this is not a problem
With ids of one width, such as UUIDs or digests: none of them begins another.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes.code import EndScope
from crewmem_doctor.model.expression import Choice, Concat, Expr, Fresh, FromCaller, Joined, Text, walk
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Confidence
from crewmem_doctor.model.memory import Memory, Sink, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.releases.keys import keyed_by, scopes_are_prefixes
from crewmem_doctor.rules._common import active, turned_on, unique
from crewmem_doctor.rules._in_code import MOVED
from crewmem_doctor.rules.base import Example, Rule

NAMES = {"scope": "scope", "root_scope": "root scope"}


def check(project: Project) -> Iterator[Finding]:
    reported: set[object] = set()
    for memory in active(project):
        open_ended = [(sink, sent) for sink in memory.sinks if (sent := _open_end(memory, sink)) is not None]
        open_ended = [(s, sent) for s, sent in open_ended if s.at not in reported and project.release.ever(
            lambda v, name=s.name: scopes_are_prefixes(v) and keyed_by(v, name) is not None)]  # type: ignore[misc]
        if open_ended:
            reported.update(sink.at for sink, _ in open_ended)
            yield _finding(memory, open_ended)


def _finding(memory: Memory, found: list[tuple[Sink, FromCaller]]) -> Finding:
    sink, sent = found[0]
    # A session's or thread's id is often a UUID that the client made; what it sends is not checked.
    guess = any(word in sent.what for word in ("session", "thread", "conversation"))
    confidence: Confidence = "medium" if guess else "high"
    return RULE.finding(
        sink.at, f"the {NAMES[sink.name]} ends in {sent.what} as it was sent, and scopes are compared by their beginning: "
        "the memory of id 1 also recalls that of 10 and 123",
        subject=memory.subject, evidence=f"{sink.name} {sent.what}", confidence=confidence,
        because=unique([*(Step(s.at, f"this {NAMES[s.name]} ends in it too") for s, _ in found[1:]), turned_on(memory)]),
        fix=Fix("Put one more segment behind the id; a trailing slash is stripped", f'{sink.name}=f"/user/{{user_id}}/chat"',
                changes=tuple(EndScope(s.at) for s, _ in found), caveat=MOVED))


def _open_end(memory: Memory, sink: Sink) -> FromCaller | None:
    """The id that a scope ends in. A root scope is ended by the scopes that are used below it."""
    if sink.name not in NAMES:
        return None
    if sink.name == "root_scope" and any(s.name == "scope" for s in memory.sinks):
        return None
    return _last(sink.value)


def _last(value: Expr) -> FromCaller | None:
    if isinstance(value, FromCaller):
        return None if value.fixed or "uuid" in value.what.lower() else value
    if isinstance(value, (Concat, Joined)):
        parts = [p for p in value.parts if not (isinstance(p, Text) and str(p.value).strip("/") == "")]
        ends_in_slash = value.parts and isinstance(value.parts[-1], Text) and str(value.parts[-1].value).strip("/") == ""
        last = (parts[-1] if parts else None) if ends_in_slash else value.parts[-1] if value.parts else None
        return _last(last) if last is not None else None
    if isinstance(value, Choice):
        if any(isinstance(e, Fresh) and e.nature == "random" for e in walk(value)):
            return None                 # an id that the service makes itself is a UUID
        return next((found for found in map(_last, value.options) if found is not None), None)
    return None


SCOPED = '''from fastapi import FastAPI
from crewai.memory import Memory

app = FastAPI()
memory = Memory(storage="/data/memory")


@app.post("/chat/{user_id}")
def chat(user_id: int, message: str):
    mine = memory.scope(f"/user/{user_id}")  # <-- here
    mine.remember(message)
    return mine.recall(message)
'''
ROOT = '''from flask import Flask, request
from crewai import Agent, Crew, Memory, Task

app = Flask(__name__)


@app.post("/ask")
def ask():
    customer = request.json["customer_id"]
    memory = Memory(storage="/data/memory", root_scope="/customer/" + customer + "/")  # <-- here
    helper = Agent(role="Helper", goal="Help", backstory="Helps")
    task = Task(description=request.json["text"], expected_output="Text", agent=helper)
    return str(Crew(agents=[helper], tasks=[task], memory=memory).kickoff())
'''
PLAIN = SCOPED.replace("  # <-- here", "")
NEW = {"requirements.txt": "crewai==1.15.30\nfastapi\nflask\n"}
RULE = Rule(
    id="CM408", severity="warning", check=check,
    summary="a scope for each user ends in the raw id, and scopes are compared by their beginning",
    bad=(
        Example("a scope", {"main.py": SCOPED, **NEW}, severity="warning"),
        Example("a root scope with a slash at the end", {"app.py": ROOT, **NEW}, severity="warning"),
        Example("where it is saved and recalled", {"main.py": PLAIN.replace('mine = memory.scope(f"/user/{user_id}")', (
            'memory.remember(message, scope=f"/user/{user_id}")  # <-- here')).replace("    mine.remember(message)\n", "").replace(
                "mine.recall(message)", 'memory.recall(message, scope=f"/user/{user_id}")'), **NEW}),
    ),
    good=(
        Example("a further segment", {"main.py": PLAIN.replace("{user_id}\")\n    mine.", "{user_id}/chat\")\n    mine."), **NEW}),
        Example("a UUID", {"main.py": PLAIN.replace("from fastapi", "from uuid import UUID\n\nfrom fastapi").replace("user_id: int", "user_id: UUID"),
                           **NEW}),
        Example("a digest", {"main.py": PLAIN.replace("from fastapi", "import hashlib\n\nfrom fastapi").replace("{user_id}\")\n    mine.", (
            "{hashlib.sha256(str(user_id).encode()).hexdigest()}\")\n    mine.")), **NEW}),
        Example("a constant", {"main.py": PLAIN.replace('f"/user/{user_id}"', '"/support"'), **NEW}),
    ),
    premise=("ran 1.15.30: LIKE '<prefix>%', /user/bo also recalls /user/bob; a trailing slash is stripped",),
)
