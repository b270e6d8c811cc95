"""CM503 · a setting that memory reads is missing where it runs

## Why
The address of the vector store, the directory, the user id: on the laptop they stand in the shell or in `.env`, and the
deployment never got them. Then memory falls back to a default, often `localhost`, which inside a container is the container
itself. The first one to notice is a user who is not remembered.

## Example
```python
client = QdrantClient(url=os.getenv("QDRANT_URL", "http://localhost:6333"))   # and no QDRANT_URL in compose.yaml
```

## Fix
Set it in the service's environment, and read it without a default: `os.environ["QDRANT_URL"]` stops at start-up.

## When this is not a problem
Where the variable is set outside the tree. The rule is silent as soon as anything says that more may be set: an env_file that is
not in the tree, a platform's dashboard, `load_dotenv()`.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes.deployment import SetVariable
from crewmem_doctor.model.code import EnvRead
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.expression import EnvVar, Expr, Text, walk
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.releases.embedding import key_variables
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import graded, turned_on, unique
from crewmem_doctor.rules._settings import (
    environment_at,
    given,
    given_outside,
    is_closed,
    lacks,
    names_this_host,
    written_in_code,
)
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import remembers

# Another rule or another file speaks about these.
NOT_OURS = ("CREWAI_STORAGE_DIR", "HOME", "XDG_DATA_HOME", "TMPDIR", "PATH", "USER", "HOSTNAME", "PWD")


def check(project: Project) -> Iterator[Finding]:
    groups: dict[tuple[int, str], tuple[Service, str, str, list[Run]]] = {}
    for run in project.runs:
        if not remembers(run.memory, project.release) or not run.sure:
            continue
        for name in names_read(project, run.memory):
            why = _trouble(project, run, name)
            if why:
                groups.setdefault((id(run.service), name), (run.service, name, why, []))[3].append(run)
    for service, name, why, runs in groups.values():
        severity, confidence = graded(RULE.severity, runs)
        reads = _reads(project, runs[0].memory, name)
        yield RULE.finding(
            environment_at(service), f"memory in {service.id} reads {name}, {why}", subject=service.id, evidence=name,
            severity=severity, confidence=confidence,
            because=unique([*(turned_on(run.memory) for run in runs), *(Step(at, f"reads {name}") for at in reads),
                            Step(service.at, f"{service.id} runs it")]),
            fix=Fix(f"Set {name} in the environment of {service.name}, and read it without a default",
                    f"environment:\n  {name}: ${{{name}:?}}      # compose stops where it is not set; os.environ[\"{name}\"] in the code does too",
                    caveat=given_outside(service, name), changes=(SetVariable(service, name, required=f"where memory of {service.name} is kept"),)))


def names_read(project: Project, memory: Memory) -> list[str]:
    """The variables that decide where and under which key this memory keeps its records. Keys of embedders are CM504's."""
    keys = {name for version in (project.release.newest,) for provider in (None, "google", "cohere", "azure", "voyageai", "jina",
            "huggingface", "watsonx", "openrouter") for name in key_variables(version, provider) or ()}
    store = [e.name for e in walk(memory.store.where) if isinstance(e, EnvVar)]
    sinks = [e.name for sink in memory.sinks for e in walk(sink.value) if isinstance(e, EnvVar)]
    return [n for n in dict.fromkeys((*store, *sinks, *memory.reads)) if n not in NOT_OURS and n not in keys]


def _trouble(project: Project, run: Run, name: str) -> str:
    """What is wrong with that variable in that service, empty where nothing is."""
    if written_in_code(project, name):
        return ""
    default = _default(project, run.memory, name)
    answer = given(project, run, name)
    if answer is None and is_closed(project, run.service):
        if isinstance(default, Text) and isinstance(default.value, str) and names_this_host(default.value):
            return "which is given nowhere, and its default is localhost: inside a container that is the container itself"
        if default is None and _required(project, name):
            return "which is given nowhere for that service"
        return ""
    if isinstance(answer, Known) and answer.confidence == "medium" and names_this_host(answer.value):
        return "which defaults to localhost: inside a container that is the container itself"
    if isinstance(answer, Known) and lacks(project, run, name) and default is None:
        return "which is set to nothing there"
    return ""


