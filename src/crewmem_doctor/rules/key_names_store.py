"""CM403 · a setting is part of the key that memory is kept under

## Why
Up to 1.9 the agents' roles name the store, from 1.12 on the crew's name is its scope. A tenant's name, an environment, a
version or another setting in one of them makes all records part of that name. On the day it changes, memory starts empty: the
records are still there, under a name that nobody asks for any more.

## Example
```python
Agent(role=f"{os.environ['BRAND']} support agent", goal="Help", backstory="Helps")
```

## Fix
Keep the role or name constant, and put what varies into the goal, the backstory or the task.

## When this is not a problem
`{placeholder}` in a role is read before it is filled. An id that never changes, such as a user's, keeps users apart on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.model.expression import Build, Choice, Concat, EnvVar, Expr, Fresh, FromCaller, Joined
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Confidence, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Sink, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.releases.keys import keyed_by
from crewmem_doctor.rules._common import active, unique
from crewmem_doctor.rules._where import fresh_in
from crewmem_doctor.rules.base import Example, Rule

NAMES = {"crew_name": "crew's name", "agent_role": "agent's role"}
REMEDIES = {
    "crew_name": 'Crew(name="support", agents=agents, tasks=tasks, memory=True)',
    "agent_role": 'Agent(role="Support agent", goal=f"Help the customers of {brand}", backstory=backstory)',
}
VERSIONS = ("importlib.metadata.version", "importlib_metadata.version")
# What names one person, conversation or tenant for good.
LASTING = re.compile(r"(?:^|[_ -])(?:id|uuid|sub|email|key|uid|session|thread|user)\b", re.IGNORECASE)


def check(project: Project) -> Iterator[Finding]:
    found: dict[Location, tuple[Memory, Sink, str, list[Step]]] = {}
    for memory in active(project):
        for sink in memory.sinks:
            if not _counts(project, memory, sink) or any(f.nature != "host" for f in fresh_in(sink.value)):
                continue
            for at, what in _changing(sink.value, sink.at):
                entry = found.setdefault(at, (memory, sink, what, []))
                entry[3].append(Step(sink.at, f"it becomes part of the {NAMES[sink.name]} of {memory.label}"))
    for at, (memory, sink, what, steps) in found.items():
        yield _finding(at, memory, sink, what, steps)


def _counts(project: Project, memory: Memory, sink: Sink) -> bool:
    flag = memory.kind == "crew"
    return sink.name in NAMES and project.release.always(lambda v: keyed_by(v, sink.name, memory_is_flag=flag) is not None)


def _changing(value: Expr, at: Location) -> Iterator[tuple[Location, str]]:
    """The parts that stay for a while, with what to call them."""
    if isinstance(value, EnvVar):
        yield value.at or at, f"the setting {value.name}"
    elif isinstance(value, FromCaller) and not LASTING.search(value.what.split(" of ")[0]):
        yield value.at or at, value.what
    elif isinstance(value, Fresh) and value.nature == "host":
        yield value.at or at, "the host's name"
    elif isinstance(value, Build) and value.callee in VERSIONS:
        yield value.at or at, "the version"
    elif isinstance(value, (Concat, Joined)):
        for part in value.parts:
            yield from _changing(part, at)
    elif isinstance(value, Choice):
        for option in value.options:
            yield from _changing(option, at)


def _finding(at: Location, memory: Memory, sink: Sink, what: str, steps: list[Step]) -> Finding:
    certain = isinstance(memory.enabled, Known) and memory.enabled.confidence == "high"
    confidence: Confidence = "high" if certain else "medium"
    return RULE.finding(
        at, f"{what} is part of the {NAMES[sink.name]}, which memory is kept under: when it changes, nothing of before is found again",
        subject=memory.subject, evidence=f"{sink.name} {what}", confidence=confidence,
        because=unique([*steps, Step(memory.turned_on or memory.at, "memory is turned on here")]),
        fix=Fix(f"Keep the {NAMES[sink.name]} constant and say what varies elsewhere", REMEDIES[sink.name]))


ROLE = '''import os

from crewai import Agent, Crew, Task


def build(question):
    brand = os.environ["BRAND"]  # <-- here
    helper = Agent(role=f"{brand} support agent", goal="Help", backstory="Helps")
    task = Task(description=question, expected_output="Text", agent=helper)
    return Crew(agents=[helper], tasks=[task], memory=True)
'''
NAMED = '''from flask import Flask, request
from crewai import Agent, Crew, Task

app = Flask(__name__)


@app.post("/ask")
def ask():
    helper = Agent(role="Helper", goal="Help", backstory="Helps")
    task = Task(description="{text}", expected_output="Text", agent=helper)
    crew = Crew(
        agents=[helper], tasks=[task], memory=True,
        name="support-" + request.json["plan"],  # <-- here
    )
    return str(crew.kickoff(inputs={"text": request.json["text"]}))
'''
PLAIN = ROLE.replace("  # <-- here", "")
RULE = Rule(
    id="CM403", severity="warning", check=check,
    summary="an agent's role or a crew's name that memory is kept under contains something that changes one day",
    bad=(
        Example("a setting in a role", {"crew.py": ROLE, "requirements.txt": "crewai==1.9.3\n"}, severity="warning"),
        Example("the plan of a customer in the crew's name", {"app.py": NAMED, "requirements.txt": "crewai==1.15.30\nflask\n"}, severity="warning"),
    ),
    good=(
        Example("a placeholder, which is filled later", {"crew.py": PLAIN.replace('f"{brand} support agent"', '"{brand} support agent"'),
                                                         "requirements.txt": "crewai==1.9.3\n"}),
        Example("a role, where roles do not name the store", {"crew.py": PLAIN, "requirements.txt": "crewai==1.15.30\n"}),
        Example("a user's id in the crew's name", {"app.py": NAMED.replace("  # <-- here", "").replace('"plan"', '"user_id"'),
                                                   "requirements.txt": "crewai==1.15.30\nflask\n"}),
        Example("no memory", {"crew.py": PLAIN.replace(", memory=True", ""), "requirements.txt": "crewai==1.9.3\n"}),
        Example("in the backstory", {"crew.py": PLAIN.replace('role=f"{brand} support agent"', 'role="Support agent"').replace(
            'backstory="Helps"', 'backstory=f"Works for {brand}"'), "requirements.txt": "crewai==1.9.3\n"}),
    ),
    premise=("ran 0.203.2, 1.9.3: another role opens another collection; ran 1.15.30: another crew's name is another scope",),
)
