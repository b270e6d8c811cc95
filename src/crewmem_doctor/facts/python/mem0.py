"""Where mem0 keeps its records: its own client, and CrewAI's storage on top of it."""

from __future__ import annotations

from collections.abc import Callable

from crewmem_doctor.facts.python.clients import ADDRESS, path_store
from crewmem_doctor.facts.python.survey import as_text
from crewmem_doctor.model.expression import Build, Expr, Opaque, Table, Text
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Engine, Store

MEM0_API = "https://api.mem0.ai"


def mem0_storage(config: Expr | None, at: Location | None) -> Store:
    """CrewAI's `Mem0Storage`: hosted where a key is given in the config, local where a local config is."""
    if isinstance(config, Table):
        inner = config.get("config")
        table = inner if isinstance(inner, Table) else config
        if isinstance(table.get("local_mem0_config"), Table):
            return mem0_store(table.get("local_mem0_config"), at)
        if table.get("api_key") is not None:
            return Store("server", "mem0's hosted API", Text(MEM0_API), "remote", at)
    return Store("unknown", "MEM0_API_KEY decides between mem0's hosted API and its local store", None, "unknown", at)


def mem0_store(config: Expr | None, at: Location | None) -> Store:
    """The store of mem0's own `Memory`, by its vector store; embedded Qdrant in /tmp where none is given."""
    vectors: Expr | None = None
    if isinstance(config, Table):
        vectors = config.get("vector_store")
        if vectors is None and not config.open:
            return Store("path", "mem0's own default", Text("/tmp/qdrant"), "qdrant", at)
    elif isinstance(config, Build):
        vectors = config.argument("vector_store")
        if vectors is None:
            return Store("path", "mem0's own default", Text("/tmp/qdrant"), "qdrant", at)
    elif config is None:
        return Store("path", "mem0's own default", Text("/tmp/qdrant"), "qdrant", at)
    if vectors is None:
        return Store("unknown", "mem0's configuration could not be followed", None, "unknown", at)
    return _vectors(vectors, at)


def _vectors(vectors: Expr, at: Location | None) -> Store:
    get: Callable[[str], Expr | None] = (
        vectors.get
        if isinstance(vectors, Table)
        else (vectors.argument if isinstance(vectors, Build) else lambda _name: None)
    )
    provider = as_text(get("provider")) or ("qdrant" if isinstance(vectors, (Table, Build)) else "")
    inner = get("config")
    field: Callable[[str], Expr | None] = (
        inner.get if isinstance(inner, Table) else (inner.argument if isinstance(inner, Build) else lambda _name: None)
    )
    engine: Engine = "qdrant" if provider == "qdrant" else "chroma" if provider == "chroma" else "remote"
    for name in (*ADDRESS, "cluster_url", "mongo_uri", "api_key", "user", "collection_url"):
        found = field(name)
        if found is not None:
            return Store("server", f"mem0's {provider}", found, engine, at)
    path = field("path")
    if path is not None:
        return path_store(path, f"mem0's {provider}(path=…)", engine, at)
    if provider == "qdrant" and isinstance(vectors, (Table, Build)) and not isinstance(inner, Opaque):
        return Store("path", "mem0's own default", Text("/tmp/qdrant"), "qdrant", at)
    if provider in ("chroma", "faiss"):
        return path_store(
            Text(f"/tmp/{provider}") if provider == "faiss" else Text("db"), f"mem0's {provider}", engine, at
        )
    if provider and provider != "qdrant":
        return Store("server", f"mem0's {provider}", None, "remote", at)
    return Store("unknown", "mem0's vector store could not be followed", None, "unknown", at)
