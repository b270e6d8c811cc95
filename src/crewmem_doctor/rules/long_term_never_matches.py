"""CM409 · long-term memory is asked with a text that never comes twice

## Why
Up to 1.9 long-term memory is looked up by the whole description of a task: `WHERE task_description = ?`. Where every
description carries what the request said, no description comes twice. Each run writes its lessons, and none is ever read.

## Example
```python
Task(description=f"Answer: {question}", expected_output="Text", agent=helper)
```

## Fix
Keep the description constant and bring what varies through the task's `context`; or rely on short-term and entity memory, which
search by meaning. From 1.10 on there is one memory, which does so too.

## When this is not a problem
Where the same requests come again word for word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.model.expression import Expr, Fresh, FromCaller, Table, Text, walk
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.memory import Step, TaskText
from crewmem_doctor.model.project import Project
from crewmem_doctor.releases.keys import long_term_needs_exact_task
from crewmem_doctor.rules._common import active, unique
from crewmem_doctor.rules._remedies import on_release
from crewmem_doctor.rules.base import Example, Rule

PLACEHOLDER = re.compile(r"\{[A-Za-z_]\w*\}")


def check(project: Project) -> Iterator[Finding]:
    if not project.release.always(long_term_needs_exact_task):
        return
    # A dict is no memory on these releases: the crew refuses it (CM601).
    refused = {c.memory for c in project.code.calls if (given := c.argument("memory")) is not None and isinstance(given.value, Table)}
    asking = [m for m in active(project) if m.kind in ("crew", "long_term") and m.tasks and m.served and m.at not in refused]
    if not asking or not all(_varies(task.description) for memory in asking for task in memory.tasks):
        return
    first = asking[0]
    steps = [step for memory in asking for task in memory.tasks for step in _places(task)]
    yield RULE.finding(
        first.turned_on or first.at, f"{on_release(project.release)} long-term memory is looked up by the exact description of a task, "
        "and every description here carries what the request said: what it stores is never found again",
        subject=first.subject, evidence="task descriptions", because=unique(steps),
        fix=Fix("Keep descriptions constant where lessons are to be found again", 'Task(description="Answer the question in the context", context=[question], expected_output="an answer", agent=agent)'))


def _varies(task: Expr) -> bool:
    return any(isinstance(e, (FromCaller, Fresh)) or (isinstance(e, Text) and PLACEHOLDER.search(str(e.value))) for e in walk(task))


def _places(task: TaskText) -> Iterator[Step]:
    yield Step(task.at, "this task is made with what the request said")
    at = getattr(task.description, "at", None)
    if at is not None:
        yield Step(at, "its description is another one for each request")


ASKED = '''from flask import Flask, request
from crewai import Agent, Crew, Task

app = Flask(__name__)


def team(question):
    helper = Agent(role="Helper", goal="Help", backstory="Helps")
    task = Task(description=f"Answer: {question}", expected_output="Text", agent=helper)
    return Crew(agents=[helper], tasks=[task], memory=True)  # <-- here


@app.post("/ask")
def ask():
    return str(team(request.json["question"]).kickoff())
'''
FILLED = ASKED.replace('f"Answer: {question}"', '"Answer: {question}"').replace(".kickoff()", '.kickoff(inputs={"question": request.json["question"]})')
PLAIN = ASKED.replace("  # <-- here", "")
RULE = Rule(
    id="CM409", severity="note", check=check,
    summary="long-term memory is looked up by exact task descriptions, and all of them carry request text",
    bad=(
        Example("an f-string", {"app.py": ASKED, "requirements.txt": "crewai==1.9.3\nflask\n"}, severity="note"),
        Example("a placeholder", {"app.py": FILLED, "requirements.txt": "crewai==0.130.0\nflask\n"}, severity="note"),
    ),
    good=(
        Example("a release that searches by meaning", {"app.py": PLAIN, "requirements.txt": "crewai==1.15.30\nflask\n"}),
        Example("a constant description", {"app.py": PLAIN.replace('f"Answer: {question}"', '"Answer the question"'),
                                           "requirements.txt": "crewai==1.9.3\nflask\n"}),
        Example("no memory", {"app.py": PLAIN.replace(", memory=True", ""), "requirements.txt": "crewai==1.9.3\nflask\n"}),
    ),
    premise=("1.9.3 memory/storage/ltm_sqlite_storage.py:88-93: WHERE task_description = ?; ran 0.203.2, 1.9.3: another text finds nothing",),
)
