"""CM601 · a memory argument that CrewAI ignores or rejects

## Why
CrewAI's classes drop what they do not know without a word: `Crew(external_memory=…)` runs on the newest release, and nothing is
kept there. Much published advice was written for other releases, or for none: `memory={"session_id": …}` is rejected up to
1.9, becomes the memory itself on 1.10, and is silently dropped from 1.14.6 on. `@persist` without parentheses takes the class for
its store on every release: the flow cannot even be made. Up to 1.9 a `LongTermMemory` or an `EntityMemory` that a crew is given
alone is read and never saved into: the two are written together, and `memory=True` brings the other one.

## Example
```python
Crew(agents=[…], tasks=[…], memory={"session_id": session_id})
```

## Fix
What the finding says: it differs by release. One memory per user is a scope from 1.12 on.

## When this is not a problem
Code that only ever runs on a release that takes the argument; then pin that release. Lessons or entities that the code saves
by itself are not reported: the crew is only meant to read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crewmem_doctor.model.changes.code import ReplaceExpression
from crewmem_doctor.model.expression import Choice, Text
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import archived, unique
from crewmem_doctor.rules._remedies import on_release
from crewmem_doctor.rules._replacements import instead_of
from crewmem_doctor.rules._uses import Use, arguments
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str], list[Use]] = {}
    for uses in _by_call(project):
        first = uses[0]
        groups.setdefault((first.owner, ",".join(use.what for use in uses), first.newest.sentence), []).extend(uses)
    for (owner, what, sentence), uses in groups.items():
        first = uses[0]
        short = owner.rsplit(".", 1)[-1]
        newest = "" if project.release.locked else f" (on {project.release.newest})"
        steps = [Step(u.at, f"{short}({u.what}=…) stands here too") for u in uses[1:]]
        if first.call is not None:
            steps.insert(0, Step(first.call.at, f"{short} is called here"))
        asked = ", ".join(f"{name}=…" for name in what.split(","))
        yield RULE.finding(
            first.at, f"{short}({asked}) does not do what it says {on_release(project.release)}: {sentence}{newest}",
            subject=owner, evidence=what, confidence="medium" if _may_be_none(first) else "high", because=unique(steps),
            fix=instead_of(first, project.release))
    yield from _bare(project)


def _bare(project: Project) -> Iterator[Finding]:
    for bare in project.code.bare_persists:
        if not archived(project, bare.at.path):
            what, then = ("method", "the step never runs") if bare.on_method else ("class", "making the flow raises TypeError")
            yield RULE.finding(
                bare.at, f"@{bare.text} without parentheses takes the {what} {bare.name} for its store {on_release(project.release)}: "
                f"{then}, and no state is kept", subject=bare.name, evidence=bare.text,
                fix=Fix("Call it; where the state belongs elsewhere than in CrewAI's own place, hand it a persistence", "@persist()",
                        changes=(ReplaceExpression(bare.at, f"{bare.text}()"),)))


def _by_call(project: Project) -> Iterable[list[Use]]:
    """The arguments of one call that meet the same fate are one cause."""
    calls: dict[tuple[Location, str], list[Use]] = {}
    by_hand = any(call.callee.startswith("crewai.memory.") and call.callee.endswith((".save", ".asave")) for call in project.code.calls)
    for use in arguments(project):
        if use.never_works and not (by_hand and use.newest.outcome == "unwritten"):
            calls.setdefault((use.call.at if use.call is not None else use.at, use.newest.sentence), []).append(use)
    return calls.values()


def _may_be_none(use: Use) -> bool:
    value = use.given.value if use.given is not None else None
    return isinstance(value, Choice) and any(isinstance(o, Text) and o.value is None for o in value.options)


BY_SESSION = _trees.CREW.replace("def build_crew(topic: str)", "def build_crew(topic: str, session_id: str = \"\")").replace(
    "memory=True)", 'memory={"session_id": session_id})  # <-- here')
DICT_STORAGE = '''from crewai import Crew
from crewai.memory import LongTermMemory

SETTINGS = {"type": "sqlite", "path": "/data/crewai_memory.db"}
history = LongTermMemory(storage=SETTINGS)  # <-- here


def team(agents, tasks):
    return Crew(agents=agents, tasks=tasks, memory=True, long_term_memory=history)
'''
DROPPED = '''from crewai import Crew

from storage import make_external


def team(agents, tasks):
    return Crew(
        agents=agents,
        tasks=tasks,
        external_memory=make_external(),  # <-- here
    )
'''
BACKEND = '''import os

from crewai import Memory

memory = Memory(
    backend="redis",  # <-- here
    url=os.environ["REDIS_URL"],
)
'''
FLOW = '''from crewai.flow.flow import Flow, start
from crewai.flow.persistence import SQLiteFlowPersistence, persist


@persist(SQLiteFlowPersistence(path="/data/flow.db"))  # <-- here
class Intake(Flow):
    @start()
    def ask(self):
        self.state["asked"] = True


def resume(ticket: str):
    return Intake().kickoff(restore_from_state_id=ticket)
'''
BARE = '''from crewai.flow.flow import Flow, start
from crewai.flow.persistence import persist


@persist  # <-- here
class Intake(Flow):
    @start()
    def ask(self):
        self.state["asked"] = True


def resume(ticket: str):
    return Intake().kickoff(inputs={"id": ticket})
'''
BARE_STEP = '''from crewai.flow import persistence
from crewai.flow.flow import Flow, start


class Intake(Flow):
    @start()
    @persistence.persist  # <-- here
    def ask(self):
        self.state["asked"] = True
'''
OWN_PERSIST = '''from crewai.flow.flow import Flow, start


def persist(cls):
    return cls


@persist
class Intake(Flow):
    @start()
    def ask(self):
        self.state["asked"] = True
'''
LESSONS = '''from crewai import Crew
from crewai.memory import LongTermMemory
from crewai.memory.storage.ltm_sqlite_storage import LTMSQLiteStorage


def team(agents, tasks):
    return Crew(
        agents=agents,
        tasks=tasks,
        long_term_memory=LongTermMemory(storage=LTMSQLiteStorage(db_path="/data/lessons.db")),  # <-- here
    )
'''
# Another kind, another way to say that the rest is off, and the crew of a class.
PEOPLE = '''from crewai import Crew
from crewai.memory import EntityMemory, ShortTermMemory
from crewai.project import CrewBase, crew

BUREAU = {"entity_memory": EntityMemory(), "short_term_memory": ShortTermMemory()}  # <-- here


@CrewBase
class Bureau:
    @crew
    def crew(self) -> Crew:
        return Crew(agents=self.agents, tasks=self.tasks, memory=False, **BUREAU)
'''
# A kind that stands by itself.
RECENT = '''from crewai import Crew
from crewai.memory import ExternalMemory, ShortTermMemory

from storage import Notes


def team(agents, tasks):
    return Crew(agents=agents, tasks=tasks, short_term_memory=ShortTermMemory())


def desk(agents, tasks):
    return Crew(agents=agents, tasks=tasks, external_memory=ExternalMemory(storage=Notes()))
'''
OWN_KICKOFF = '''from crewai import Agent, Crew


class Desk(Crew):
    def kickoff(self, inputs=None, session_id=None):
        return super().kickoff(inputs={"session": session_id, **(inputs or {})})


def ask(agents, tasks, session_id):
    return Desk(agents=agents, tasks=tasks, memory=True).kickoff(session_id=session_id)
'''
RULE = Rule(
    id="CM601", severity="error", check=check,
    summary="a memory argument that the release in use ignores or rejects",
    bad=(
        Example("a session id as memory", _trees.service(app__crew_dot_py=BY_SESSION)),
        Example("a dict as storage", {"team.py": DICT_STORAGE, "requirements.txt": "crewai==1.9.3\n"}),
        Example("an argument that is gone", {"team.py": DROPPED, "storage.py": "def make_external():\n    return object()\n",
                                             "requirements.txt": "crewai==1.12.2\n"}),
        Example("an embedder that nobody knows", _trees.service(app__crew_dot_py=_trees.CREW.replace(
            "memory=True)", 'memory=True,\n                embedder={"provider": "anthropic"})  # <-- here'))),
        Example("a backend that Memory does not have", {"notes.py": BACKEND, "requirements.txt": "crewai==1.15.30\n"}),
        Example("a path under another name", {"flow.py": FLOW, "requirements.txt": "crewai==1.15.30\n"}),
        Example("a decorator that is not called", {"flow.py": BARE, "requirements.txt": "crewai==1.15.30\n"}),
        Example("a step whose decorator is not called", {"flow.py": BARE_STEP, "requirements.txt": "crewai==0.203.2\n"}),
        Example("a state that this release cannot restore by its id", {
            "flow.py": FLOW.replace('path="/data/flow.db"))  # <-- here', 'db_path="/data/flow.db"))').replace(
                "state_id=ticket)", "state_id=ticket)  # <-- here"), "requirements.txt": "crewai==1.14.4\n"}),
        Example("a kind of memory that is only read when it is alone", {"team.py": LESSONS, "requirements.txt": "crewai==1.9.3\n"}),
        Example("entities without lessons, by arguments of a dict", {"bureau.py": PEOPLE, "requirements.txt": "crewai==0.203.2\n"}),
        Example("a release that looks at no memory of a crew without the flag", {
            "team.py": RECENT.replace("short_term_memory=ShortTermMemory())", "short_term_memory=ShortTermMemory())  # <-- here").replace(
                "external_memory=ExternalMemory(storage=Notes()))", "external_memory=ExternalMemory(storage=Notes()))  # <-- here"),
            "storage.py": "class Notes:\n    pass\n", "requirements.txt": "crewai==0.114.0\n"}),
    ),
    good=(
        Example("the same argument where it is real", {
            "team.py": DROPPED.replace("  # <-- here", ""), "storage.py": "def make_external():\n    return object()\n",
            "requirements.txt": "crewai==1.9.3\n"}),
        Example("memory is simply on", _trees.service()),
        Example("a model of the application that is called Crew", {
            "models.py": "class Crew:\n    def __init__(self, **fields):\n        self.fields = fields\n",
            "main.py": "from crewai import Agent\nfrom models import Crew\n\nprint(Agent)\n"
                       'crew = Crew(memory={"session_id": 1}, external_memory=True)\n',
            "requirements.txt": "crewai==1.15.30\n"}),
        Example("a state restored by a release that can", {
            "flow.py": FLOW.replace('path="/data/flow.db"))  # <-- here', 'db_path="/data/flow.db"))'), "requirements.txt": "crewai==1.14.5\n"}),
        Example("a kickoff of the tree's own, with arguments of its own", {"desk.py": OWN_KICKOFF, "requirements.txt": "crewai==1.15.30\n"}),
        Example("a decorator that is called", {"flow.py": BARE.replace("@persist  # <-- here", "@persist()"), "requirements.txt": "crewai==1.15.30\n"}),
        Example("a decorator of the tree's own", {"flow.py": OWN_PERSIST, "requirements.txt": "crewai==1.15.30\n"}),
        Example("a kind of memory that is saved into when it is alone", {
            "team.py": RECENT, "storage.py": "class Notes:\n    pass\n", "requirements.txt": "crewai==1.9.3\n"}),
        Example("lessons and entities together", {
            "team.py": LESSONS.replace("  # <-- here", "").replace("        long_term", "        entity_memory=EntityMemory(),\n        long_term").replace(
                "import LongTermMemory", "import EntityMemory, LongTermMemory"), "requirements.txt": "crewai==1.9.3\n"}),
        Example("a flag that a setting decides, beside lessons", {
            "team.py": LESSONS.replace("  # <-- here", "").replace("        long_term", "        memory=settings.REMEMBER,\n        long_term").replace(
                "from crewai import Crew", "from crewai import Crew\nfrom django.conf import settings"), "requirements.txt": "crewai==1.9.3\n"}),
        Example("lessons that the code saves by itself, for the crew to read", {
            "team.py": LESSONS.replace("  # <-- here", "") + "\n\ndef learn(lesson):\n    LongTermMemory(path=\"/data/lessons.db\").save(lesson)\n",
            "requirements.txt": "crewai==1.9.3\n"}),
        Example("turned off by name", {
            "team.py": DROPPED.replace("make_external()", "None").replace("  # <-- here", ""),
            "storage.py": "def make_external():\n    return object()\n", "requirements.txt": "crewai==1.12.2\n"}),
    ),
    premise=("releases/_signatures.py: read from 173 wheels, 0.27.0 to 1.15.30, and compared with 0.203.2, 1.9.3 and 1.15.30 installed",
             "ran 1.15.30, 1.9.3, 0.203.2: a class below a bare @persist raises TypeError when it is called, a method is not run "
             "(1.9.3: KeyError)",
             "ran 1.9.3, 0.203.2, 0.130.0: a kickoff with long_term_memory or entity_memory alone searches its storage and never saves; "
             "0.114.0: with one kind alone it does neither",
             "ran 0.130.0, 0.203.2, 1.9.3, 1.10.1, 1.14.7 and 1.15.30; releases/_api_data.py and alone.py cite each"),
)
