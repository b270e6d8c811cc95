"""What really exists, on the release in use, instead of an argument or import that does not."""

from __future__ import annotations

import json
from dataclasses import replace

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.code import (
    AddArgument,
    RemoveArgument,
    RenameArgument,
    ReplaceArgument,
    ScopeMemory,
    UnifyMemory,
)
from crewmem_doctor.model.expression import Build, Table, Text
from crewmem_doctor.model.finding import Fix
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.releases.eras import era
from crewmem_doctor.releases.imports import importable
from crewmem_doctor.releases.keys import keyed_by
from crewmem_doctor.releases.known import KNOWN
from crewmem_doctor.releases.spans import Verdict
from crewmem_doctor.rules._embedders import embedder
from crewmem_doctor.rules._in_code import SPLIT, declined
from crewmem_doctor.rules._remedies import EXTERNAL, takes_external, unified
from crewmem_doctor.rules._uses import Use

SCOPED = ('memory = Memory()      # once, at import\n\n'
          'Crew(agents=agents, tasks=tasks, memory=memory.scope(f"/user/{user_id}/chat"))')
OLD = "What the older classes hold is not read by it."
LEGACY = ("ShortTermMemory", "LongTermMemory", "EntityMemory", "ExternalMemory", "UserMemory", "LTMSQLiteStorage", "RAGStorage")
ARGUMENTS = {"ShortTermMemory": "short_term_memory", "LongTermMemory": "long_term_memory", "EntityMemory": "entity_memory",
             "ExternalMemory": "external_memory"}
KEYS = ("session_id", "user_id", "thread_id", "conversation_id")


def instead_of(use: Use, release: Release) -> Fix:
    """A remedy that works on every release in question."""
    name = use.what
    owner = use.owner.rsplit(".", 1)[-1]
    if name in ("embedder", "embedder_config"):
        return Fix("Name a provider that this release knows", embedder("ollama", release),
                   changes=declined(use.at, "only a person knows which embedder is meant, and the records must have been stored with it"))
    if owner == "LongTermMemory" and name == "storage":
        return Fix("Pass a storage object, not a dict", 'LongTermMemory(storage=LTMSQLiteStorage(db_path="/data/long_term.db"))',
                   changes=_in_file(use, release))
    if owner == "Memory" and name == "storage":
        return Fix("Pass a directory or a storage object, not a dict", 'Memory(storage="/data/memory")', changes=_in_folder(use))
    if use.newest.outcome == "unwritten":
        return _complete(use, release)
    if _keyed(use):
        return replace(per_user(release), changes=_scoped(use, release), caveat=SPLIT)
    if owner in ("Crew", "Agent"):
        return _without(use, release) or _dropped(use, release)
    if owner.startswith("kickoff"):
        return Fix("Pass what the tasks need as inputs; it does not choose a memory", 'crew.kickoff(inputs={"question": question})',
                   changes=(RemoveArgument(use.at),), caveat="Memory is not told apart by it, and was not before.")
    return Fix(f"Remove {name}=; {owner} does not know it", "", safe=_ignored(use), changes=(RemoveArgument(use.at),))


def _complete(use: Use, release: Release) -> Fix:
    """The rest of the crew's memory beside the kind that is nothing alone."""
    title = "Turn the crew's memory on beside it"
    snippet = f"Crew(agents=agents, tasks=tasks, memory=True, {use.what}={use.what})"
    if use.call is None or not release.always(lambda v: era(v).legacy):
        return Fix(title, snippet, changes=declined(
            use.at, "the releases that the requirement allows do not agree; pin one, then this can be repaired"))
    flag = use.call.argument("memory")
    change = AddArgument(use.call.at, "memory", "True") if flag is None else ReplaceArgument(flag.at, "memory", "True")
    return Fix(title, snippet, changes=(change,),
               caveat="The crew then makes its other kinds of memory too, which need an embedder and its key.")


def _scoped(use: Use, release: Release) -> tuple[Change, ...]:
    """`memory={"session_id": …}` of a crew can become a scope wherever a crew takes one."""
    table = use.given.value if use.given is not None else None
    takes = use.owner == "crewai.Crew" and use.what == "memory" and isinstance(table, Table) and release.always(takes_scope)
    if takes:
        return (ScopeMemory(use.at, keys=KEYS),)
    return declined(use.at, "the key belongs into the scope that a crew is handed, which is chosen where the crew is built; "
                    "docs/recipes/caller_identity.md shows how" if release.always(takes_scope) else
                    "this release has no memory for each user; docs/recipes/postgres_external_storage.md shows an external one")


def _in_file(use: Use, release: Release) -> tuple[Change, ...]:
    """The dict's file as the storage object of the older releases."""
    path = _path(use)
    if not path or not release.always(lambda v: era(v).legacy):
        return declined(use.at, "the dict names no file; docs/recipes has storage objects")
    return (ReplaceArgument(use.at, "storage", f"LTMSQLiteStorage(db_path={json.dumps(path)})",
                            (("crewai.memory.storage.ltm_sqlite_storage", "LTMSQLiteStorage"),)),)


