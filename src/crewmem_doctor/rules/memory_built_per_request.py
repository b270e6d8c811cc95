"""CM401 · memory is built anew for each request

## Why
This is the cause that is named most often, and on most releases it is none. CrewAI keeps memory on disk under a path, so a
crew that is built for each request finds the records of the one before. Up to 0.67 building a crew empties its short-term
memory (0.70: its first use does); then this is the loss itself. It is also one where the store is in RAM, or where the path or
the embedder changes with the request. Otherwise it only costs time and open files for each request.

## Example
```python
@app.post("/chat")
def chat(topic: str):
    return Crew(agents=[writer], tasks=[task], memory=True).kickoff()
```

## Fix
Build the memory once, when the process starts, and hand it to the crews that the requests build. What is left to do on the
releases that empty it: [storage_dir](recipes/storage_dir.md#releases-up-to-070).

## When this is not a problem
From 0.74 on with a store at a constant path: then this is a note about cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.code import MakeOnce
from crewmem_doctor.model.expression import FromCaller, Place, walk
from crewmem_doctor.model.finding import Finding, Fix, Severity
from crewmem_doctor.model.known import Confidence, Known
from crewmem_doctor.model.memory import Memory, Reach, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Release
from crewmem_doctor.releases.construction import resets_on_construction, sentence
from crewmem_doctor.releases.eras import era
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import active, several, unique
from crewmem_doctor.rules._in_code import declined
from crewmem_doctor.rules._remedies import RECIPES, on_release, unified
from crewmem_doctor.rules._where import fresh_in
from crewmem_doctor.rules.base import Example, Rule

KINDS = ("crew", "memory", "short_term", "long_term", "entity", "external")
LEGACY = ("short_term", "long_term", "entity")
RESET = ("crew", "short_term")          # what a reset at construction empties
WEIGHT: tuple[Severity, ...] = ("error", "warning", "note")
# A path by user is one store for each user, which is found again; a path by request never is.
PER_REQUEST = ("request_id", "requestid", "run_id", "job_id", "message_id", "trace", "correlation", "task_id", "timestamp")


def check(project: Project) -> Iterator[Finding]:
    groups: dict[object, list[Memory]] = {}
    for memory in active(project):
        if memory.kind in KINDS and _entries(memory) and _exists(memory, project.release):
            # The memories that one function builds for one crew are one cause.
            key = (memory.at.path, memory.inside, _labels(memory)) if memory.inside else memory.at
            groups.setdefault(key, []).append(memory)
    for memories in groups.values():
        yield _finding(project, memories)


def _exists(memory: Memory, release: Release) -> bool:
    """Whether some release in question has the class at all: where its import fails, nothing is built (CM602)."""
    return memory.kind not in LEGACY or release.ever(lambda v: era(v).legacy)


def _entries(memory: Memory) -> list[Reach]:
    return [r for r in memory.handlers if r.builds and r.entry.kind != "script"]


def _labels(memory: Memory) -> tuple[str, ...]:
    return tuple(sorted(r.entry.label for r in _entries(memory)))


def _finding(project: Project, memories: list[Memory]) -> Finding:
    judged = [(m, *_judge(m, project.release)) for m in memories]
    memory, severity, why = min(judged, key=lambda j: (WEIGHT.index(j[1]), j[0].kind != "crew", j[0].at))
    building = _entries(memory)
    entries = several(dict.fromkeys(r.entry.label for r in building))
    confidence: Confidence = "high" if isinstance(memory.enabled, Known) and memory.enabled.confidence == "high" else "medium"
    steps = [Step(building[0].entry.at, f"{building[0].entry.label} enters here"), *building[0].steps,
             Step(memory.at, f"{memory.label} is built here"),
             *(Step(m.at, f"{m.label} is built with it") for m in memories if m is not memory),
             *(Step(r.entry.at, f"{r.entry.label} builds one too") for r in building[1:])]
    return RULE.finding(
        memory.at, f"{memory.label} is built for each request ({entries}): {why}", subject=memory.subject,
        evidence="|".join(_labels(memory)), severity=severity, confidence=confidence,
        because=unique(steps), fix=replace(_fix(memory, project.release), changes=_changes(memory, severity, project.release)))


def _judge(memory: Memory, release: Release) -> tuple[Severity, str]:
    """The truth about this release, and its weight."""
    if memory.store.kind == "process":
        return "error", f"its store ({memory.store.why}) is in RAM, so each request starts with an empty memory"
    varies = _varies(memory)
    if varies:
        return "error", f"{varies}, so one request does not find what another one stored"
    if memory.kind in RESET:
        if release.always(resets_on_construction):
            return "error", f"{on_release(release)}, {sentence(release.newest)}"
        if release.ever(resets_on_construction):
            oldest = next(v for v in release.candidates if resets_on_construction(v))
            return "warning", f"some releases that the requirement allows, such as {oldest}, then empty the short-term memory; " \
                              f"on {release.newest} {sentence(release.newest)}"
    if memory.store.kind == "server":
        return "note", "nothing is lost by that, the records are on a server; it costs a new connection each time"
    return "note", f"nothing is lost by that {on_release(release)}: {sentence(release.newest)}"


def _varies(memory: Memory) -> str:
    """What makes the store another one for each request, empty where nothing does."""
    where = memory.store.where
    fresh = next((f for f in fresh_in(where) if not f.per_process and f.nature in ("random", "time")), None)
    if fresh is not None:
        return f"its path contains {fresh.source}"
    for expr in walk(where):
        if isinstance(expr, Place) and expr.kind == "temporary":
            return "its path is a new temporary directory"
        if isinstance(expr, FromCaller) and any(word in expr.what.lower() for word in PER_REQUEST):
            return f"its path depends on the request ({expr.what})"
    if memory.embedder is not None:
        caller = next((e for e in walk(memory.embedder.provider) if isinstance(e, FromCaller)), None)
        if caller is not None:
            return f"its embedder depends on the request ({caller.what})"
    return ""


def _fix(memory: Memory, release: Release) -> Fix:
    if unified(release):
        return Fix("Build the memory once, at import, and hand it to the crew of each request",
                   "memory = Memory()      # at import\n\nCrew(agents=agents, tasks=tasks, memory=memory)")
    if memory.kind == "crew":
        return Fix("Build the crew once, at import, and only call kickoff in the handler",
                   'crew = build_crew()      # at import\n\ncrew.kickoff(inputs={"question": question})',
                   recipe=f"{RECIPES}storage_dir.md#releases-up-to-070" if release.ever(resets_on_construction) else "")
    return Fix("Build the memory object once, at import, and pass it in")


def _changes(memory: Memory, severity: Severity, release: Release) -> tuple[Change, ...]:
    """Made once, where being made anew is what loses the records. A place that varies is answered by the rule about it."""
    if severity != "error" or (memory.kind == "crew" and not release.always(resets_on_construction)):
        return ()
    if _varies(memory):
        return declined(memory.at, f"{_varies(memory)}; say what must stay the same, the users are told apart by a scope")
    return (MakeOnce(memory.at, "crew" if memory.kind == "crew" else "memory"),)


IN_HANDLER = '''from flask import Flask, request
from crewai import Agent, Crew, Task

app = Flask(__name__)


@app.route("/chat", methods=["POST"])
def chat():
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    crew = Crew(agents=[writer], tasks=[task], memory=True)  # <-- here
    return str(crew.kickoff(inputs={"topic": request.json["topic"]}))
'''
HERE = _trees.CREW.replace("memory=True)", "memory=True)  # <-- here")
ONCE = _trees.CREW.replace("from crewai import Agent, Crew, Task", "from crewai import Agent, Crew, Task\nfrom crewai.memory import Memory"
                           "\n\nMEMORY = Memory()").replace("memory=True", "memory=MEMORY")
RULE = Rule(
    id="CM401", severity="note", check=check,
    summary="a crew with memory, or a memory, is constructed on the way from a request; severity follows what the release does",
    bad=(
        Example("two modules away, on a release that keeps the records", _trees.service(app__crew_dot_py=HERE), severity="note"),
        Example("in the handler, on a release that empties them", {
            "server.py": IN_HANDLER, "requirements.txt": "crewai==0.63.6\nflask\n"}, severity="error"),
        Example("a crew and the memories made for it are one cause", {
            "server.py": IN_HANDLER.replace("import Agent, Crew, Task", "import Agent, Crew, Task\nfrom crewai.memory import LongTermMemory")
            .replace("memory=True)  # <-- here", "memory=True,  # <-- here\n                long_term_memory=LongTermMemory())"),
            "requirements.txt": "crewai==0.130.0\nflask\n"}, severity="note"),
        Example("the release is not known", {"server.py": IN_HANDLER, "requirements.txt": "crewai\nflask\n"}, severity="warning"),
    ),
    good=(
        Example("the memory is built once and passed in", _trees.service(app__crew_dot_py=ONCE)),
        Example("the crew is built at import", _trees.service(
            app__crew_dot_py=_trees.CREW + '\n\ncrew = build_crew("news")\n',
            app__main_dot_py=_trees.API.replace("import build_crew", "import crew").replace("build_crew(topic).", "crew."))),
        Example("a class that the release does not have", {
            "server.py": IN_HANDLER.replace("import Agent, Crew, Task", "import Agent, Crew, Task\nfrom crewai.memory import LongTermMemory")
            .replace("memory=True)  # <-- here", "long_term_memory=LongTermMemory())"), "requirements.txt": "crewai==1.15.30\nflask\n"}),
        Example("a crew without memory", {"server.py": IN_HANDLER.replace(", memory=True)  # <-- here", ")"),
                                          "requirements.txt": "crewai==0.63.6\nflask\n"}),
    ),
    premise=("ran 0.130.0, 0.203.2, 1.9.3, 1.14.7, 1.15.30: a crew built anew in a second process finds the records",
             "0.28.8 memory/storage/rag_storage.py:72-73, 0.63.6:79-80, 0.67.1:80: reset at construction"),
)
