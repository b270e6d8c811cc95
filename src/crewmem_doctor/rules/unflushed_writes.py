"""CM506 · the process ends before its saves do

## Why
From 1.10 on memory is saved in the background. A crew's kickoff waits for it; `Agent.kickoff` and `remember_many` do not, nor did
a crew's `akickoff` before 1.15.3. Where nothing else follows, in a script, a job or a serverless handler that is frozen when it
returns, the last saves are lost without a word.

## Example
```python
def handler(event, context):
    return str(agent.kickoff(event["text"]))     # frozen before the save is done
```

## Fix
Wait: `memory.drain_writes()`, or `memory.close()` at the end, or kick off a crew, which waits by itself.

## When this is not a problem
In a server that lives on, and on releases up to 1.9, which save before they return.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes.code import WaitForSaves
from crewmem_doctor.model.failure import Unflushed
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.releases.construction import UNDRAINED
from crewmem_doctor.releases.spans import on
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import archived, unique
from crewmem_doctor.rules._failures import on_by_place
from crewmem_doctor.rules.base import Example, Rule

# Platforms that freeze or throttle a process between requests.
FROZEN = ("lambda", "sam", "serverless", "vercel", "netlify", "cloudrun", "functions")


def check(project: Project) -> Iterator[Finding]:
    memories = on_by_place(project)
    groups: dict[tuple[object, str], list[tuple[Unflushed, Memory, str]]] = {}
    for call in project.code.failures.unflushed:
        memory = memories.get(call.memory)
        if memory is None or call.drained or archived(project, call.at.path):
            continue
        spans = UNDRAINED.get(call.how, ())
        end = _end(project, call, memory)
        if end and project.release.always(lambda version, spans=spans: on(spans, version) is not None):  # type: ignore[misc]
            groups.setdefault((memory.at, call.how), []).append((call, memory, end))
    for group in groups.values():
        yield _finding(group)


def _end(project: Project, call: Unflushed, memory: Memory) -> str:
    """What ends or freezes the process, empty where it lives on."""
    served = [way.entry for way in call.handlers if way.entry.kind != "script"]
    function = next((entry for entry in served if entry.kind == "function"), None)
    if function is not None:
        return f"{function.label} is frozen when it returns"
    platform = next((run.service.platform for run in project.runs_of(memory) if run.service.platform in FROZEN), "")
    if platform:
        return f"{platform} freezes the process between requests"
    if call.exits is not None and not served:
        return "os._exit ends the process at once"
    if not served and (call.handlers or not call.inside):
        return "the script ends"
    return ""


def _finding(group: list[tuple[Unflushed, Memory, str]]) -> Finding:
    call, memory, end = group[0]
    name = "an asynchronous kickoff" if call.how in ("akickoff", "kickoff_async") else call.how
    steps = [Step(way.entry.at, f"{way.entry.label} enters here") for way in call.handlers[:1]]
    steps += [Step(other.at, "the same here") for other, _, _ in group[1:]]
    steps += [Step(call.exits, "the process ends here")] if call.exits is not None else []
    return RULE.finding(
        call.at, f"{name} returns while its saves are still on their way, and {end}: the last ones are lost", subject=call.inside or
        memory.subject, evidence=call.how, because=unique([*steps, Step(memory.turned_on or memory.at, "memory is turned on here")]),
        fix=Fix("Wait for the saves before the end", "memory.drain_writes()      # memory = Memory(), handed to the agent",
                changes=tuple(WaitForSaves(c.at, m.at) for c, m, _ in group)))


AGENT = '''from crewai import Agent
from crewai.memory import Memory

memory = Memory()
helper = Agent(role="Helper", goal="Help", backstory="Helps", memory=memory)


def handler(event, context):
    return str(helper.kickoff(event["text"]))  # <-- here
'''
SAM = '''AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Helper:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.12
'''
BATCH = '''from crewai import Crew
from crewai.memory import Memory

memory = Memory(storage="/data/memory")

if __name__ == "__main__":
    memory.remember_many(["one", "two"])  # <-- here
'''
DRAINED = BATCH.replace('"two"])  # <-- here', '"two"])\n    memory.drain_writes()')
BLOCKING = BATCH.replace('remember_many(["one", "two"])  # <-- here', 'remember("one")')
SERVER = '''from fastapi import FastAPI
from crewai import Agent
from crewai.memory import Memory

app = FastAPI()
helper = Agent(role="Helper", goal="Help", backstory="Helps", memory=Memory())


@app.post("/chat")
def chat(text: str):
    return str(helper.kickoff(text))
'''
PINNED = {"requirements.txt": "crewai==1.15.30\n"}
RULE = Rule(
    id="CM506", severity="warning", check=check,
    summary="the process may end, or be frozen, before background saves are done",
    bad=(
        Example("an agent's kickoff in a serverless handler", {"app.py": AGENT, "template.yaml": SAM, **PINNED}),
        Example("remember_many at the end of a script", {"load.py": BATCH, **PINNED}),
    ),
    good=(
        Example("it waits", {"load.py": DRAINED, **PINNED}),
        Example("remember waits by itself", {"load.py": BLOCKING, **PINNED}),
        Example("a server lives on", {"app.py": SERVER, **PINNED}),
        Example("a crew's kickoff waits", {"app/__init__.py": "", "app/crew.py": _trees.CREW, "main.py": (
            'from app.crew import build_crew\n\nif __name__ == "__main__":\n    build_crew("news").kickoff()\n'), **PINNED}),
    ),
    premise=("ran 1.15.30, 1.14.7: remember_many and Agent.kickoff, then a normal exit: no record; drain_writes() first: kept",
             "crewAI#6497, in 1.15.3: akickoff drains"),
)