def _default(project: Project, memory: Memory, name: str) -> Expr | None:
    for expr in (memory.store.where, *(s.value for s in memory.sinks)):
        for inner in walk(expr):
            if isinstance(inner, EnvVar) and inner.name == name:
                return inner.default
    read = _env_read(project, memory, name)
    return read.default if read is not None else None


def _env_read(project: Project, memory: Memory, name: str) -> EnvRead | None:
    reads = [r for r in project.code.env_reads if r.name == name]
    return next((r for r in reads if r.memory), None) or next((r for r in reads if r.at.path == memory.at.path), None) or (
        reads[0] if reads else None)


def _required(project: Project, name: str) -> bool:
    """`os.getenv("X")` without a default may be meant to be optional, unless it reaches the store or a key."""
    return any(r.required or r.memory for r in project.code.env_reads if r.name == name)


def _reads(project: Project, memory: Memory, name: str) -> list[Location]:
    found = _env_read(project, memory, name)
    return [found.at] if found is not None else []


STORE = '''import os

from crewai import Agent, Crew, Task
from crewai.memory import Memory
from crewai.memory.storage.lancedb_storage import LanceDBStorage

memory = Memory(storage=LanceDBStorage(path=os.environ["MEMORY_DIR"]))


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    return Crew(agents=[writer], tasks=[Task(description="Write", expected_output="Text", agent=writer)], memory=memory)
'''
MEM0 = '''import os

from fastapi import FastAPI
from crewai import Agent
from mem0 import Memory

app = FastAPI()
HOST = os.getenv("QDRANT_HOST", "localhost")
memory = Memory.from_config({"vector_store": {"provider": "qdrant", "config": {"host": HOST, "port": 6333}}})
helper = Agent(role="Helper", goal="Help", backstory="Helps")


@app.post("/chat")
def chat(user_id: str, message: str):
    memory.add(message, user_id=user_id)
    return memory.search(message, user_id=user_id)
'''
QDRANT = "  qdrant:\n    image: qdrant/qdrant\n    volumes: [q:/qdrant/storage]\nvolumes:\n  q:\n"
RULE = Rule(
    id="CM503", severity="error", check=check,
    summary="a setting that memory reads is given nowhere for that service, or defaults to localhost inside a container",
    bad=(
        Example("the directory is never given", _trees.service(
            "services:\n  api:\n    build: .\n    environment:\n      LOG_LEVEL: info  # <-- here\n    volumes: [m:/data]\nvolumes:\n  m:\n",
            app__crew_dot_py=STORE)),
        Example("the vector store is looked for on localhost", _trees.service(
            "services:\n  api:  # <-- here\n    build: .\n" + QDRANT, app__main_dot_py=MEM0, app__crew_dot_py="")),
    ),
    good=(
        Example("it is given", _trees.service(
            "services:\n  api:\n    build: .\n    environment: {MEMORY_DIR: /data}\n    volumes: [m:/data]\nvolumes:\n  m:\n",
            app__crew_dot_py=STORE)),
        Example("an env_file that is not in the tree may give it", _trees.service(
            "services:\n  api:\n    build: .\n    env_file: [secrets.env]\n    volumes: [m:/data]\nvolumes:\n  m:\n",
            app__crew_dot_py=STORE)),
        Example("something else reads localhost", _trees.service(
            "services:\n  api:\n    build: .\n    volumes: [m:/root/.local]\nvolumes:\n  m:\n",
            app__crew_dot_py=_trees.CREW.replace("from crewai", 'import os\n\nSEARCH = os.getenv("SEARCH_URL", "http://localhost:9200")\n\n'
                                                                "from crewai", 1))),
    ),
    premise=("docs.docker.com: inside a container localhost is the container; os.environ[name] raises KeyError",),
)
