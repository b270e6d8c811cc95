"""CM104 · nothing says where memory is kept

## Why
Without `storage=` and without CREWAI_STORAGE_DIR CrewAI keeps memory in `~/.local/share/<name of the working directory>`. The
place therefore depends on who runs the program and from which directory: a service user, a container's WORKDIR, a cron job and
a developer's shell each read and write another store, and two projects in directories of the same name share one.

## Example
```python
crew = Crew(agents=[…], tasks=[…], memory=True)     # and CREWAI_STORAGE_DIR is set nowhere
```

## Fix
Set CREWAI_STORAGE_DIR to an absolute path wherever the service runs: [storage_dir](recipes/storage_dir.md) says how, for
each kind of service.

## When this is not a problem
A tool for one person on one machine. Where a volume lies over the place in every service that runs it, this is a note.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.changes import Change, Refusal
from crewmem_doctor.model.changes.deployment import SetVariable
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Project
from crewmem_doctor.placement import covering
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import STORAGE_DIR, reported_by_deployment, unique
from crewmem_doctor.rules._remedies import RECIPES
from crewmem_doctor.rules._volumes import common_home
from crewmem_doctor.rules._where import Landing, judged, landings, story, worst
from crewmem_doctor.rules.base import Example, Rule


def check(project: Project) -> Iterator[Finding]:
    memories: dict[int, list[Landing]] = {}
    for landing in landings(project):
        if landing.by_setting and landing.memory.kind not in ("third_party", "checkpoint"):
            memories.setdefault(id(landing.memory), []).append(landing)
    # One setting is missing for all memories of a module that the same services run.
    groups: dict[tuple[str, frozenset[str]], list[Landing]] = {}
    for found in memories.values():
        memory = found[0].memory
        if all(map(_says_nothing, found)) and _served(memory, found) and not reported_by_deployment(project, memory):
            services = frozenset(x.run.service.id for x in found if x.run is not None)
            groups.setdefault((memory.at.path, services), []).extend(found)
    for found in groups.values():
        yield _finding(found)


def _finding(found: list[Landing]) -> Finding:
    memory = found[0].memory
    # What is not in the tree may say it: then this is no more than a hint.
    outside = next((x.run.service.environment.open[0] for x in found if x.run is not None and x.said is not None), "")
    mounted = all(map(_mounted, found))
    severity, confidence = worst([judged(x, "note" if outside or mounted else RULE.severity) for x in found])
    return RULE.finding(
        memory.turned_on or memory.at,
        f"nothing here says where memory is kept, neither an argument nor {STORAGE_DIR}: it goes to {_where(found)}, so it "
        f"depends on HOME and on the directory the program is started from{_unless(outside, mounted)}",
        subject=memory.subject, evidence=STORAGE_DIR, severity=severity, confidence="medium" if outside else confidence,
        because=unique(step for x in found for step in story(x.memory, x.run)),
        fix=Fix(f"Set {STORAGE_DIR} to an absolute path on a volume, wherever the service runs", f"{STORAGE_DIR}=/data/crewai",
                caveat="The place stays the same.", recipe=f"{RECIPES}storage_dir.md", changes=_changes(found)))


def _changes(found: list[Landing]) -> tuple[Change, ...]:
    """The place where it is now, said aloud in each service that runs the memory."""
    homes: dict[int, tuple[Service, set[str]]] = {}
    for landing in found:
        if landing.run is None:
            return (Refusal(f"no file here says where this program runs; set {STORAGE_DIR} there"),)
        if landing.said is not None or not isinstance(landing.path, Known):
            return (Refusal(f"where it lies in {landing.run.service.id} is decided outside these files; set {STORAGE_DIR} there"),)
        homes.setdefault(id(landing.run.service), (landing.run.service, set()))[1].add(landing.path.value)
    said = [(service, common_home(paths)) for service, paths in homes.values()]
    if not all(home for _, home in said):
        return (Refusal(f"what it keeps lies in several folders; set {STORAGE_DIR} and move them together"),)
    return tuple(SetVariable(service, STORAGE_DIR, home) for service, home in said)


def _says_nothing(landing: Landing) -> bool:
    """No argument and no variable; one that only might be set by a file that is not in the tree does not say where."""
    said = landing.said
    return said is None or (isinstance(said, Unknown) and landing.run is not None
                            and landing.run.service.environment.get(STORAGE_DIR) is None and bool(landing.run.service.environment.open))


def _unless(outside: str, mounted: bool) -> str:
    if outside:
        return f", unless {outside} sets it"
    return ". The volume over that place keeps it as long as neither changes" if mounted else ""


def _mounted(landing: Landing) -> bool:
    """Whether a durable mount stands over that very place: whoever deploys it knows where it is. The disk of a host,
    which lies over everything, says nothing of the kind."""
    if landing.run is None or not isinstance(landing.path, Known):
        return False
    mount = covering(landing.run.service.mounts, landing.path.value)
    return mount is not None and mount.durable and mount.target != "/"


def _served(memory: Memory, found: list[Landing]) -> bool:
    return memory.served or any(x.run is not None and x.run.sure for x in found)


def _where(found: list[Landing]) -> str:
    known = next((x for x in found if isinstance(x.path, Known)), None)
    if known is not None and isinstance(known.path, Known) and known.run is not None:
        return f"{known.path.value} in {known.run.service.id}"
    return "~/.local/share/<name of the working directory>"


FLOW = '''from chainlit import on_message
from crewai.flow.flow import Flow, start
from crewai.flow.persistence import persist


@persist()  # <-- here
class Chat(Flow):
    @start()
    def answer(self):
        return "hello"


@on_message
async def message(msg):
    return await Chat().kickoff_async(inputs={"id": msg.thread_id})
'''
MOUNTED = "services:\n  api:\n    build: .\n    volumes: [m:/root/.local]\n    environment: {}\nvolumes:\n  m:\n"
UNIT = ("[Service]\nUser=api\nWorkingDirectory=/srv/api\nExecStart=/srv/api/.venv/bin/uvicorn app.main:app --host 0.0.0.0\n"
        "[Install]\nWantedBy=multi-user.target\n")
HERE = _trees.CREW.replace("memory=True)", "memory=True)  # <-- here")
NO_DEPLOYMENT = {"app/__init__.py": "", "app/main.py": _trees.API, "requirements.txt": _trees.PINNED}
RULE = Rule(
    id="CM104", severity="warning", check=check,
    summary="memory is on and served, and nothing says where it is kept",
    bad=(
        Example("a service without deployment files", {**NO_DEPLOYMENT, "app/crew.py": HERE}),
        Example("a volume over the place: a note", _trees.service(MOUNTED.format("{}"), app__crew_dot_py=HERE), severity="note"),
        Example("a host, whose disk lies over everything", {**NO_DEPLOYMENT, "app/crew.py": HERE, "api.service": UNIT},
                severity="warning"),
        Example("a flow's states", {"chat.py": FLOW, "requirements.txt": "crewai==1.9.3\nchainlit\n"}),
    ),
    good=(
        Example("the environment says where", _trees.service(MOUNTED.format("{CREWAI_STORAGE_DIR: /root/.local/crew}"))),
        Example("the code says where", {**NO_DEPLOYMENT, "app/crew.py": _trees.CREW.replace(
            "from crewai", 'import os\n\nos.environ.setdefault("CREWAI_STORAGE_DIR", "/srv/crew")\n\nfrom crewai', 1)}),
        Example("a script that nobody serves", {"run.py": _trees.CREW + '\n\nbuild_crew("x").kickoff()\n', "requirements.txt": "crewai==1.9.3\n"}),
        Example("the missing volume is reported instead", _trees.service("services:\n  api:\n    build: .\n")),
    ),
    premise=("crewai_core/paths.py:13-26 of 1.15.30; ran 0.130.0 to 1.15.30: another working directory's name is another store",),
)
