"""The user's own object: found, and its store put aside for one of the probe's own, or refused with the reason.

The user's module is imported as the application does it, from the project's root, so what it does at import is done. No
LLM and no embedder of the user's is asked: both are replaced.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import os
import sys
from collections.abc import Mapping
from typing import Any

from . import legacy, unified
from .steps import QUIET, State, prepare

WANTED = "a Crew, a Flow, an Agent or a Memory"


class Refused(RuntimeError):
    """The object's store cannot be kept apart from the user's records. Nothing was written."""


class NotUsable(RuntimeError):
    """The user's own code did not give an object."""


def adopt(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the object that `target` names and lets `state.store` be its memory, with a store of the probe's own."""
    redis = os.environ.get("REDIS_URL")
    prepare(state)
    if redis:
        os.environ["REDIS_URL"] = redis     # the user's code may want it
    made = _make(step["target"], step["root"])
    if not state.is_unified:
        return _legacy(state, made)
    memory = _memory_of(made)
    how, where = _isolate(state, memory)
    return {"what": type(made).__name__, "isolated": how, "own": where}


def _make(target: str, root: str) -> Any:
    """What `module:name` stands for: the object itself, or what the function returns."""
    name, _, attribute = target.partition(":")
    sys.path.insert(0, root)
    sys.dont_write_bytecode = True      # the user's folders stay as they are
    try:
        found: Any = importlib.import_module(name)
        for part in attribute.split("."):
            found = getattr(found, part)
        if inspect.isclass(found) or (callable(found) and not _is_ours(found)):
            found = found()
        if not _is_ours(found) and callable(getattr(found, "crew", None)):
            found = found.crew()        # a @CrewBase class
    except Exception as error:
        raise NotUsable(f"{target} gives no object: {type(error).__name__}: {error}") from error
    if inspect.isawaitable(found):
        raise NotUsable(f"{target} is asynchronous; name a function that returns {WANTED}")
    os.environ.update(QUIET)
    return found


def _is_ours(found: Any) -> bool:
    """An object of CrewAI's classes, which some of them let one call."""
    return any(base.__module__.split(".")[0] == "crewai" for base in type(found).__mro__)


def _memory_of(made: Any) -> Any:
    memory = importlib.import_module("crewai.memory.unified_memory").Memory
    for name in ("_memory", "memory"):
        if isinstance(made, memory):
            break
        found = getattr(made, name, None)
        made = found if found is not None and not isinstance(found, bool) else made
    made = getattr(made, "_memory", made) if not isinstance(made, memory) else made     # a scope or a slice
    if not isinstance(made, memory):
        raise Refused(f"{type(made).__name__} has no memory turned on: {WANTED} with memory is needed")
    if getattr(made, "read_only", False):
        raise Refused("its memory is read-only: it saves nothing, as it was told")
    return made


def _isolate(state: State, memory: Any) -> tuple[str, str]:
    """Puts the memory on a table of its own where it is CrewAI's LanceDB, else on a scope of its own where records that
    are there tell the length of the vectors."""
    storage = memory._storage
    lance = importlib.import_module("crewai.memory.storage.lancedb_storage").LanceDBStorage
    if type(storage) is lance:
        path = os.path.realpath(str(storage._path))
        memory._storage = unified.table(state.namespace, path)
        memory._embedder_instance = unified.vectors
        state.store = unified.Adopted(memory, unified.SCOPE)
        how, where = "table", os.path.join(path, f"{state.namespace}.lance")
    else:
        length = _length(storage)
        memory._embedder_instance = lambda texts: [_vector(text, length) for text in texts]
        state.store = unified.Adopted(memory, f"/{state.namespace}")
        how, where = "scope", type(storage).__name__
    memory._llm_instance = unified.no_llm()
    return how, where


def _length(storage: Any) -> int:
    """The length of the vectors that a store of somebody else's keeps."""
    name = type(storage).__name__
    if not all(hasattr(storage, needed) for needed in ("list_records", "delete")):
        raise Refused(f"its store {name} cannot list or delete single records, so the probe could not tidy up")
    lengths = {len(record.embedding) for record in storage.list_records(limit=20) if record.embedding}
    if len(lengths) != 1:
        raise Refused(f"its store {name} holds no vectors yet, and the first record would decide their length for all "
                      "that follow; let the application save once, then probe again")
    return int(lengths.pop())


def _vector(text: str, length: int) -> list[float]:
    data = hashlib.shake_256(text.encode()).digest(length)
    return [(byte - 127.5) / 127.5 for byte in data]


def _legacy(state: State, made: Any) -> dict[str, Any]:
    """The older engine follows CREWAI_STORAGE_DIR, here a folder of the probe's own; what does not is refused."""
    parts = {name: getattr(made, f"_{name}_memory", None) for name in ("short_term", "long_term", "entity", "external")}
    if type(made).__module__.startswith("crewai.memory"):
        parts = {type(made).__name__: made}
    parts = {name: part for name, part in parts.items() if part is not None}
    if not parts:
        raise Refused(f"{type(made).__name__} has no memory turned on: {WANTED} with memory is needed")
    for name, part in parts.items():
        storage = getattr(part, "storage", None)
        if type(storage).__name__ not in ("RAGStorage", "LTMSQLiteStorage"):
            raise Refused(f"its {name} memory keeps records in {type(storage).__name__}, which cannot be kept apart")
        place = str(getattr(storage, "db_path", "") or getattr(storage, "path", "") or "")
        if place and not os.path.realpath(place).startswith(os.path.realpath(state.own)):
            raise Refused(f"its {name} memory is told to be in {place}, which the probe does not touch")
    state.store = legacy.Legacy(state.namespace, state.own)
    return {"what": type(made).__name__, "isolated": "folder", "own": state.own}


def forget(state: State, step: Mapping[str, Any]) -> dict[str, Any]:
    """Deletes the records of the probe's own scope, by their ids: deleting a scope deletes more than it says."""
    if state.store is None:
        adopt(state, step)
    memory = state.store.memory
    ids = [record.id for record in _own_records(state, memory)]
    if ids:
        memory._storage.delete(record_ids=ids)
    return {"left": [f"record {record.id}" for record in _own_records(state, memory)]}


def _own_records(state: State, memory: Any) -> list[Any]:
    word = state.namespace.rpartition("_")[2]
    return [record for record in memory.list_records(scope=f"/{state.namespace}", limit=200) if word in record.content]
