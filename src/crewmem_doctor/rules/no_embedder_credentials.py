"""CM504 · memory's embedder has no credentials

## Why
Memory turns every record into a vector, and unless told otherwise it asks OpenAI for it, whoever serves the agents' models. A
crew on Gemini, Claude, Groq or Ollama without an `embedder=` and without an OpenAI key saves nothing: from 0.193 on the
failure is logged at best, from 1.10 on not even that, and the kickoff succeeds every time.

## Example
```python
writer = Agent(…, llm="gemini/gemini-2.0-flash")
crew = Crew(agents=[writer], tasks=[…], memory=True)       # embeds with OpenAI
```

## Fix
Give memory an embedder of the provider that is there, or give the service OpenAI's key.

## When this is not a problem
Where the key is set outside the tree. The rule is silent as soon as anything says that more may be set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.code import AddArgument
from crewmem_doctor.model.changes.deployment import SetVariable
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.expression import Text
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.model.release import Release
from crewmem_doctor.releases.embedding import key_variables, llm_provider, without_key
from crewmem_doctor.rules import _placeholders, _trees
from crewmem_doctor.rules._common import active, graded, turned_on, unique
from crewmem_doctor.rules._embedders import embedder
from crewmem_doctor.rules._settings import environment_at, given_outside, lacks, written_in_code
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import remembers

FILL = "The names in os.environ[…] are placeholders: set them, or the program stops where memory is made. The embedder may need " \
       "a package of its own, and does not find what another one has stored."
KINDS = ("crew", "memory", "agent", "short_term", "entity")
# LLM providers that have an embedder in CrewAI under this name.
EMBEDDERS = {"gemini": "google-generativeai", "ollama": "ollama", "azure": "azure", "cohere": "cohere", "bedrock": "amazon-bedrock",
             "huggingface": "huggingface", "vertex": "google-vertex", "watsonx": "watsonx"}


def check(project: Project) -> Iterator[Finding]:
    groups: dict[int, tuple[Service, list[Run]]] = {}
    for run in project.runs:
        if remembers(run.memory, project.release) and run.sure and _asks(run.memory) and _without(project, run):
            groups.setdefault(id(run.service), (run.service, []))[1].append(run)
    for service, runs in groups.values():
        yield _deployed(project, service, runs)
    if not project.services:
        for memory in active(project):
            if _asks(memory) and _is_foreign(project, memory):
                yield _undeployed(project, memory)


def _asks(memory: Memory) -> bool:
    return memory.kind in KINDS and (memory.embedder is None or not memory.embedder.has_key)


def _variables(project: Project, memory: Memory) -> tuple[str, ...]:
    """The variables of which one would do, () where none is needed or that is not known."""
    provider: str | None = None
    if memory.embedder is not None:
        given = memory.embedder.provider
        if not (isinstance(given, Text) and isinstance(given.value, str)):
            return ()
        provider = given.value
    names = [key_variables(v, provider) for v in (project.release.candidates[0], project.release.newest)]
    if any(not n for n in names):
        return ()
    return tuple(dict.fromkeys(name for found in names for name in found or ()))


def _without(project: Project, run: Run) -> bool:
    names = _variables(project, run.memory)
    missing = bool(names) and all(lacks(project, run, n) and not written_in_code(project, n) for n in names)
    # Where the agents' models need that key too, the program would not run at all: code that reads it gets it from somewhere.
    return missing and (_certain(project, run.memory) or not any(r.name in names for r in project.code.env_reads))


def _certain(project: Project, memory: Memory) -> bool:
    """Whether only memory needs the key: the embedder was chosen, or every model is another provider's."""
    providers = {llm_provider(model) for model, _ in memory.llms}
    return memory.embedder is not None or (bool(providers) and not providers & {"openai", "azure", ""})


def _chooses_models(project: Project) -> bool:
    """Whether some agent is given a model: one that could not be read may be anybody's, and need no key of OpenAI's."""
    return any(c.callee.startswith("crewai.") and (c.argument("llm") or c.callee.endswith(".LLM")) for c in project.code.calls)


def _is_foreign(project: Project, memory: Memory) -> bool:
    """No deployment is known, so the key may be in anybody's shell: only where every model is another provider's and nothing
    in the tree knows of an OpenAI key."""
    names = _variables(project, memory)
    known = {*(r.name for r in project.code.env_reads), *(w.name for w in project.code.env_writes), *(s.name for s in project.dotenv)}
    return memory.embedder is None and _certain(project, memory) and bool(names) and not known.intersection(names)


def _deployed(project: Project, service: Service, runs: list[Run]) -> Finding:
    memory = runs[0].memory
    names = _variables(project, memory)
    sure = any(_certain(project, r.memory) for r in runs) and not any(r.name in names for r in project.code.env_reads)
    severity, confidence = graded(RULE.severity if sure else "note" if _chooses_models(project) else "warning", runs)
    return RULE.finding(
        environment_at(service), f"memory in {service.id} embeds with {_embedder(memory)}, but {names[0]} is set nowhere for that "
        f"service{_models(memory)}: {_outcome(project)}",
        subject=service.id, evidence=names[0], severity=severity, confidence=confidence if sure else "medium",
        because=unique([*(turned_on(r.memory) for r in runs), *(Step(at, f"the agents' model is {m}") for m, at in memory.llms),
                        Step(service.at, f"{service.id} runs it")]),
        fix=_offered(project, service, runs, _fix(memory, names[0], project.release), names[0], severity))


def _offered(project: Project, service: Service, runs: list[Run], fix: Fix, key: str, severity: str) -> Fix:
    """The embedder in the code where the remedy is another one; the key as a placeholder where it is to give that."""
    made = _changes(project, runs)
    if made:
        return replace(fix, changes=made, caveat=FILL)
    if severity != "error" or key not in fix.snippet:
        return fix
    return replace(fix, caveat=given_outside(service, key), changes=(SetVariable(service, key, required="the key that memory embeds with"),))


