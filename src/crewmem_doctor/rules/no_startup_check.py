"""CM502 · nothing asks for the store when the application starts

## Why
Memory that lives on a server, or embeds with somebody's API, needs an address and a key. When one is wrong the application starts
as ever, answers as ever, and remembers nothing: CrewAI hides what goes wrong in a kickoff. A start that asks once turns weeks of
silent loss into one failed deployment.

## Example
```python
app = FastAPI()                       # no lifespan, no check
memory = mem0.MemoryClient()          # a wrong key is noticed by a user
```

## Fix
Ask in the start-up hook: ping the server, or save and recall one record. Or run `crewmem-doctor probe` in the entrypoint.

## When this is not a problem
Where a health check or an init container outside the tree does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.expression import Text
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Project
from crewmem_doctor.releases.embedding import key_variables
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import active, turned_on, unique
from crewmem_doctor.rules.base import Example, Rule

CHECKS = re.compile(r"wait[-_]?for|pg_isready|redis-cli|crewmem-doctor|alembic|migrate|\bcheck\b|health|prestart|\bnc\b")
LONGEST = 80      # lines of an entrypoint script that are looked at
EMBEDS = ("crew", "memory", "short_term", "entity", "agent")


def check(project: Project) -> Iterator[Finding]:
    """One for the project: a check is written once."""
    if _asks(project):
        return
    needing = [(memory, need) for memory in active(project) if memory.served and (need := _need(project, memory))]
    if not needing:
        return
    memory, need = min(needing, key=lambda n: (n[0].store.kind != "server", n[0].at))
    certain = isinstance(memory.enabled, Known) and memory.enabled.confidence == "high"
    yield RULE.finding(
        memory.turned_on or memory.at, f"{memory.label} needs {need}, and nothing asks for it when the application starts",
        subject=memory.subject, evidence=need, confidence="high" if certain else "medium",
        because=unique(turned_on(m) for m, _ in needing),
        fix=Fix("Ask once when the application starts, and let it fail there",
                "@asynccontextmanager\nasync def lifespan(app):\n    check_memory()      # ping, or save and recall one record\n    yield\n\n"
                "app = FastAPI(lifespan=lifespan)"))


def _asks(project: Project) -> bool:
    if project.code.failures.checks:
        return True
    processes = [process for service in project.services for process in service.processes]
    return any(CHECKS.search(text) for process in processes for text in (*process.words, *_beside(project, process)))


def _beside(project: Project, process: Process) -> Iterator[str]:
    """What runs before a server: the rest of its command, and the script that starts it."""
    yield project.excerpt(process.at.path, process.at.line)
    for path in process.config:
        yield from (project.excerpt(path, line) for line in range(1, LONGEST))


def _need(project: Project, memory: Memory) -> str:
    """The server or the credentials that it cannot do without; empty where there are none, or that is not known."""
    if memory.store.kind == "server":
        return "its server"
    if memory.kind not in EMBEDS or (memory.embedder is not None and memory.embedder.has_key):
        return ""
    provider: str | None = None
    if memory.embedder is not None:
        given = memory.embedder.provider
        if not isinstance(given, Text) or not isinstance(given.value, str):
            return ""
        provider = given.value
    names = key_variables(project.release.newest, provider)
    if not names or any(r.required and r.name in names for r in project.code.env_reads):
        return ""
    return names[0]


REMOTE = '''from fastapi import FastAPI
from crewai import Agent
from mem0 import MemoryClient

app = FastAPI()
memory = MemoryClient()  # <-- here
helper = Agent(role="Helper", goal="Help", backstory="Helps")


@app.post("/chat")
def chat(user_id: str, message: str):
    memory.add(message, user_id=user_id)
    return memory.search(message, user_id=user_id)
'''
PINGED = REMOTE.replace("  # <-- here", "").replace("app = FastAPI()\n", "").replace("@app.post", '''async def lifespan(app):
    memory.search("anything", user_id="check")
    yield


app = FastAPI(lifespan=lifespan)


@app.post''')
KEYED = _trees.CREW.replace("memory=True)", "memory=True)  # <-- here")
RULE = Rule(
    id="CM502", severity="note", check=check,
    summary="memory needs a server or credentials, and nothing connects, pings or queries when the application starts",
    bad=(
        Example("a hosted memory", _trees.service(app__main_dot_py=REMOTE, app__crew_dot_py="")),
        Example("a key for the embedder", _trees.service(app__crew_dot_py=KEYED)),
    ),
    good=(
        Example("a lifespan that asks", _trees.service(app__main_dot_py=PINGED, app__crew_dot_py="")),
        Example("the entrypoint waits for it", _trees.service(
            app__main_dot_py=REMOTE.replace("  # <-- here", ""), app__crew_dot_py="",
            Dockerfile=_trees.DOCKERFILE.replace('CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0"]',
                                                 "CMD python -m app.check && uvicorn app.main:app"))),
        Example("the key must be there", _trees.service(
            app__crew_dot_py=_trees.CREW.replace("from crewai", 'import os\n\nKEY = os.environ["OPENAI_API_KEY"]\n\nfrom crewai', 1))),
        Example("a script of its own", {"app/__init__.py": "", "app/crew.py": _trees.CREW, "main.py": (
            'from app.crew import build_crew\n\nif __name__ == "__main__":\n    build_crew("news").kickoff()\n'),
            "requirements.txt": _trees.PINNED}),
    ),
    premise=("ran 1.15.30, 1.9.3, 0.203.2: without a key the kickoff succeeds and nothing is kept",),
)