def _in_folder(use: Use) -> tuple[Change, ...]:
    path = _path(use)
    if not path:
        return declined(use.at, "the dict names no directory; docs/recipes has storage objects for Postgres and Redis")
    return (ReplaceArgument(use.at, "storage", json.dumps(path.removesuffix(".db"))),)


def _path(use: Use) -> str:
    table = use.given.value if use.given is not None else None
    found = (table.get("path") or table.get("db_path")) if isinstance(table, Table) else None
    return found.value if isinstance(found, Text) and isinstance(found.value, str) else ""


def _removable(use: Use) -> bool:
    return use.what != "memory" and _ignored(use)


def _dropped(use: Use, release: Release) -> Fix:
    """What every release in question ignores can go; a store that is meant must be made."""
    if _removable(use):
        return replace(_for_crew(release), title=f"Remove {use.what}=, which nothing reads", safe=True, changes=(RemoveArgument(use.at),))
    given = use.given.value if use.given is not None else None
    kind = given.callee.rsplit(".", 1)[-1] if isinstance(given, Build) else ""
    if use.what == "memory" and kind in ARGUMENTS and use.owner.endswith(".Crew"):
        return Fix(f"Turn memory on and hand the object over as {ARGUMENTS[kind]}=",
                   f"Crew(agents=[…], tasks=[…], memory=True, {ARGUMENTS[kind]}=…)",
                   changes=(RenameArgument(use.at, ARGUMENTS[kind], "memory=True"),))
    return replace(_for_crew(release), changes=declined(use.at, "a server or a store of one's own needs a storage object; docs/recipes has those for Postgres and Redis"))


def _without(use: Use, release: Release) -> Fix | None:
    """Where the crew's own memory is on, an argument that is ignored can go; where it is not, it meant to turn it on."""
    if use.call is None or use.what in ("memory", "memory_config") or not unified(release) or not use.owner.endswith(".Crew"):
        return None
    given = use.call.argument("memory")
    on = given is not None and not (isinstance(given.value, Text) and given.value.value in (None, False))
    if on:
        return Fix(f"Remove {use.what}=, which nothing reads; the crew's own memory is on", "Crew(agents=agents, tasks=tasks, memory=True)",
                   safe=_ignored(use), changes=(RemoveArgument(use.at),))
    if use.what in ("external_memory", "short_term_memory", "long_term_memory", "entity_memory", "user_memory"):
        return Fix(f"Turn the crew's own memory on instead of {use.what}=", "Crew(agents=agents, tasks=tasks, memory=True)",
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
        return Fix("Give each user a store of its own", 'Crew(agents=agents, tasks=tasks, memory=Memory(storage=f"/data/memory/{user_id}"))')
    if not release.locked and takes_scope(release.newest):
        return Fix(f"Pin crewai=={release.newest} and hand the crew a scope for each user", SCOPED)
    if takes_external(release):
        return Fix("Turn the crew's own memory off and hand it an external one whose storage knows the user; "
                   "docs/recipes/postgres_external_storage.md has the class", EXTERNAL)
    if not release.locked and era(release.newest).unified:
        return Fix(f"Pin crewai=={release.newest} and give each user a store of its own",
                   'Crew(agents=agents, tasks=tasks, memory=Memory(storage=f"/data/memory/{user_id}"))')
    return Fix("Keep each user's history yourself and pass it in; this release has no memory per user",
               'crew.kickoff(inputs={"history": load_history(user_id)})')


def takes_scope(version: Version) -> bool:
    """Whether a crew saves in full into a scope that it is handed, which came with root scopes."""
    return keyed_by(version, "root_scope") is not None


def _for_crew(release: Release) -> Fix:
    if unified(release):
        return Fix("Hand the crew a Memory with the store that you mean; a server needs a storage object, which docs/recipes has",
                   'Crew(agents=agents, tasks=tasks, memory=Memory(storage="/data/memory"))')
    return Fix("Turn memory on and say where it lies with CREWAI_STORAGE_DIR", "Crew(agents=agents, tasks=tasks, memory=True)")


def unifying(uses: list[Use], release: Release) -> tuple[Change, ...]:
    """The one Memory for the older classes, where every release in question has it."""
    first = uses[0]
    names = [u.what.rpartition(".")[2] for u in uses]
    if unified(release) and all(name in LEGACY for name in names):
        return (UnifyMemory(first.at, tuple(u.at for u in uses)),)
    if all(not _ok(importable(v, u.what)) for u in uses for v in KNOWN):
        return (UnifyMemory(first.at, tuple(u.at for u in uses)),)     # goes where nothing uses it any more
    if unified(release):
        missing = next(name for name in names if name not in LEGACY)
        return declined(first.at, f"no release of CrewAI in question has {missing}; docs/recipes has storage objects for Postgres and Redis, "
                                  "to be handed over as Memory(storage=…)")
    if all(name == "Memory" for name in names):
        return declined(first.at, "this release has no unified Memory: ask for crewai 1.10 or later, or use Crew(memory=True)")
    return declined(first.at, "the releases that the requirement allows do not agree; pin one, then this can be repaired")


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
        return Fix("Remove the import; let CrewAI keep memory itself", "Crew(agents=agents, tasks=tasks, memory=True)")
    return Fix("Pin a release that has what the code imports", f"crewai=={having}")


def _ok(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.outcome == "ok"