def _undeployed(project: Project, memory: Memory) -> Finding:
    names = _variables(project, memory)
    certain = isinstance(memory.enabled, Known) and memory.enabled.confidence == "high"
    return RULE.finding(
        memory.turned_on or memory.at, f"memory embeds with {_embedder(memory)}{_models(memory)}, and nothing here knows of "
        f"{names[0]}: {_outcome(project)}",
        subject=memory.subject, evidence=names[0], severity="error" if certain and memory.served else "warning", confidence="medium",
        because=unique([turned_on(memory), *(Step(at, f"the agents' model is {m}") for m, at in memory.llms)]),
        fix=replace(_fix(memory, names[0], project.release), changes=_embedding(project, memory), caveat=FILL))


def _embedder(memory: Memory) -> str:
    if memory.embedder is not None and isinstance(memory.embedder.provider, Text):
        return str(memory.embedder.provider.value)
    return "OpenAI, because no embedder is given"


def _models(memory: Memory) -> str:
    others = sorted({p for m, _ in memory.llms if (p := llm_provider(m)) and p != "openai"})
    return f", while the agents' models are {' and '.join(others)}'s" if others else ""


def _outcome(project: Project) -> str:
    verdict = without_key(project.release.newest)
    return verdict.sentence if verdict is not None else "every save fails"


def _fix(memory: Memory, key: str, release: Release) -> Fix:
    provider = next((EMBEDDERS[p] for m, _ in memory.llms if (p := llm_provider(m)) in EMBEDDERS), None)
    if memory.embedder is not None or provider is None:
        return Fix(f"Give the service {key}, or memory an embedder whose credentials are there", f"environment:\n  {key}: ${{{key}}}")
    return Fix("Give memory an embedder of a provider that is there", embedder(provider, release))


def _changes(project: Project, runs: list[Run]) -> tuple[Change, ...]:
    """The embedder in the code, and the variables that it reads where the service lacks them."""
    changes: dict[Change, None] = {}
    for run in runs:
        made = _embedding(project, run.memory)
        if not made:
            return ()
        changes.update(dict.fromkeys(made))
        changes.update(dict.fromkeys(SetVariable(run.service, name, required=f"the embedder of memory needs {name}")
                                     for name in _reads(project, run.memory) if lacks(project, run, name)))
    return tuple(changes)


def _embedding(project: Project, memory: Memory) -> tuple[Change, ...]:
    found = _placeholder(project, memory)
    if found is None or memory.embedder is not None or memory.kind not in ("crew", "memory") or not memory.at.path.endswith(".py"):
        return ()
    return (AddArgument(memory.at, "embedder", found[0], (("os", ""),)),)


def _reads(project: Project, memory: Memory) -> tuple[str, ...]:
    found = _placeholder(project, memory)
    return found[1] if found is not None else ()


def _placeholder(project: Project, memory: Memory) -> tuple[str, tuple[str, ...]] | None:
    """For the provider of the models, where they all have the same one."""
    providers = {llm_provider(model) for model, _ in memory.llms}
    name = EMBEDDERS.get(next(iter(providers), "")) if len(providers) == 1 else None
    return _placeholders.embedder(name, project.release) if name is not None else None


GEMINI = _trees.CREW.replace('backstory="Writes")', 'backstory="Writes", llm="gemini/gemini-2.0-flash")')
VOLUME = "    volumes: [m:/root/.local]\nvolumes:\n  m:\n"
RULE = Rule(
    id="CM504", severity="error", check=check,
    summary="the embedder that memory uses has no credentials in the service that runs it",
    bad=(
        Example("a Gemini crew that embeds with OpenAI", _trees.service(
            "services:\n  api:\n    build: .\n    environment:\n      GEMINI_API_KEY: ${GEMINI_API_KEY}  # <-- here\n" + VOLUME,
            app__crew_dot_py=GEMINI), severity="error"),
        Example("the key is in another service", _trees.service(
            "services:\n  web:\n    image: node:22\n    environment: [OPENAI_API_KEY=abc]\n  api:  # <-- here\n    build: .\n" + VOLUME), severity="warning"),
        Example("no deployment, and nothing knows of a key", {
            "app/__init__.py": "", "app/main.py": _trees.API, "requirements.txt": _trees.PINNED,
            "app/crew.py": GEMINI.replace("gemini/gemini-2.0-flash", "ollama/llama3").replace("memory=True)", "memory=True)  # <-- here")}),
    ),
    good=(
        Example("the key comes from outside", _trees.service(
            "services:\n  api:\n    build: .\n    environment: [OPENAI_API_KEY]\n" + VOLUME, app__crew_dot_py=GEMINI)),
        Example("a local embedder", _trees.service(
            "services:\n  api:\n    build: .\n" + VOLUME, app__crew_dot_py=GEMINI.replace(
                "memory=True", 'memory=True, embedder={"provider": "ollama", "config": {"model_name": "nomic-embed-text"}}'))),
        Example("an env_file that is not in the tree", _trees.service(
            "services:\n  api:\n    build: .\n    env_file: .env\n" + VOLUME, app__crew_dot_py=GEMINI)),
        Example("no memory is on", _trees.service(
            "services:\n  api:\n    build: .\n", app__crew_dot_py=GEMINI.replace(", memory=True", ""))),
    ),
    premise=("ran 1.15.30, 1.14.7, 1.10.1, 1.9.3, 0.203.2 without a key: the kickoff succeeds and nothing is stored",
             "ran 0.130.0: building the crew raises a ValueError"),
)
