"""CM405 · everybody shares one memory

## Why
Memory knows no users. A crew's memory is one drawer for all who call the service: what one user says is stored beside what all
others said, and comes back as context for whoever asks something similar next. That is a leak, and it turns up on the day the
memory becomes durable. `kickoff(inputs={"user_id": …})` only fills placeholders; it keeps nobody apart.

## Example
```python
memory = Memory()

@app.post("/chat")
def chat(message: str, user_id: str):
    return Crew(agents=[helper], tasks=[task], memory=memory).kickoff(inputs={"message": message})
```

## Fix
Give each user a scope: `memory=memory.scope(f"/user/{user_id}/chat")`. [caller_identity](recipes/caller_identity.md) says
where the id comes from, and what to make of one that anybody may choose. Crews take one since 1.12; on 1.10 and 1.11
give each user a store of its own. Releases up to 1.9.3 have no scopes: from 0.114 on an external memory with an owner keeps
users apart ([postgres_external_storage](recipes/postgres_external_storage.md), or mem0's `user_id`).

## When this is not a problem
Where one person uses the tool, or where all users are meant to share what is known. Handlers that know nothing of their caller
are never reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.expression import Build, Expr, Fresh, FromCaller, Opaque, Text, walk
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Confidence, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory, Reach, Sink, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Release
from crewmem_doctor.releases.keys import keyed_by
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import active, several, unique
from crewmem_doctor.rules._in_code import SPLIT
from crewmem_doctor.rules._remedies import CALLER, unified
from crewmem_doctor.rules._replacements import per_user
from crewmem_doctor.rules._scoping import scoping
from crewmem_doctor.rules.base import Example, Rule

KINDS = ("crew", "memory", "agent", "short_term", "entity")
OWN_IDS = ("external", "third_party")   # these ask for an id themselves: only a constant one is shared
ROLES = ("crew_name", "agent_role")
USES = ("kickoff", "kickoff_async", "akickoff", "kickoff_for_each", "kickoff_for_each_async", "remember", "recall", "remember_many",
        "save", "search", "add")


# Ids of what a request is about, rather than of who sends it.
THINGS = re.compile(r"(?:parameter )?(?:workspace|channel|room|team|company|employee|contact|person|author|client|phone)", re.IGNORECASE)


def check(project: Project) -> Iterator[Finding]:
    found: dict[Location, list[tuple[Memory, list[Reach]]]] = {}
    for memory in active(project):
        knowing = sorted((r for r in memory.handlers if _known(r.entry)), key=lambda r: r.entry.kind == "task")
        if knowing and _shared(project, memory):
            found.setdefault(_place(project, memory, knowing[0]), []).append((memory, knowing))
    for at, memories in found.items():
        yield _finding(project, at, sorted(memories, key=lambda pair: pair[0].kind != "crew"))


def _known(entry: EntryPoint) -> list[str]:
    """What the handler knows its caller by."""
    return [] if entry.kind == "script" else [what for what in entry.identity if not THINGS.match(what)]


def _shared(project: Project, memory: Memory) -> bool:
    """Nothing that the caller is known by decides what is found: no key, no path, no argument of the construction."""
    if memory.kind in OWN_IDS:
        keys = [s for s in memory.sinks if s.name in ("user_id", "session_id", "thread_id")]
        return bool(keys) and all(isinstance(s.value, Text) for s in keys)  # a setting is one person's own tool
    if memory.kind not in KINDS or any(_keeps_apart(memory, sink, project.release) for sink in memory.sinks):
        return False
    if memory.level == "module":
        return True                     # made at import, before any caller is known
    if memory.store.kind == "unknown" or not _constant(memory.store.where):
        return False
    given = (a.value for call in project.code.calls if call.memory == memory.at for a in call.arguments if a.name not in ("agents", "tasks"))
    return memory.kind == "crew" or not any(isinstance(e, FromCaller) for value in given for e in walk(value))


def _keeps_apart(memory: Memory, sink: Sink, release: Release) -> bool:
    if sink.name in ROLES:
        flag = memory.kind == "crew"
        return any(isinstance(e, (FromCaller, Fresh)) for e in walk(sink.value)) and release.ever(
            lambda v: keyed_by(v, sink.name, memory_is_flag=flag) is not None)
    return sink.name != "agent_id" and not _constant(sink.value)


def _constant(value: Expr | None) -> bool:
    return not any(isinstance(e, (FromCaller, Fresh, Opaque, Build)) for e in walk(value))


def _place(project: Project, memory: Memory, reach: Reach) -> Location:
    """The call in the handler that reaches the memory; where the handler builds it itself, the call that uses it."""
    if reach.steps:
        return reach.steps[0].at
    uses = [c.at for c in project.code.calls
            if c.inside == reach.entry.qualname and c.callee.rsplit(".", 1)[-1] in USES and c.at >= memory.at]
    return min(uses, default=memory.at)


def _finding(project: Project, at: Location, memories: list[tuple[Memory, list[Reach]]]) -> Finding:
    memory, knowing = memories[0]
    first = knowing[0]
    entries = list(dict.fromkeys(r.entry.label for _, reaches in memories for r in reaches))
    certain = isinstance(memory.enabled, Known) and memory.enabled.confidence == "high" and not first.queued and memory.store.kind != "unknown"
    confidence: Confidence = "high" if certain else "medium"
    made = all(what.endswith(" of its own") for what in _known(first.entry))   # a name for the caller, whatever it took
    knows = f"has a {_known(first.entry)[0]}" if made else f"knows its caller: {_known(first.entry)[0]}"
    steps = [Step(first.entry.at, f"{first.entry.label} {knows}"), *first.steps]
    for one, reaches in memories:
        steps += [Step(one.at, f"{one.label} is built here, for everybody"), Step(one.turned_on or one.at, "memory is turned on here")]
        steps += [Step(_place(project, one, r), f"{r.entry.label} uses it too") for r in reaches if r is not first]
    key = next((s for s in memory.sinks if s.name not in ROLES and isinstance(s.value, Text)), None)
    under = f" under the constant {key.name} {key.value.value!r}" if key is not None and isinstance(key.value, Text) else ""
    return RULE.finding(
        at, f"{several(entries)} {_know(len(entries) == 1, made, several(_known(first.entry), 2))}, yet {memory.label} is one memory for everybody{under}: what one user says is recalled for the next",
        subject=memory.subject, evidence="|".join(sorted(entries)), confidence=confidence, because=unique(steps),
        fix=replace(_fix(memory, project.release), changes=scoping(project, memories), caveat=SPLIT, recipe=CALLER))


def _know(one: bool, made: bool, what: str) -> str:
    if made:
        return f"{'has' if one else 'have'} a {what}"
    return f"{'knows its' if one else 'know their'} caller ({what})"


def _fix(memory: Memory, release: Release) -> Fix:
    if memory.kind in OWN_IDS:
        return Fix("Pass the caller's own id instead of a constant", "user_id=user_id")
    if unified(release) and memory.callee.endswith("Flow"):
        return Fix("Give each user a scope", 'self.remember(text, scope=f"/user/{user_id}/chat")')
    if unified(release) and memory.kind == "agent":
        return Fix("Give each user a store of its own",
                   'Agent(role=role, goal=goal, backstory=backstory, memory=Memory(storage=f"/data/memory/{user_id}"))')
    return per_user(release)


USER = _trees.API.replace("topic: str", "topic: str, user_id: str").replace("return build", "return build").replace(
    "kickoff()", "kickoff(inputs={\"user\": user_id})  # <-- here")
ONE = '''import chainlit as cl
from crewai import Agent, Crew, Memory, Task

memory = Memory(storage="/data/memory")
helper = Agent(role="Helper", goal="Help", backstory="Helps")
crew = Crew(agents=[helper], tasks=[Task(description="{text}", expected_output="Text", agent=helper)], memory=memory)


@cl.on_message
async def on_message(message: cl.Message):
    answer = await crew.kickoff_async(inputs={"text": message.content})  # <-- here
    await cl.Message(content=str(answer)).send()
'''
CONSTANT = '''from fastapi import Depends, FastAPI, Header
from crewai.memory import Memory

app = FastAPI()
memory = Memory(storage="/data/memory")


def current_user(x_user: str = Header()):
    return x_user


@app.post("/note")
def note(text: str, user=Depends(current_user)):
    memory.remember(text, scope="/notes")  # <-- here
'''
PLAIN = USER.replace("  # <-- here", "")
RULE = Rule(
    id="CM405", severity="warning", check=check,
    summary="a handler that knows its user or session reaches a memory that keeps nobody apart",
    bad=(
        Example("the crew of every user", _trees.service(app__main_dot_py=USER), severity="warning"),
        Example("the same before scopes", _trees.service(app__main_dot_py=USER, requirements_dot_txt="crewai==1.9.3\nfastapi\nuvicorn\n")),
        Example("one memory for all chats", {"chat.py": ONE, "requirements.txt": "crewai==1.14.7\nchainlit\n"}),
        Example("a constant scope", {"main.py": CONSTANT, "requirements.txt": "crewai==1.15.30\nfastapi\n"}),
    ),
    good=(
        Example("a handler that knows nobody", _trees.service(app__main_dot_py=PLAIN.replace(", user_id: str", "").replace("user_id", "topic"))),
        Example("a company that the question is about", _trees.service(app__main_dot_py=PLAIN.replace("user_id", "company_name"))),
        Example("a customer whom the letter is about", _trees.service(app__main_dot_py=PLAIN.replace("user_id", "customer_name"))),
        Example("a scope for each user", {"main.py": CONSTANT.replace("  # <-- here", "").replace('"/notes"', 'f"/user/{user}/notes"'),
                                          "requirements.txt": "crewai==1.15.30\nfastapi\n"}),
        Example("a crew's name for each user, which is its scope", _trees.service(
            app__main_dot_py=PLAIN.replace("build_crew(topic)", "build_crew(topic, user_id)"),
            app__crew_dot_py=_trees.CREW.replace("topic: str)", "topic: str, user: str)").replace("memory=True", 'memory=True, name=f"chat-{user}"'))),
        Example("a store for each user", {"main.py": CONSTANT.replace("  # <-- here", "").replace('    memory.remember(text, scope="/notes")', (
            '    Memory(storage=f"/data/{user}").remember(text)')).replace("user=Depends(current_user)", "user: str").replace(
                'memory = Memory(storage="/data/memory")\n', ""), "requirements.txt": "crewai==1.15.30\nfastapi\n"}),
        Example("a crew without memory", _trees.service(app__main_dot_py=PLAIN, app__crew_dot_py=_trees.CREW.replace(", memory=True", ""))),
    ),
    premise=("ran 1.15.30: one crew recalls what another request's crew stored; another scope does not",
             "1.12.2 crew.py:387: root_scope=/crew/<name>, the same for everybody; ran 1.15.30: inputs have no effect on memory"),
)
