"""CM103 · memory is written to a directory for temporary files

## Why
`/tmp`, `/var/tmp`, `/dev/shm`, `/run` and everything that `tempfile` makes are meant to vanish: with the container, with the
host's next boot, with a cleaner's next round, and `mkdtemp()` gives each process another directory. Nothing fails; the crew
has forgotten. mem0 without a configuration keeps its vectors in `/tmp/qdrant` by itself.

## Example
```python
os.environ["CREWAI_STORAGE_DIR"] = os.path.join("/tmp", "crewai_storage")
```

## Fix
Use an absolute path on a volume.

## When this is not a problem
Where a durable volume is mounted over that path in every service that runs the memory; the rule sees that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.expression import Place, walk
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Project
from crewmem_doctor.placement import covering, is_temporary
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import several, unique
from crewmem_doctor.rules._in_code import placed
from crewmem_doctor.rules._remedies import pinned_place
from crewmem_doctor.rules._volumes import FRESH, caveat_of, relocated
from crewmem_doctor.rules._where import Landing, judged, landings, story, worst
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    groups: dict[Location, list[Landing]] = {}
    for landing in landings(project):
        # Without any disk that lasts CM205 speaks; a directory made anew for each process is a fault of its own.
        lasting = landing.run is None or landing.run.service.durable_disk or _made(landing) is not None
        if _vanishes(landing) and lasting:
            groups.setdefault(_place_of(landing), []).append(landing)
    for at, found in groups.items():
        exposed = [x for x in found if not _covered(x)]
        if exposed:
            yield _finding(project, at, exposed)


def _finding(project: Project, at: Location, found: list[Landing]) -> Finding:
    first = found[0]
    severity, confidence = worst([judged(x, "warning" if x.assumed and x.run is not None else RULE.severity) for x in found])
    path = first.path.value if isinstance(first.path, Known) else "a new temporary directory"
    services = list(dict.fromkeys(x.run.service.id for x in found if x.run is not None))
    event = f"the next deploy of {several(services)} starts without it" if services else "the next boot, container or cleaner removes it"
    if _made(first) is not None:
        event = "each process makes a directory of its own, so nothing is found after a restart or by another worker"
        path = f"a directory that {_made(first)} makes"
    elif first.assumed and services:
        event += ", unless that environment says otherwise"
    return RULE.finding(
        at, f"memory is written to {path}, which is for temporary files: {event}",
        subject=first.memory.subject, evidence=path, severity=severity, confidence=confidence,
        because=unique(step for x in found for step in story(x.memory, x.run)),
        fix=replace(pinned_place(first.memory, project.release, by_setting=first.by_setting),
                    caveat=caveat_of(first.run.service) if first.run is not None else FRESH, changes=_changes(at, found)))


def _changes(at: Location, found: list[Landing]) -> tuple[Change, ...]:
    """Another value for the variable where it is set, on a volume of each service that reads it there."""
    first = found[0]
    if at.path.endswith(".py"):
        return placed(at, found)
    services = {id(x.run.service): x.run.service for x in found if x.run is not None}
    if not all(x.by_setting and x.set_at == at for x in found) or first.assumed or not services:
        return ()
    return relocated(at, services.values())


def _made(landing: Landing) -> str | None:
    """The call that makes a new temporary directory, where one does."""
    for expr in walk(landing.memory.store.where):
        if isinstance(expr, Place) and expr.kind == "temporary":
            return "tempfile"
    return None


def _vanishes(landing: Landing) -> bool:
    return _made(landing) is not None or (isinstance(landing.path, Known) and is_temporary(landing.path.value))


def _covered(landing: Landing) -> bool:
    if landing.run is None or _made(landing) is not None or not isinstance(landing.path, Known):
        return False
    mount = covering(landing.run.service.mounts, landing.path.value)
    return mount is not None and mount.durable


def _place_of(landing: Landing) -> Location:
    """Where a person would change it: what set the path, else HOME or XDG_DATA_HOME, else the memory."""
    if landing.set_at is not None:
        return landing.set_at
    if landing.run is not None:
        for name in ("XDG_DATA_HOME", "HOME"):
            answer = landing.around.variable(name)
            if isinstance(answer, Known) and answer.at is not None and is_temporary(answer.value):
                return answer.at
        if landing.run.service.user.at is not None and landing.memory.store.where is None:
            return landing.run.service.user.at
    return landing.memory.store.at or landing.memory.at


SETTINGS = '''import os

os.environ["CREWAI_STORAGE_DIR"] = os.path.join("/tmp", "crewai_storage")  # <-- here

'''
MKDTEMP = '''import tempfile

from crewai import Agent, Crew, Task
from crewai.memory import Memory

folder = tempfile.mkdtemp(prefix="crew-")  # <-- here
memory = Memory(storage=folder)


def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    return Crew(agents=[writer], tasks=[Task(description="Write", expected_output="Text", agent=writer)], memory=memory)
'''
BOT = '''from crewai import Crew
from crewai.memory import LongTermMemory
from crewai.memory.storage.ltm_sqlite_storage import LTMSQLiteStorage

history = LTMSQLiteStorage(db_path="/var/tmp/bot/history.db")  # <-- here
Crew(agents=[], tasks=[], memory=True, long_term_memory=LongTermMemory(storage=history)).kickoff()
'''
IN_TMP = "services:\n  api:\n    build: .\n    environment:\n      CREWAI_STORAGE_DIR: /tmp/crewai{}\n"
STAGED = '''import os

from crewai import Agent, Crew, Memory, Task
from fastapi import FastAPI

app = FastAPI()


def memory():
    if os.environ.get("BOT_ENV") == "test":
        return Memory(storage="/tmp/bot")
    return Memory(storage="/data/bot")


@app.post("/ask")
def ask(text: str):
    clerk = Agent(role="Clerk", goal="Answer", backstory="Answers")
    return Crew(agents=[clerk], tasks=[Task(description=text, expected_output="Text", agent=clerk)], memory=memory()).kickoff()
'''
RULE = Rule(
    id="CM103", severity="error", check=check,
    summary="the store's path is a directory for temporary files",
    bad=(
        Example("the environment is set in code", _trees.service(app__crew_dot_py=SETTINGS + _trees.CREW)),
        Example("a compose file sets it", _trees.service(IN_TMP.format("  # <-- here"))),
        Example("tempfile", _trees.service(app__crew_dot_py=MKDTEMP)),
        Example("no service is known", {"bot.py": BOT, "requirements.txt": "crewai==0.203.2\n"}),
    ),
    good=(
        Example("a volume covers it", _trees.service(IN_TMP.format("") + "    volumes: [m:/tmp/crewai]\nvolumes:\n  m:\n")),
        Example("only the uploads go to /tmp", _trees.service(app__main_dot_py=_trees.API.replace(
            "    return", "    uploads = tempfile.mkdtemp()\n    print(uploads)\n    return").replace(
            "from fastapi", "import tempfile\n\nfrom fastapi"))),
        Example("only the tests write there", {
            "bot.py": STAGED, "requirements.txt": "crewai==1.15.30\nfastapi\n"}),
        Example("a default that the deployment replaces", _trees.service(
            "services:\n  api:\n    build: .\n    environment: {CREWAI_STORAGE_DIR: /data}\n    volumes: [m:/data]\nvolumes:\n  m:\n",
            app__crew_dot_py='import os\n\nos.environ.setdefault("CREWAI_STORAGE_DIR", "/tmp/crewai")\n\n' + _trees.CREW)),
    ),
    premise=("Filesystem Hierarchy Standard 3.0: /tmp, /run and their kin are not kept",
             "ran 0.203.2, 1.9.3 and 1.15.30: an absolute CREWAI_STORAGE_DIR is the store's path"),
)
