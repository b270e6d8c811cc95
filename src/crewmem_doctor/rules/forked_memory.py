"""CM305 · memory is opened before a fork

## Why
LanceDB and Chroma start threads. A fork copies the memory object and none of its threads, so the child waits for ever on
work that nobody does. gunicorn with `--preload`, uWSGI without `lazy-apps`, Celery's prefork pool and `multiprocessing` all
fork after the modules were imported; a crew or memory at module level is then open already. From 1.10 on it always hangs once
the memory was used before the fork. Opened but unused, 1.14.7 hung in 2 of 2 children, and of 9 children of 1.15.30 3 crashed
with SIGSEGV and 1 hung. Before 1.10 it hangs as soon as Chroma's client was made. No request sees an error: it times out.

## Example
```python
crew = Crew(agents=[...], tasks=[...], memory=True)      # app/tasks.py, loaded by `celery -A app.tasks worker`
```

## Fix
Build it in the function that uses it, or in a hook that runs after the fork (`worker_process_init`, `post_fork`,
`post_worker_init`); or load the application after the fork: no `--preload`, `lazy-apps = true`, `--pool threads`, "spawn".

## When this is not a problem
`uvicorn --workers` and gunicorn without preload load the application after the fork; so does RQ for each job.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import active, evidence_of, graded, placements, several, turned_on, unique
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import CHROMA_DIRECT, engine_on

THREADED = ("lancedb", "chroma")
KINDS = ("crew", "memory", "agent", "short_term", "entity", "third_party")
BUILT = Version(1, 15, 0)
UNIFIED = Version(1, 10, 0)
HOW = {"gunicorn": "preloads the application", "uwsgi": "loads the application before it forks (no lazy-apps)",
       "celery": "imports the tasks and then forks its pool", "huey": "loads the application before it forks"}


def check(project: Project) -> Iterator[Finding]:
    groups: dict[tuple[int, int], list[Run]] = {}
    for run, placement in placements(project):
        process = run.process
        preloads = process is not None and process.forks and process.preload is not None and process.preload.value
        if preloads and run.loads_at_import and placement.kind == "path" and breaks(run.memory, project.release):
            groups.setdefault((id(run.service), id(process)), []).append(run)
    for runs in groups.values():
        yield _deployed(project, runs)
    yield from _in_code(project)


def breaks(memory: Memory, release: Release) -> bool:
    """Whether the releases in question keep that memory in something with threads."""
    if memory.kind not in KINDS:
        return False
    return release.newest >= CHROMA_DIRECT and engine_on(memory, release.newest) in THREADED


def _deployed(project: Project, runs: list[Run]) -> Finding:
    run, process = runs[0], runs[0].process
    assert process is not None
    severity, confidence = graded(RULE.severity, runs)
    what = several(dict.fromkeys(f"{r.memory.label} ({r.memory.at})" for r in runs))
    how = HOW.get(process.server, "loads the application before it forks")
    return RULE.finding(
        run.memory.at, f"{what} is made when the module is imported, and {run.service.id} {how}: {_effect(run.memory, project.release)}",
        subject=run.memory.subject, evidence=f"{run.service.id} {process.server}", severity=severity, confidence=confidence,
        because=unique([Step(_place(process), f"{process.server} {how}"), *(s for r in runs for s in _steps(project, r))]),
        fix=_fix(process))


def _steps(project: Project, run: Run) -> Iterator[Step]:
    pair = next((pair for pair in placements(project) if pair[0] is run), None)
    if pair is not None:
        yield from evidence_of(*pair)


def _place(process: Process) -> Location:
    at = process.preload.at if process.preload is not None else None
    return at or process.at


def _effect(memory: Memory, release: Release, who: str = "workers") -> str:
    """What was measured on that release."""
    version = release.newest
    if engine_on(memory, version) == "chroma" or version < UNIFIED:
        return f"the {who} hang in Chroma's client"
    if version < BUILT:
        return f"the {who} hang"
    return f"the {who} hang once it was used before the fork, and hang or crash in about half of the cases if it was only built"


def _in_code(project: Project) -> Iterator[Finding]:
    for fork in project.code.forks:
        memories = [m for m in active(project) if m.at in fork.memories and breaks(m, project.release)]
        if memories:
            yield RULE.finding(
                fork.at, f"{fork.what} forks after {several(m.label for m in memories)} was made, and the child uses it: "
                         f"{_effect(memories[0], project.release, 'children')}",
                subject=memories[0].subject, evidence=fork.what,
                confidence="high" if all(isinstance(m.enabled, Known) and m.enabled.confidence == "high" for m in memories) else "medium",
                because=unique(turned_on(m) for m in memories),
                fix=Fix("Start the children afresh, or build the memory in the child", 'multiprocessing.set_start_method("spawn")'))


def _fix(process: Process) -> Fix:
    if process.server == "gunicorn":
        return Fix("Load the application after the fork", "preload_app = False      # and no --preload")
    if process.server == "uwsgi":
        return Fix("Load the application after the fork", "lazy-apps = true")
    if process.server == "celery":
        return Fix("Build it in the child, or do not fork",
                   "@celery.signals.worker_process_init.connect\ndef open_memory(**_):\n    global crew\n    crew = build_crew()")
    return Fix("Build it in the function that uses it", "crew = build_crew()      # inside the task")


HELD = '''from fastapi import FastAPI

from app.crew import build_crew

app = FastAPI()
crew = build_crew("news")


@app.post("/chat")
def chat(topic: str):
    return crew.kickoff()
'''
MARKED = _trees.CREW.replace("memory=True)", "memory=True)  # <-- here")
TASKS = '''from celery import Celery
from crewai import Agent, Crew, Task

celery = Celery("app")
writer = Agent(role="Writer", goal="Write", backstory="Writes")
crew = Crew(agents=[writer], tasks=[Task(description="Write", expected_output="Text", agent=writer)], memory=True){}


@celery.task
def research(topic: str):
    return str(crew.kickoff())
'''
POOL = '''from concurrent.futures import ProcessPoolExecutor

from crewai import Agent, Crew, Task

writer = Agent(role="Writer", goal="Write", backstory="Writes")
crew = Crew(agents=[writer], tasks=[Task(description="Write", expected_output="Text", agent=writer)], memory=True)


def one(topic):
    return crew.kickoff(inputs={"topic": topic})


if __name__ == "__main__":
    with ProcessPoolExecutor() as pool:  # <-- here
        list(pool.map(one, ["a", "b"]))
'''
VIEWS = '''from crewai import Agent, Crew, Task
from flask import Blueprint

pages = Blueprint("pages", __name__)
writer = Agent(role="Writer", goal="Write", backstory="Writes")


class Desk:
    crew = Crew(agents=[writer], tasks=[Task(description="Write", expected_output="Text", agent=writer)], memory=True)  # <-- here


@pages.post("/write")
def write():
    return Desk.crew.kickoff().raw
'''
FACTORY = '''from flask import Flask


def create_app():
    app = Flask(__name__)
    add_pages(app)
    return app


def add_pages(app):
    from app.views import pages

    app.register_blueprint(pages)
'''
WSGI = "from app import create_app\n\napplication = create_app()\n"
LATER = '''from dataclasses import dataclass, field

from crewai import Agent, Crew, Memory, Task
from fastapi import FastAPI

app = FastAPI()
open_notes = lambda: Memory(storage="/data/notes")


@dataclass
class Desk:
    memory: Memory = field(default_factory=lambda: Memory(storage="/data/desk"))

    def crew(self, topic: str, memory: Memory) -> Crew:
        clerk = Agent(role="Clerk", goal="Answer", backstory="Answers")
        return Crew(agents=[clerk], tasks=[Task(description=topic, expected_output="Text", agent=clerk)], memory=memory)


@app.post("/ask")
def ask(topic: str):
    desk = Desk()
    return desk.crew(topic, desk.memory).kickoff(), desk.crew(topic, open_notes()).kickoff()
'''
ON = "services:\n  api:\n    build: .\n    command: {}\n"
WORKER = ON.format("celery -A app.tasks worker -c 2{}")
GUNICORN = "gunicorn -k uvicorn.workers.UvicornWorker -w 2 app.main:app"


def _flask(command: str, views: str) -> dict[str, str]:
    return {**_trees.service(ON.format(command), wsgi_dot_py=WSGI), "app/__init__.py": FACTORY, "app/views.py": views}


RULE = Rule(
    id="CM305", severity="error", check=check,
    summary="memory is opened before a fork: preload, uWSGI without lazy-apps, Celery's prefork pool, multiprocessing",
    bad=(
        Example("gunicorn preloads a module-level crew", _trees.service(
            ON.format(GUNICORN + " --preload"), app__main_dot_py=HELD, app__crew_dot_py=MARKED)),
        Example("Celery forks after the task's module", _trees.service(WORKER.format(""), app__tasks_dot_py=TASKS.format("  # <-- here"))),
        Example("the factory that the module calls imports it", _flask("gunicorn --preload wsgi", VIEWS)),
        Example("the factory that the server calls imports it", _flask("gunicorn --preload 'app:create_app()'", VIEWS)),
        Example("uWSGI's file without lazy-apps", _trees.service(
            ON.format("uwsgi --ini uwsgi.ini"), uwsgi_dot_ini="[uwsgi]\nmodule = app.main:app\nmaster = true\nprocesses = 2\n",
            app__main_dot_py=HELD, app__crew_dot_py=MARKED)),
        Example("a pool of processes", {"run.py": POOL, "requirements.txt": "crewai==1.15.30\n"}),
    ),
    good=(
        Example("the application is loaded after the fork", _trees.service(
            ON.format(GUNICORN), app__main_dot_py=HELD)),
        Example("only the application's requests build them", _trees.service(
            ON.format(GUNICORN + " --preload"), app__main_dot_py=LATER)),
        Example("the factory that nobody calls before the fork", _flask(
            "gunicorn wsgi", VIEWS.replace("  # <-- here", ""))),
        Example("each task builds its crew", _trees.service(
            WORKER.format(""), app__tasks_dot_py="from celery import Celery\n\nfrom app.crew import build_crew\n\ncelery = Celery('app')\n\n\n"
            "@celery.task\ndef research(topic):\n    return str(build_crew(topic).kickoff())\n")),
        Example("a pool of threads", _trees.service(WORKER.format(" --pool threads"), app__tasks_dot_py=TASKS.format(""))),
        Example("the file says lazy-apps", _trees.service(
            ON.format("uwsgi --ini uwsgi.ini"), app__main_dot_py=HELD,
            uwsgi_dot_ini="[uwsgi]\nmodule = app.main:app\nmaster = true\nprocesses = 2\nlazy-apps = true\n")),
        Example("children start afresh", {"run.py": POOL.replace("  # <-- here", "").replace(
            "from crewai import", "import multiprocessing\n\nfrom crewai import").replace(
            "    with", '    multiprocessing.set_start_method("spawn")\n    with'), "requirements.txt": "crewai==1.15.30\n"}),
    ),
    premise=("ran os.fork on 1.15.30, 1.14.7, 1.10.1, 1.9.3, 0.203.2 and 0.130.0: hangs once used; built but unused 2 of 2 on 1.14.7, "
             "4 of 9 on 1.15.30", "gunicorn settings: preload_app", "Celery: the prefork pool"),
)
