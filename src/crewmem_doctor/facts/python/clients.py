"""Stores of installed packages: database clients, and how a path or an address is read from their arguments."""

from __future__ import annotations

from collections.abc import Callable

from crewmem_doctor.facts.python.survey import as_text
from crewmem_doctor.model.expression import (
    Build,
    Concat,
    EnvVar,
    Expr,
    Fresh,
    FromCaller,
    Joined,
    Opaque,
    Place,
    Text,
)
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Engine, Store

DEFAULT = "crewai's own default"
# Packages whose storage classes keep everything behind a URL.
REMOTE = frozenset(
    {
        "psycopg",
        "psycopg2",
        "psycopg_pool",
        "asyncpg",
        "pg8000",
        "redis",
        "valkey",
        "redisvl",
        "upstash_redis",
        "pymongo",
        "motor",
        "beanie",
        "boto3",
        "aioboto3",
        "botocore",
        "httpx",
        "requests",
        "aiohttp",
        "urllib3",
        "supabase",
        "pinecone",
        "weaviate",
        "elasticsearch",
        "opensearchpy",
        "google",
        "azure",
        "firebase_admin",
        "cassandra",
        "neo4j",
        "pymysql",
        "MySQLdb",
        "mysql",
        "aiomysql",
        "zep_cloud",
        "zep_python",
        "zep_crewai",
        "honcho",
        "honcho_ai",
        "honcho_crewai",
        "pymilvus",
        "hindsight_client",
        "hindsight_crewai",
        "graphiti_core",
        "falkordb",
        "surrealdb",
        "crewai_memory_postgres",
        "crewai_memory_dynamodb",
        "crewai_memory_cosmosdb",
        "crewai_memory_firestore",
        "crewai_mongodb_memory",
        "crewai_persistence_mongodb",
        "crewai_persistence_dynamodb",
        "crewai_persistence_cosmosdb",
        "crewai_persistence_firestore",
        "couchbase",
        "clickhouse_connect",
        "typesense",
        "turbopuffer",
        "astrapy",
        "hvac",
    }
)
ADDRESS = (
    "url",
    "dsn",
    "connection_string",
    "conninfo",
    "uri",
    "host",
    "redis_url",
    "api_url",
    "base_url",
    "connection_url",
    "database_url",
    "endpoint",
    "db_url",
)
TEXTUAL = (Text, EnvVar, Concat, Joined, Place, Fresh, FromCaller)


def default_store(at: Location | None = None, engine: Engine = "default") -> Store:
    return Store("path", DEFAULT, None, engine, at)


def path_store(value: Expr | None, why: str, engine: Engine, at: Location | None) -> Store:
    """A file or directory named by `value`; RAM where that is a database's word for it."""
    text = as_text(value)
    if text is not None and (
        text == ":memory:" or text.startswith(("memory://", "file::memory:")) or "mode=memory" in text
    ):
        return Store("process", f"{why.partition('(')[0]}({text!r})", value, engine, at)
    if value is None or (isinstance(value, Text) and value.value is None):
        return Store("path", DEFAULT, None, engine, at)
    if isinstance(value, Opaque):
        return Store("unknown", value.why, None, engine, at)
    return Store("path", why, value, engine, at)


def sqlite_store(url: Text, why: str, at: Location | None) -> Store:
    """SQLAlchemy's URL of a file: `sqlite:///a.db` is relative, `sqlite:////data/a.db` absolute, `sqlite://` RAM."""
    file = str(url.value).partition("://")[2].partition("?")[0]
    if file in ("", "/", "/:memory:"):
        return Store("process", f"{why.partition('(')[0]}({url.value!r})", url, "sqlite", at)
    return path_store(Text(file.removeprefix("/"), url.at), why, "sqlite", at)


def server(value: Build, why: str, at: Location | None, engine: Engine = "remote") -> Store:
    """A store behind a URL: whichever argument looks like an address names it."""
    where = next((found for found in (value.argument(name) for name in ADDRESS) if found is not None), None)
    if where is None and value.args and isinstance(value.args[0], TEXTUAL):
        where = value.args[0]
    return Store("server", why, where, engine, at)


def _chroma_client(value: Build, at: Location | None) -> Store:
    """On disk only where the settings say `is_persistent` (or, before 0.4, name an implementation): a directory alone
    is never written to."""
    settings = value.argument("settings", 0)
    if settings is not None and not (isinstance(settings, Build) and settings.kwargs):
        # `Settings()` is filled attribute by attribute.
        return Store("unknown", "the settings of chromadb.Client(…) could not be followed", None, "chroma", at)
    path = settings.argument("persist_directory") if settings is not None else None
    kept = settings.argument("is_persistent") if settings is not None else None
    if kept is not None and not isinstance(kept, Text):
        return Store("unknown", "whether chromadb.Client(…) is persistent could not be read", None, "chroma", at)
    if (kept is not None and kept.value) or (settings is not None and settings.argument("chroma_db_impl") is not None):
        return path_store(path or Text("./chroma"), "chromadb.Client(persist_directory=…)", "chroma", at)
    why = "chromadb.Client() without is_persistent=True" if path is not None else "chromadb.Client()"
    return Store("process", why, None, "chroma", at)


def _qdrant_client(value: Build, at: Location | None) -> Store:
    location = value.argument("location", 0)
    if as_text(location) == ":memory:":
        return Store("process", "QdrantClient(':memory:')", location, "qdrant", at)
    path = value.argument("path")
    if path is not None:
        return path_store(path, "QdrantClient(path=…)", "qdrant", at)
    where = next((found for found in (value.argument(n) for n in ("url", "host")) if found is not None), location)
    return Store("server", "QdrantClient(…)", where, "qdrant", at)


def _lance(value: Build, at: Location | None) -> Store:
    where = value.argument("uri", 0)
    text = as_text(where)
    if text is not None and "://" in text and not text.startswith(("memory://", "file://")):
        return Store("server", "lancedb.connect(…)", where, "lancedb", at)
    return path_store(where, "lancedb.connect(…)", "lancedb", at)


def _sqlite(value: Build, at: Location | None) -> Store:
    return path_store(value.argument("database", 0), "sqlite3.connect(…)", "sqlite", at)


# Database clients by canonical name, else by package and last word.
CLIENTS: dict[str, Callable[[Build, Location | None], Store]] = {
    "chromadb.PersistentClient": lambda v, at: path_store(
        v.argument("path", 0) or Text("./chroma"), "chromadb.PersistentClient(…)", "chroma", at
    ),
    "chromadb.EphemeralClient": lambda v, at: Store("process", "chromadb.EphemeralClient()", None, "chroma", at),
    "chromadb.Client": _chroma_client,
    "chromadb.HttpClient": lambda v, at: server(v, "chromadb.HttpClient(…)", at, "chroma"),
    "chromadb.AsyncHttpClient": lambda v, at: server(v, "chromadb.AsyncHttpClient(…)", at, "chroma"),
    "chromadb.CloudClient": lambda v, at: server(v, "chromadb.CloudClient(…)", at, "chroma"),
    "qdrant_client.QdrantClient": _qdrant_client,
    "qdrant_client.AsyncQdrantClient": _qdrant_client,
    "lancedb.connect": _lance,
    "lancedb.connect_async": _lance,
    "sqlite3.connect": _sqlite,
    "aiosqlite.connect": _sqlite,
}
