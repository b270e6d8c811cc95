"""Changes of code that several rules offer."""

from __future__ import annotations

from crewmem_doctor.model.changes import Change, Refusal
from crewmem_doctor.model.changes.code import ReplaceText
from crewmem_doctor.model.expression import Concat, Expr, Joined, Text, walk
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Run
from crewmem_doctor.rules._volumes import STORAGE_DIR, free_folder, lasting, mounted
from crewmem_doctor.rules._where import Landing

SPLIT = "What was remembered for everybody is not found in the scopes. See that the id is the caller's own and stays the same."
MOVED = "What is remembered now stays behind in the old place."
FILES = ("long_term", "flow")       # memories whose store is one database file


def declined(at: Location, reason: str) -> tuple[Change, ...]:
    """A remedy that no edit can make, with the reason to print. Only code can say so."""
    return (Refusal(reason),) if at.path.endswith(".py") else ()


def placed(at: Location, found: list[Landing]) -> tuple[Change, ...]:
    """An absolute path on a volume for the text at `at`, which is what places these memories, and the volume where a
    service lacks one."""
    first = found[0]
    if any(x.assumed and x.run is not None for x in found):
        return ()       # the environment may say otherwise
    if not at.path.endswith(".py") or first.memory.kind == "third_party" or (first.set_at or first.memory.store.at) != at:
        return ()
    home, mounts = _home([x.run for x in found if x.run is not None])
    if not home:
        return declined(at, "the services that run it have volumes at different places; mount one of them in all and name it here")
    value = f"{home}/{_file(first)}" if not first.by_setting and first.memory.kind in FILES else f"{home}/crewai"
    return (ReplaceText(at, value, STORAGE_DIR if first.by_setting else ""), *mounts)


def on_disk(at: Location, old: str, name: str, runs: list[Run]) -> tuple[Change, ...]:
    """The file `name` on a volume for the text `old` inside the argument at `at`."""
    home, mounts = _home(runs)
    return (ReplaceText(at, f"{home}/{name}", old=old), *mounts) if home and at.path.endswith(".py") else ()


def _home(runs: list[Run]) -> tuple[str, list[Change]]:
    """A directory on a volume that all these services have, and the mounts that make it so. Empty where they differ."""
    services = {id(run.service): run.service for run in runs}
    volumes = [lasting(service) for service in services.values()]
    homes = {m.target.rstrip("/") for m in volumes if m is not None} if None not in volumes else set()
    if len(homes) == 1 or not services:
        return (homes.pop() if homes else "/data"), []
    if any(m is not None for m in volumes):
        return "", []
    home = free_folder(next(iter(services.values())))
    return home, [change for service in services.values() for change in mounted(service, home)]


def _file(landing: Landing) -> str:
    """The name of the database file, as it is now."""
    if isinstance(landing.said, Known):
        name = landing.said.value.rstrip("/").rpartition("/")[2]
    else:
        name = _last(landing.memory.store.where)
    return name if "." in name.strip(".") else "memory.db"


def _last(where: Expr | None) -> str:
    last = where
    while isinstance(last, (Concat, Joined)) and last.parts:
        last = last.parts[-1]
    texts = [e for e in walk(last) if isinstance(e, Text) and isinstance(e.value, str)]
    return str(texts[-1].value).rpartition("/")[2] if texts else ""


def known_by(memory: Memory) -> tuple[str, ...]:
    """What the entry points of a memory know their callers by."""
    ways = [r for r in memory.handlers if r.entry.kind != "script"]
    return tuple(dict.fromkeys(what for r in ways for what in r.entry.identity))
