"""CM404 · a flow's state is saved and never read again

## Why
`@persist` writes a flow's state under its id. A kickoff that brings no id makes a new one, so each run starts from nothing and
leaves behind a state that nobody can name. The file grows, and nothing is ever remembered.

## Example
```python
@persist()
class Chat(Flow): …

Chat().kickoff(inputs={"message": text})
```

## Fix
Bring the id of the conversation: `flow.kickoff(inputs={"id": conversation_id})`. `restore_from_state_id=` also reads a stored
state, but goes on under a new id, so the next run must be told that one. Where the id comes from:
[caller_identity](recipes/caller_identity.md#flows).

## When this is not a problem
Where the stored states are only read by other tools, as a protocol of the runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.code import PassFlowId
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Confidence, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Kickoff, Memory, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._common import active, unique
from crewmem_doctor.rules._in_code import declined, known_by
from crewmem_doctor.rules._remedies import CALLER
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    for memory in active(project):
        named = any(sink.name == "flow_id" for sink in memory.sinks)
        if memory.kind == "flow" and not named and not any(_may_resume(kickoff) for kickoff in memory.kickoffs):
            yield _finding(memory)


def _may_resume(kickoff: Kickoff) -> bool:
    return isinstance(kickoff.resumes, Unknown) or kickoff.resumes.value


def _finding(memory: Memory) -> Finding:
    flow = memory.inside.rsplit(".", 1)[-1] if memory.callee.endswith("persist") else "the flow"
    places = [kickoff.at for kickoff in memory.kickoffs]
    # A flow that nothing here starts may be started, with an id, by what this tree does not hold.
    confidence: Confidence = "high" if places else "medium"
    started = "this kickoff brings no id" if places else "no call in this tree brings its id"
    reach = next((r for r in memory.handlers if r.entry.kind != "script"), None)
    steps = [Step(reach.entry.at, f"{reach.entry.label} enters here"), *reach.steps] if reach is not None else []
    steps += [Step(memory.turned_on or memory.at, "the state is saved because of this"), *(Step(at, "this kickoff brings none either") for at in places[1:])]
    return RULE.finding(
        places[0] if places else memory.at,
        f"the state of {flow} is saved and never read again: {started}, so every run starts from nothing under a new id",
        subject=memory.subject, evidence="kickoff without id", confidence=confidence, because=unique(steps),
        fix=Fix("Bring the id of the conversation or job; restore_from_state_id= reads a state too, but goes on under a new id",
                'flow.kickoff(inputs={"id": conversation_id})', changes=_changes(memory, places),
                caveat="What the flow does on a second run goes on from the state of the first one.", recipe=f"{CALLER}#flows"))


def _changes(memory: Memory, places: list[Location]) -> tuple[Change, ...]:
    if not places:
        return declined(memory.at, 'nothing here starts the flow; whoever does must pass inputs={"id": …}')
    return tuple(PassFlowId(at, known_by(memory)) for at in places)


CHAT = '''from crewai.flow.flow import Flow, start
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
    flow = Chat()
    return flow.kickoff(inputs={"message": message})  # <-- here
'''
GIVEN = '''from crewai.flow.flow import Flow, start
from crewai.flow.persistence import SQLiteFlowPersistence


class Report(Flow):
    @start()
    def write(self):
        return "text"


def run():
    flow = Report(persistence=SQLiteFlowPersistence("/data/flows.db"))
    flow.kickoff()  # <-- here


if __name__ == "__main__":
    run()
'''
PLAIN = CHAT.replace("  # <-- here", "")
NEW = {"requirements.txt": "crewai==1.15.30\nfastapi\n"}
RULE = Rule(
    id="CM404", severity="warning", check=check,
    summary="a flow keeps its state and no caller ever passes the id to restore it",
    bad=(
        Example("a chat", {"main.py": CHAT, **NEW}, severity="warning"),
        Example("a store that is handed over", {"main.py": GIVEN, **NEW}),
        Example("on an older release", {"main.py": CHAT, "requirements.txt": "crewai==0.203.2\nfastapi\n"}),
        Example("nothing starts it", {"main.py": PLAIN.split("@app.post")[0].replace("@persist()", "@persist()  # <-- here"), **NEW}),
    ),
    good=(
        Example("the id is passed", {"main.py": PLAIN.replace('"message"', '"id": conversation_id, "message"'), **NEW}),
        Example("a stored state is forked", {"main.py": PLAIN.replace("message})", "message}, restore_from_state_id=conversation_id)"), **NEW}),
        Example("inputs that come as they are", {"main.py": PLAIN.replace("message: str, conversation_id: str", "inputs: dict").replace(
            '{"message": message}', "inputs"), **NEW}),
        Example("one of the callers passes it", {"main.py": PLAIN + '''

@app.post("/resume")
def resume(conversation_id: str):
    return Chat().kickoff(inputs={"id": conversation_id})
''', **NEW}),
        Example("nothing is kept", {"main.py": PLAIN.replace("@persist()\n", ""), **NEW}),
    ),
    premise=("ran 1.15.30, 0.203.2: without an id a kickoff starts anew (1, 1); with inputs={\"id\": …} it goes on (1, 2)",),
)
