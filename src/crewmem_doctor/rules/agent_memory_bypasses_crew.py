"""CM406 · an agent's own memory passes the crew's by

## Why
From 1.10 on `Agent(memory=True)` is no hint but a memory: the agent opens the store for itself, with the default embedder and
without a scope. It is used instead of the crew's. The crew's scope and embedder do not apply to what such an agent saves; where
the crew's memory is off, the agent remembers all the same. With another embedder than the crew's, one store holds vectors that
cannot be compared.

## Example
```python
writer = Agent(role="Writer", goal="Write", backstory="Writes", memory=True)
crew = Crew(agents=[writer], tasks=[task], memory=True, embedder={"provider": "ollama", …})
```

## Fix
Leave `memory` away from the agents and turn it on for the crew; or hand the agent a scope of the crew's memory.

## When this is not a problem
Up to 1.9 the agent's flag is ignored. An agent that is given a `Memory` or a scope keeps to that.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.code import RemoveArgument
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Confidence, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Step, Team
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.rules._common import active, unique
from crewmem_doctor.rules._in_code import declined
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    crews: dict[Location, list[Memory]] = {}
    for memory in active(project):
        if memory.kind == "agent" and memory.store.why.startswith("crewai") and memory.team is not None:
            crews.setdefault(memory.team.at, []).append(memory)
    for agents in crews.values():
        team = agents[0].team
        if team is not None and (what := _bypasses(team, project.release)):
            yield _finding(agents, team, what)


def _bypasses(team: Team, release: Release) -> str:
    """What of the crew's does not hold for the agent; empty where both open the same view, and where it is not known."""
    if isinstance(team.memory, Unknown):
        return ""
    if not team.memory.value:
        return "the crew's memory is off, and these agents remember all the same, with the default embedder and without a scope"
    if team.embedder is not None:
        return "its records bear neither the crew's scope nor the vectors of the crew's embedder"
    if release.ever(lambda v: v >= Version(1, 12, 0)):
        return "its records lie outside the crew's scope, where the crew never looks and every other one does"
    return ""


def _finding(agents: list[Memory], team: Team, what: str) -> Finding:
    first = agents[0]
    certain = isinstance(first.enabled, Known) and first.enabled.confidence == "high"
    confidence: Confidence = "high" if certain else "medium"
    who = f"{first.label} and {len(agents) - 1} more open" if len(agents) > 1 else f"{first.label} opens"
    return RULE.finding(
        first.turned_on or first.at, f"{who} the store past the crew's memory: {what}",
        subject=first.subject, evidence="agent memory flag", confidence=confidence,
        because=unique([*(Step(a.turned_on or a.at, "so does this agent") for a in agents[1:]), Step(team.at, "the crew they work in"),
                        *([Step(team.embedder, "the crew's embedder")] if team.embedder is not None else [])]),
        fix=Fix("Leave memory to the crew, or hand the agent the memory it is to use", "agent = Agent(role=role, goal=goal, backstory=backstory)\nCrew(agents=[agent], tasks=tasks, memory=True)",
                changes=_changes(agents, team), caveat="What these agents remember now stays outside the crew's scope."))


def _changes(agents: list[Memory], team: Team) -> tuple[Change, ...]:
    """The flags go where the crew remembers. Where it does not, only a person knows which of both was meant."""
    places = [a.turned_on for a in agents if a.turned_on is not None]
    if not isinstance(team.memory, Known) or not team.memory.value:
        return declined(agents[0].at, "the crew's memory is off and the agents' is on; turn on the crew's, or both off")
    if len(places) < len(agents) or any(not at.path.endswith(".py") for at in places):
        return ()
    return tuple(RemoveArgument(at) for at in places)


TEAM = '''from crewai import Agent, Crew, Task

writer = Agent(role="Writer", goal="Write", backstory="Writes", memory=True)  # <-- here
editor = Agent(role="Editor", goal="Edit", backstory="Edits", memory=True)
task = Task(description="Write", expected_output="Text", agent=writer)
crew = Crew(agents=[writer, editor], tasks=[task], memory=True)
'''
OFF = '''from crewai import Agent, Crew, Process, Task


def build():
    helper = Agent(
        role="Helper", goal="Help", backstory="Helps",
        memory=True,  # <-- here
    )
    task = Task(description="Help", expected_output="Text", agent=helper)
    return Crew(agents=[helper], tasks=[task], process=Process.sequential, memory=False)
'''
PROJECT = '''from crewai import Agent, Crew, Task
from crewai.project import CrewBase, agent, crew, task


@CrewBase
class Support:
    agents_config = "config/agents.yaml"

    @agent
    def helper(self) -> Agent:
        return Agent(config=self.agents_config["helper"])

    @task
    def help(self) -> Task:
        return Task(description="Help", expected_output="Text", agent=self.helper())

    @crew
    def crew(self) -> Crew:
        return Crew(agents=self.agents, tasks=self.tasks, memory=True, embedder={"provider": "ollama", "config": {"model_name": "nomic"}})
'''
YAML = "helper:\n  role: Helper\n  goal: Help\n  backstory: Helps\n  memory: true  # <-- here\n"
PLAIN = TEAM.replace("  # <-- here", "")
NEW = {"requirements.txt": "crewai==1.15.30\n"}
RULE = Rule(
    id="CM406", severity="warning", check=check,
    summary="an agent's own memory=True opens the store past the crew's memory, scope and embedder",
    bad=(
        Example("beside the crew's memory", {"crew.py": TEAM, **NEW}, severity="warning"),
        Example("although the crew's is off", {"app/crew.py": OFF, "requirements.txt": "crewai==1.10.1\n"}),
        Example("in agents.yaml, past the crew's embedder", {"src/support/crew.py": PROJECT, "src/support/config/agents.yaml": YAML, **NEW}),
    ),
    good=(
        Example("a release that ignores the flag", {"crew.py": PLAIN, "requirements.txt": "crewai==1.9.3\n"}),
        Example("only the crew remembers", {"crew.py": PLAIN.replace('backstory="Writes", memory=True', 'backstory="Writes"').replace(
            'backstory="Edits", memory=True', 'backstory="Edits", memory=False'), **NEW}),
        Example("the agents are given the memory", {"crew.py": PLAIN.replace("Crew, Task\n", "Crew, Memory, Task\n\nshared = Memory()\n", 1).replace(
            "memory=True", "memory=shared"), **NEW}),
    ),
    premise=("1.15.30 agents/agent_builder/base_agent.py:634-640: Agent(memory=True) is Memory(llm=…), no embedder and no scope",
             "1.15.30 agents/agent_builder/base_agent_executor.py:38-40: the agent's memory is used instead of the crew's",
             "ran 1.9.3: the flag is accepted and ignored"),
)
