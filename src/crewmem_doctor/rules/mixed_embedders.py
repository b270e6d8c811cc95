"""CM505 · one store, two embedders

## Why
A record is found by the vector that an embedder made of it. Where two crews write to one store with different embedders, each
searches among vectors that it cannot compare. Where the vectors differ in length, every save or recall of the second one fails,
and the crew goes on as if memory were empty.

## Example
```python
Crew(agents=[…], tasks=[…], memory=True)                                              # OpenAI's default
Crew(agents=[…], tasks=[…], memory=True, embedder={"provider": "ollama", "config": {…}})    # the same store
```

## Fix
One embedder for one store: give it in one place and hand it to every crew. Or give the second crew a store of its own.

## When this is not a problem
Where the stores differ. Up to 1.9 the collections are named after the agents' roles, so two crews rarely share one. That a change
of release alters the default embedder is said by CM604.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.expression import EnvVar, Expr, Text
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project
from crewmem_doctor.releases.embedding import default_embedder
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import unique
from crewmem_doctor.rules._remedies import unified
from crewmem_doctor.rules._where import Landing, landings
from crewmem_doctor.rules.base import Example, Rule

KINDS = ("crew", "memory")      # an agent's own memory is CM406's


def check(project: Project) -> Iterator[Finding]:
    if not unified(project.release):
        return
    stores: dict[str, dict[int, tuple[Memory, str]]] = {}
    for landing in landings(project):
        name = _name(project, landing.memory)
        place = _place(landing)
        if landing.memory.kind in KINDS and name and place:
            stores.setdefault(place, {})[id(landing.memory)] = (landing.memory, name)
    done: set[frozenset[int]] = set()
    for members in stores.values():
        names = {name for _, name in members.values()}
        if len(names) > 1 and frozenset(members) not in done:
            done.add(frozenset(members))
            yield _finding(sorted(members.values(), key=lambda m: m[0].at))


def _place(landing: Landing) -> str:
    """What names the store: its path, or where that depends on the machine, that it is CrewAI's own default."""
    service = landing.run.service.deployment or landing.run.service.id if landing.run is not None else ""
    if isinstance(landing.path, Known):
        return f"{service}|{landing.path.value}"
    if landing.memory.store.where is None and landing.said is None:
        return f"{service}|default"
    return f"{service}|{landing.said.value}" if isinstance(landing.said, Known) else ""


def _name(project: Project, memory: Memory) -> str:
    """Provider and model, empty where they are not known."""
    if memory.embedder is None:
        default = default_embedder(project.release.newest)
        return f"openai/{default.value.model}" if default is not None else ""
    provider, model = _text(memory.embedder.provider), _text(memory.embedder.model)
    if not provider:
        return ""
    if not model and provider == "openai" and memory.embedder.model is None:
        default = default_embedder(project.release.newest)
        return f"openai/{default.value.model}" if default is not None else ""
    return f"{provider}/{model}" if model or memory.embedder.model is None else ""


def _text(expr: Expr | None) -> str:
    if isinstance(expr, EnvVar):
        return f"${expr.name}"
    return expr.value.lower() if isinstance(expr, Text) and isinstance(expr.value, str) else ""


def _finding(members: list[tuple[Memory, str]]) -> Finding:
    first = members[0][1]
    memory, other = next((m, n) for m, n in members if n != first)
    return RULE.finding(
        memory.embedder.at if memory.embedder is not None and memory.embedder.at is not None else memory.turned_on or memory.at,
        f"this memory embeds with {other}, and another one in the same store with {first}: neither finds what the other one saved",
        subject=memory.subject, evidence="|".join(sorted({n for _, n in members})), confidence="medium",
        because=unique(Step(m.embedder.at if m.embedder is not None and m.embedder.at is not None else m.turned_on or m.at,
                            f"embeds with {name}") for m, name in members),
        fix=Fix("Give all of them one embedder, or each a store of its own",
                'EMBEDDER = {"provider": "openai", "config": {"model_name": "text-embedding-3-small"}}\n\n'
                "Crew(agents=agents, tasks=tasks, memory=True, embedder=EMBEDDER)"))


BOTH = _trees.CREW + '''

def build_other(topic: str) -> Crew:
    editor = Agent(role="Editor", goal="Edit", backstory="Edits")
    task = Task(description="Edit", expected_output="Text", agent=editor)
    return Crew(agents=[editor], tasks=[task], memory=True,
                embedder={"provider": "ollama", "config": {"model_name": "nomic-embed-text"}})  # <-- here
'''
MODELS = BOTH.replace("memory=True)\n", 'memory=True, embedder={"provider": "openai", "config": {"model_name": "text-embedding-3-small"}})\n', 1
                      ).replace('"ollama", "config": {"model_name": "nomic-embed-text"}', '"openai", "config": {"model_name": "text-embedding-3-large"}')
TWO = _trees.API.replace("import build_crew", "import build_crew, build_other") + '''

@app.post("/edit")
def edit(topic: str):
    return build_other(topic).kickoff()
'''
SAME = MODELS.replace("text-embedding-3-large", "text-embedding-3-small").replace("  # <-- here", "")
APART = BOTH.replace("from crewai import Agent, Crew, Task", "from crewai import Agent, Crew, Memory, Task").replace("  # <-- here", "").replace(
    'memory=True,\n                embedder={"provider": "ollama", "config": {"model_name": "nomic-embed-text"}})',
    'memory=Memory(storage="/data/other",\n                embedder={"provider": "ollama", "config": {"model_name": "nomic-embed-text"}}))')
RULE = Rule(
    id="CM505", severity="warning", check=check,
    summary="one store is used with two embedders",
    bad=(
        Example("OpenAI's default beside Ollama", _trees.service(app__crew_dot_py=BOTH, app__main_dot_py=TWO)),
        Example("two models of one provider", _trees.service(app__crew_dot_py=MODELS, app__main_dot_py=TWO)),
    ),
    good=(
        Example("the same embedder twice", _trees.service(app__crew_dot_py=SAME, app__main_dot_py=TWO)),
        Example("a store of its own", _trees.service(app__crew_dot_py=APART, app__main_dot_py=TWO)),
        Example("a release that names its collections after the roles", _trees.service(
            app__crew_dot_py=BOTH.replace("  # <-- here", ""), app__main_dot_py=TWO, requirements_dot_txt="crewai==1.9.3\nfastapi\n")),
    ),
    premise=("ran 1.15.30: EmbeddingDimensionMismatchError from remember and recall, an event from a crew",
             "ran 1.14.7: a zero vector is stored, recall raises"),
)
