"""Where a storage argument puts the records."""

from __future__ import annotations

from crewmem_doctor.facts.python.clients import (
    CLIENTS,
    REMOTE,
    TEXTUAL,
    default_store,
    path_store,
    server,
    sqlite_store,
)
from crewmem_doctor.facts.python.custom_stores import nature_of, overridden
from crewmem_doctor.facts.python.mem0 import mem0_storage
from crewmem_doctor.facts.python.survey import Survey, as_text, root
from crewmem_doctor.model.expression import Build, Choice, Expr, Opaque, Table, Text
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Engine, Store

# CrewAI's storages that are files: the argument with the path, its position, the engine.
_FILES: dict[str, tuple[str, int | None, Engine]] = {
    "LanceDBStorage": ("path", 0, "lancedb"),
    "QdrantEdgeStorage": ("path", 0, "qdrant-edge"),
    "RAGStorage": ("path", 4, "chroma"),
    "LTMSQLiteStorage": ("db_path", 0, "sqlite"),
    "SQLiteFlowPersistence": ("db_path", 0, "sqlite"),
    "KickoffTaskOutputsSQLiteStorage": ("db_path", 0, "sqlite"),
}


def store_of(survey: Survey, value: Expr | None, at: Location | None) -> Store:
    """The store that a `storage=` argument stands for. A URL given as text stays a path: CrewAI takes it for one."""
    if value is None or (isinstance(value, Text) and value.value is None):
        return default_store(at)
    if isinstance(value, Build):
        return _built(survey, value, at)
    if isinstance(value, Choice):
        return _one_of([store_of(survey, option, at) for option in value.options], value, at)
    if isinstance(value, Table):
        return Store("unknown", "a dict is no storage", None, "unknown", at)
    if isinstance(value, TEXTUAL):
        return _named(value, at)
    return Store(
        "unknown", value.why if isinstance(value, Opaque) else "the store could not be read", None, "unknown", at
    )


def _named(value: Expr, at: Location | None) -> Store:
    text = as_text(value)
    if text == "lancedb":
        return default_store(at, "lancedb")
    if text == "qdrant-edge":
        return default_store(at, "qdrant-edge")
    return path_store(value, "storage=", "default", at)


def _one_of(stores: list[Store], value: Choice, at: Location | None) -> Store:
    """Several stores to choose from: one answer only where they are of one kind."""
    kinds = {store.kind for store in stores}
    if len(kinds) != 1:
        known = [s for s in stores if not (s.kind == "path" and s.where is None)]
        # `storage or None`: the default only stands in for the one that was meant.
        if value.fallback and len({s.kind for s in known}) == 1 and len(known) == 1:
            return known[0]
        return Store("unknown", "the code chooses between several stores", None, "unknown", at)
    wheres = [store.where for store in stores if store.where is not None]
    if len(wheres) == len(stores) and len(wheres) > 1:
        return Store(
            stores[0].kind, stores[0].why, Choice(tuple(wheres), value.fallback, value.at), stores[0].engine, at
        )
    if 0 < len(wheres) < len(stores) and stores[0].kind == "path":
        return Store("unknown", "the code chooses between several stores", None, "unknown", at)
    return stores[0]


def _built(survey: Survey, value: Build, at: Location | None) -> Store:
    word = value.callee.rsplit(".", 1)[-1]
    if value.class_path:
        known = next((b.rsplit(".", 1)[-1] for b in value.bases if b.rsplit(".", 1)[-1] in _FILES), "")
        if not known:
            return nature_of(survey, value, at, store_of)
        own = overridden(survey, value, at, store_of)
        if own is not None:
            return own
        word = known
    if root(value.callee) == "crewai" or value.class_path:
        if word in _FILES:
            name, position, engine = _FILES[word]
            return path_store(value.argument(name, position), f"{word}({name}=…)", engine, at)
        if word == "Mem0Storage":
            return mem0_storage(value.argument("config", 2), at)
    client = CLIENTS.get(value.callee) or CLIENTS.get(f"{root(value.callee)}.{word}")
    if client is not None:
        return client(value, at)
    if value.callee == "crewai_persistence_sql.SQLFlowPersistence":
        url = value.argument("url", 0)
        return (
            sqlite_store(url, f"{word}(…)", at)
            if isinstance(url, Text) and str(url.value).startswith("sqlite")
            else server(value, f"{word}(…)", at)
        )
    if root(value.callee) in REMOTE:
        return server(value, f"{word}(…)", at)
    if value.callee in ("builtins.dict", "builtins.list", "collections.defaultdict", "collections.OrderedDict"):
        return Store("process", f"{word}()", None, "python", at)
    inner = next((a for a in (*value.args, *(v for _, v in value.kwargs)) if isinstance(a, Build)), None)
    if word in ("Path", "str", "PosixPath") and value.args:
        return store_of(survey, value.args[0], at)
    why = (
        f"{value.callee or 'a call'}(…) could not be followed"
        if inner is None
        else f"{word}(…) is of a package that was not read"
    )
    return Store("unknown", why, None, "unknown", at)
