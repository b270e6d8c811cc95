"""CM301 · several worker processes, and a memory that lives in each one's own RAM

## Why
Worker processes do not share Python objects. With four of them a request lands on the worker that holds the conversation
one time in four; the other three have never heard of it. On the laptop there is one process, so it always works.

## Example
```sh
gunicorn app:app --workers 4      # over Memory(storage=<in RAM>) or a module-level dict of sessions
```

## Fix
Keep the records outside the process: on a path that all workers share, or in a server. One worker with threads works too,
until there is a second replica.

## When this is not a problem
A cache that each worker may fill for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import evidence_of, graded, placements, several, unique
from crewmem_doctor.rules._remedies import durable_store
from crewmem_doctor.rules._shared import in_a_server
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import survival, workers_of


def check(project: Project) -> Iterator[Finding]:
    groups: dict[tuple[int, int], list[tuple[Run, Placement]]] = {}
    for run, placement in placements(project):
        if placement.kind == "process" and survival(run, project.release)["worker"].word == "lost":
            groups.setdefault((id(run.service), id(run.process)), []).append((run, placement))
    for pairs in groups.values():
        runs = [run for run, _ in pairs]
        service, process = runs[0].service, runs[0].process
        severity, confidence = graded(RULE.severity, runs)
        count = workers_of(runs[0])[0]
        stores = several(dict.fromkeys(run.memory.store.why for run in runs))
        yield RULE.finding(
            (process.workers_at if process else None) or service.at,
            f"{service.id} runs {count} worker processes ({_server(process)}), and what is remembered lies in each one's "
            f"own RAM ({stores}): a request served by another worker finds nothing",
            subject=service.id, evidence="|".join(sorted({run.memory.subject for run in runs})), severity=severity,
            confidence=confidence,
            because=unique(step for run, p in pairs for step in _steps(run, p)),
            fix=replace(durable_store(runs[0].memory, project.release), changes=in_a_server(
                project, [run.memory for run in runs], "no setting makes workers share what lies in Python objects")))


def _steps(run: Run, placement: Placement) -> list[Step]:
    return [Step(run.memory.store.at or run.memory.at, "lives in one process"), *evidence_of(run, placement)[1:]]


def _server(process: Process | None) -> str:
    return process.server if process else "unknown server"


IN_RAM = """from crewai import Agent, Crew, Task
from crewai.memory import Memory


class RamStorage:
    def __init__(self):
        self.records = []

    def save(self, records):
        self.records.extend(records)

    def search(self, *args, **kwargs):
        return self.records

    def delete(self, *args, **kwargs):
        self.records.clear()


memory = Memory(storage=RamStorage())


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=memory)
"""
SESSIONS = """from flask import Flask, request
from crewai import Crew

app = Flask(__name__)
conversations = {}


@app.post("/chat")
def chat():
    session_id = request.json["session_id"]
    history = conversations.setdefault(session_id, [])
    history.append(request.json["message"])
    return str(Crew(agents=[], tasks=[]).kickoff(inputs={"history": history}))
"""
FOUR = "    command: uvicorn app.main:app --workers 4{}\n"
RULE = Rule(
    id="CM301", severity="error", check=check,
    summary="more than one worker process over a process-local store",
    bad=(
        Example("a storage of one's own that is a list", _trees.service(
            "services:\n  api:\n    build: .\n" + FOUR.format("  # <-- here"), app__crew_dot_py=IN_RAM)),
        Example("a dict of conversations under gunicorn", {
            "server.py": SESSIONS, "requirements.txt": "crewai==1.9.3\nflask\n",
            "Dockerfile": "FROM python:3.11-slim\nWORKDIR /srv\nCOPY . .\n"
                          'CMD ["gunicorn", "server:app", "-w", "3"] # <-- here\n'}),
    ),
    good=(
        Example("the workers share a directory", _trees.service(
            "services:\n  api:\n    build: .\n" + FOUR.format("") + "    volumes: [m:/root/.local]\nvolumes:\n  m:\n")),
        Example("one worker with threads", {
            "server.py": SESSIONS, "requirements.txt": "crewai==1.9.3\nflask\n",
            "Dockerfile": "FROM python:3.11-slim\nWORKDIR /srv\nCOPY . .\n"
                          'CMD ["gunicorn", "server:app", "--workers", "1", "--threads", "8"]\n'}),
    ),
    premise=("gunicorn and uvicorn start each worker as a process of its own; Python objects are not shared between processes",),
)
