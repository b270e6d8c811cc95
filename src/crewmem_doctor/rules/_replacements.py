"""What really exists, on the release in use, instead of an argument or import that does not."""

from __future__ import annotations

from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.code import RemoveArgument, ReplaceArgument, ScopeMemory
from crewmem_doctor.model.expression import Table, Text
from crewmem_doctor.model.finding import Fix
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.releases.api import argument
from crewmem_doctor.releases.eras import era
from crewmem_doctor.releases.imports import importable
from crewmem_doctor.releases.keys import keyed_by
from crewmem_doctor.releases.known import KNOWN
from crewmem_doctor.releases.spans import Verdict
from crewmem_doctor.rules._remedies import unified
from crewmem_doctor.rules._uses import Use

SCOPED = ('memory = Memory()      # once, at import\n…\n'
          'Crew(agents=[…], tasks=[…], memory=memory.scope(f"/user/{user_id}/chat"))')
SPLIT = "What was remembered for everybody is not found in the scopes. See that the id is the caller's own and stays the same."
KEYS = ("session_id", "user_id", "thread_id", "conversation_id")


def instead_of(use: Use, release: Release) -> Fix:
    """A remedy that works on every release in question."""
    name = use.what
    owner = use.owner.rsplit(".", 1)[-1]
    if name in ("embedder", "embedder_config"):
        return Fix("Name a provider that this release knows", 'embedder={"provider": "ollama", "config": {…}}')
    if owner == "LongTermMemory" and name == "storage":
        return Fix("Pass a storage object, not a dict", 'LongTermMemory(storage=LTMSQLiteStorage(db_path="/data/long_term.db"))')
    if owner == "Memory" and name == "storage":
        return Fix("Pass a directory or a storage object, not a dict", 'Memory(storage="/data/memory")')
    if _keyed(use):
        return replace(per_user(release), changes=_scoped(use, release), caveat=SPLIT if _scoped(use, release) else "")
    if owner in ("Crew", "Agent"):
        return _without(use, release) or _for_crew(release)
    if owner.startswith("kickoff"):
        return Fix("Pass what the tasks need as inputs; it does not choose a memory", "crew.kickoff(inputs={…})")
    return Fix(f"Remove {name}=; {owner} does not know it", "", safe=_ignored(use), changes=(RemoveArgument(use.at),))


def _scoped(use: Use, release: Release) -> tuple[Change, ...]:
    """`memory={"session_id": …}` of a crew can become a scope wherever a crew takes one."""
    table = use.given.value if use.given is not None else None
    takes = use.owner == "crewai.Crew" and use.what == "memory" and isinstance(table, Table) and release.always(takes_scope)
    return (ScopeMemory(use.at, keys=KEYS),) if takes else ()


def _without(use: Use, release: Release) -> Fix | None:
    """Where the crew's own memory is on, an argument that is ignored can go; where it is not, it meant to turn it on."""
    if use.call is None or use.what in ("memory", "memory_config") or not unified(release) or not use.owner.endswith(".Crew"):
        return None
    given = use.call.argument("memory")
    on = given is not None and not (isinstance(given.value, Text) and given.value.value in (None, False))
    if on:
        return Fix(f"Remove {use.what}=, which nothing reads; the crew's own memory is on", "Crew(agents=[…], tasks=[…], memory=True)",
                   safe=_ignored(use), changes=(RemoveArgument(use.at),))
    if use.what in ("external_memory", "short_term_memory", "long_term_memory", "entity_memory", "user_memory"):
        return Fix(f"Turn the crew's own memory on instead of {use.what}=", "Crew(agents=[…], tasks=[…], memory=True)",
                   changes=(ReplaceArgument(use.at, "memory", "True"),),
                   caveat="What the old storage holds is not read by it.")
    return None


def _ignored(use: Use) -> bool:
    """Whether every release in question drops it without a word, so that nothing changes when it goes."""
    return all(verdict.outcome == "ignored" for _, verdict in use.verdicts)


def _keyed(use: Use) -> bool:
    """Whether the argument meant to keep users apart."""
    value = use.given.value if use.given is not None else None
    table = getattr(value, "get", None)
    return use.what in KEYS or (table is not None and any(table(key) is not None for key in KEYS))


def per_user(release: Release) -> Fix:
    """One memory for each user. A crew takes a scope since scopes save in full; before, a store of its own."""
    if unified(release):
        if release.always(takes_scope):
            return Fix("Hand the crew a scope for each user", SCOPED)
        return Fix("Give each user a store of its own", 'Crew(agents=[…], tasks=[…], memory=Memory(storage=f"/data/memory/{user_id}"))')
    if not release.locked and takes_scope(release.newest):
        return Fix(f"Pin crewai=={release.newest} and hand the crew a scope for each user", SCOPED)
    if release.always(lambda v: _ok(argument(v, "crewai.Crew", "external_memory"))):
        return Fix("Hand the crew an external memory whose storage knows the user (a subclass of Storage with save and search)",
                   "Crew(agents=[…], tasks=[…], external_memory=ExternalMemory(storage=UserStorage(user_id)))")
    return Fix("Keep each user's history yourself and pass it in; this release has no memory per user",
               'crew.kickoff(inputs={"history": load_history(user_id)})')


def takes_scope(version: Version) -> bool:
    """Whether a crew saves in full into a scope that it is handed, which came with root scopes."""
    return keyed_by(version, "root_scope") is not None


def _for_crew(release: Release) -> Fix:
    if unified(release):
        return Fix("Hand the crew a Memory with the store that you mean; a server needs a storage object of its own",
                   'Crew(agents=[…], tasks=[…], memory=Memory(storage="/data/memory"))')
    return Fix("Turn memory on and say where it lies with CREWAI_STORAGE_DIR", "Crew(agents=[…], tasks=[…], memory=True)")


def instead_of_import(use: Use, release: Release) -> Fix:
    """The same thing as this release has it, or a release that has what the code imports."""
    if unified(release):
        return Fix("Use the one Memory of this release", 'from crewai.memory import Memory\n\nmemory = Memory(storage="/data/memory")')
    if use.what.startswith("crewai.memory.storage") and release.always(lambda v: era(v).legacy):
        return Fix("Use a storage that this release has",
                   "from crewai.memory.storage.ltm_sqlite_storage import LTMSQLiteStorage\n\n"
                   'LongTermMemory(storage=LTMSQLiteStorage(db_path="/data/long_term.db"))')
    having = next((v for v in reversed(KNOWN) if _ok(importable(v, use.what))), None)
    if having is None:
        return Fix("Remove the import; let CrewAI keep memory itself", "Crew(agents=[…], tasks=[…], memory=True)")
    return Fix("Pin a release that has what the code imports", f"crewai=={having}")


def _ok(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.outcome == "ok"
