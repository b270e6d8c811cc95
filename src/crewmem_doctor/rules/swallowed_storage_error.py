"""CM507 · an error of memory ends in a log line

## Why
A store that cannot be opened or written raises when a crew with memory is built, when it is started, or when something is
saved by hand. `except Exception: pass`, or a handler that only logs and goes on, turns that into a service that answers and
remembers nothing. Nobody is told until a user asks for what was said yesterday.

## Example
```python
try:
    memory.remember(text)
except Exception as error:
    logger.warning("memory failed: %s", error)   # and on it goes
```

## Fix
Raise again after logging, or answer with an error: then the failure is seen on the first request, not after weeks.

## When this is not a problem
Where the handler raises, hands the error on, or answers with an error; where memory is off; in a script whose user reads the
message on the console.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes.code import RaiseAgain
from crewmem_doctor.model.failure import Swallow
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import archived, unique
from crewmem_doctor.rules._failures import on_by_place, served
from crewmem_doctor.rules.base import Example, Rule

DOES = {"silent": "is dropped without a word", "logged": "ends in a log line", "answered": "is answered with a made-up result"}
WHAT = {"kickoff": "starting a crew with memory", "build": "building memory", "save": "saving to memory", "recall": "asking memory"}


def check(project: Project) -> Iterator[Finding]:
    memories = on_by_place(project)
    taken = {(f.cause.path, f.cause.line) for f in project.code.failures.fallbacks}     # CM501 speaks there
    groups: dict[tuple[str, ...], list[tuple[Swallow, str, Memory]]] = {}
    for swallow in project.code.failures.swallows:
        inside = [g for g in swallow.guarded if g.memory in memories]
        if not inside or (swallow.at.path, swallow.at.line) in taken or archived(project, swallow.at.path):
            continue
        first = min(inside, key=lambda g: (("save", "recall", "kickoff", "build").index(g.what), g.at))
        memory = memories[first.memory]
        if _is_seen(swallow, memory):
            continue
        by_hand = first.what in ("save", "recall")
        key = (swallow.at.path, swallow.inside) if by_hand else ("", str(memory.at))
        groups.setdefault(key, []).append((swallow, first.what, memory))
    for group in groups.values():
        yield _finding(group)


def _is_seen(swallow: Swallow, memory: Memory) -> bool:
    """In a script whoever started it reads what is printed."""
    return swallow.how != "silent" and not served(swallow.handlers) and (bool(swallow.handlers) or not memory.served)


def _finding(group: list[tuple[Swallow, str, Memory]]) -> Finding:
    swallow, what, memory = min(group, key=lambda g: (g[1] == "build", not served(g[0].handlers), g[0].at))
    more = [s for s, _, _ in group if s is not swallow]
    others = f", and {len(more)} more place{'s' if len(more) > 1 else ''} like it" if more else ""
    guarded: dict[Location, str] = {g.at: WHAT[g.what] for s, _, _ in group for g in s.guarded}
    steps = [*(Step(at, text) for at, text in guarded.items()), *(Step(s.at, f"an error {DOES[s.how]} here too") for s in more),
             Step(memory.turned_on or memory.at, "memory is turned on here")]
    return RULE.finding(
        swallow.at, f"an error from {WHAT[what]} {DOES[swallow.how]}: the caller never learns that memory failed{others}",
        subject=swallow.inside or "module", evidence=what, confidence="high" if what != "kickoff" or swallow.handlers else "medium",
        because=unique(steps),
        fix=Fix("Log it and raise it again, or answer with an error status", "except Exception:\n    logger.exception(\"memory failed\")\n    raise",
                changes=tuple(RaiseAgain(s.at) for s in (swallow, *more)), caveat="Callers get an error now where they got a made-up answer."))


SAVES = '''import logging

from fastapi import FastAPI
from crewai.memory import Memory

app = FastAPI()
memory = Memory()


@app.post("/note")
def note(text: str, user_id: str):
    try:
        memory.remember(text, scope=f"/user/{user_id}/notes")
    except Exception as error:  # <-- here
        logging.warning("could not save: %s", error)
    return {"ok": True}
'''
KICKOFF = '''from fastapi import FastAPI

from app.crew import build_crew

app = FastAPI()


@app.post("/chat")
def chat(topic: str):
    try:
        return str(build_crew(topic).kickoff())
    except Exception as error:  # <-- here
        print(error)
        return "Sorry, please ask again later."
'''
SUPPRESSED = '''from contextlib import suppress

from fastapi import FastAPI
from crewai.memory import Memory

app = FastAPI()
memory = Memory()


@app.post("/note")
def note(text: str, user_id: str):
    with suppress(Exception):  # <-- here
        memory.remember(text, scope=f"/user/{user_id}/notes")
    return {"ok": True}
'''
RAISES = KICKOFF.replace("  # <-- here", "").replace('return "Sorry, please ask again later."', "raise")
ANSWERS = KICKOFF.replace("  # <-- here", "").replace("from fastapi import FastAPI", "from fastapi import FastAPI, HTTPException").replace(
    'return "Sorry, please ask again later."', 'raise HTTPException(503, "the crew failed") from error')
TELLS = KICKOFF.replace("  # <-- here", "").replace('return "Sorry, please ask again later."', 'return {"error": str(error)}')
SCRIPT = '''from app.crew import build_crew

if __name__ == "__main__":
    try:
        print(build_crew("news").kickoff())
    except Exception as error:
        print(error)
'''
RULE = Rule(
    id="CM507", severity="warning", check=check,
    summary="an exception handler around memory, a kickoff or the store passes, only logs, or answers as if nothing had happened",
    bad=(
        Example("a save that only logs", _trees.service(app__main_dot_py=SAVES, app__crew_dot_py="")),
        Example("a canned answer around a kickoff", _trees.service(app__main_dot_py=KICKOFF)),
        Example("suppressed", _trees.service(app__main_dot_py=SUPPRESSED, app__crew_dot_py="")),
    ),
    good=(
        Example("raised again", _trees.service(app__main_dot_py=RAISES)),
        Example("answered with an error status", _trees.service(app__main_dot_py=ANSWERS)),
        Example("the caller is told", _trees.service(app__main_dot_py=TELLS)),
        Example("no memory", _trees.service(app__main_dot_py=KICKOFF.replace("  # <-- here", ""),
                                            app__crew_dot_py=_trees.CREW.replace(", memory=True", ""))),
        Example("a script whose user reads the console", {"app/__init__.py": "", "app/crew.py": _trees.CREW, "main.py": SCRIPT,
                                                          "requirements.txt": _trees.PINNED}),
    ),
    premise=("ran 0.130.0 to 1.15.30: an unwritable store raises where the crew or the Memory is built",
             "ran 1.15.30, 1.14.7: Memory.remember raises without a key or with a read-only store"),
)
