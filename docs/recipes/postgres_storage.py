"""CrewAI memory in PostgreSQL: one store for every worker, replica and host. Copy this file into your project.

For CrewAI 1.10 and later, where a memory takes a storage object. Needs `psycopg[binary]>=3.2`. Where the server has the
pgvector extension the vectors are searched with it, and with plain SQL where it has not.

    storage = PostgresStorage(os.environ["DATABASE_URL"])
    storage.check()                                             # no database, no start
    memory = Memory(storage=storage)
    Crew(agents=[...], tasks=[...], memory=memory.scope(f"/user/{user_id}"))

Scopes match by whole segments: `/user/1` never sees `/user/10`. Nothing is swallowed here: what the server refuses is
raised.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, TypeVar

import psycopg
from crewai.memory.types import MemoryRecord, ScopeInfo
from psycopg import sql
from psycopg.types.json import Jsonb

logger = logging.getLogger(__name__)
T = TypeVar("T")

PLAIN = "id, content, scope, categories, metadata, importance, created_at, last_accessed, source, private"
COLUMNS = sql.SQL(PLAIN + ", embedding::real[]")
SCHEMA = sql.SQL("""
CREATE TABLE IF NOT EXISTS {table} (
    id            text PRIMARY KEY,
    content       text NOT NULL,
    scope         text COLLATE "C" NOT NULL,
    categories    text[] NOT NULL,
    metadata      jsonb NOT NULL,
    importance    double precision NOT NULL,
    created_at    timestamp NOT NULL,        -- UTC
    last_accessed timestamp NOT NULL,        -- UTC
    source        text,
    private       boolean NOT NULL,
    embedding     {vector}
);
CREATE INDEX IF NOT EXISTS {index} ON {table} (scope);
""")


class PostgresStorage:
    """The `StorageBackend` protocol of CrewAI on one table, which is created at the first use.

    Every process has one connection of its own, opened at the first use and after a fork, and opened again when the
    server has gone away. Threads take turns on it.

    Args:
        url: `postgresql://…`, or any other conninfo that libpq reads.
        table: The table's name, also as "schema.table". Memories with different embedders need different tables.
        pgvector: Whether to use the extension; None takes it where the server has it.
        reconnect_seconds: How long a lost server is waited for. A server that was never there is not waited for.
    """

    _connection: psycopg.Connection[Any] | None

    def __init__(
        self, url: str, *, table: str = "crewai_memory", pgvector: bool | None = None, reconnect_seconds: float = 10.0
    ) -> None:
        self._url = url
        self._name = table
        self._table = sql.Identifier(*table.split("."))
        self._wanted = pgvector
        self._patience = reconnect_seconds
        self._vector = ""  # the type of the column: "vector" or "real[]"
        self._forget()
        _EVERY.add(self)

    def __repr__(self) -> str:
        return f"PostgresStorage(table={self._name!r})"  # the URL holds a password

    def check(self) -> None:
        """Connect, and create the table if there is none. Call it at start-up, so that nothing starts without."""
        (read_only,) = self._run(lambda cursor: cursor.execute("SHOW transaction_read_only").fetchone()) or ("",)
        if read_only == "on":
            raise ValueError("this PostgreSQL takes no writes: a standby, or a role that is read-only")

    def close(self) -> None:
        """Close this process' connection. The next use opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    @property
    def write_lock(self) -> threading.RLock:
        """CrewAI 1.10 holds this over a save; later releases do not ask for it."""
        return self._lock

    # ---- writing

    def save(self, records: list[MemoryRecord]) -> None:
        """Write all of the records, or none. A record whose id exists is replaced: a repeated save adds nothing."""
        if not records:
            return
        sizes = {len(record.embedding) for record in records if record.embedding}
        self._run(lambda cursor: self._write(cursor, records, sizes))

    def update(self, record: MemoryRecord) -> None:
        """Replace the record with the same id. It keeps its vector if the new one has none."""
        self.save([record])

    def touch_records(self, record_ids: list[str]) -> None:
        """Note that the records were recalled; CrewAI 1.11 and later call this."""
        statement = sql.SQL(
            "UPDATE {0} SET last_accessed = %s WHERE id IN"
            " (SELECT id FROM {0} WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED)"
        ).format(self._table)
        if record_ids:
            self._run(lambda cursor: cursor.execute(statement, (_utc(datetime.now(timezone.utc)), record_ids)))

    def delete(
        self,
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        record_ids: list[str] | None = None,
        older_than: datetime | None = None,
        metadata_filter: dict[str, Any] | None = None,
    ) -> int:
        """Delete what meets all conditions: with an empty list of ids nothing, without any condition everything."""
        where, values = _where(scope_prefix, categories, metadata_filter)
        if record_ids is not None:
            where.append(sql.SQL("id = ANY(%s)"))
            values.append(record_ids)
        if older_than is not None:
            where.append(sql.SQL("created_at < %s"))
            values.append(_utc(older_than))
        statement = sql.SQL("DELETE FROM {0} WHERE id IN (SELECT id FROM {0} WHERE {1} ORDER BY id FOR UPDATE)").format(
            self._table, _all(where)
        )
        return int(self._run(lambda cursor: cursor.execute(statement, values).rowcount))

    def reset(self, scope_prefix: str | None = None) -> None:
        """Delete every record of the scope and below it, or all of them."""
        self.delete(scope_prefix=scope_prefix)

    # ---- reading

    def search(
        self,
        query_embedding: list[float],
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        metadata_filter: dict[str, Any] | None = None,
        limit: int = 10,
        min_score: float = 0.0,
    ) -> list[tuple[MemoryRecord, float]]:
        """The nearest records, best first. The score is 1 / (1 + d²) as in CrewAI's own store: its thresholds hold."""
        where, values = _where(scope_prefix, categories, metadata_filter)
        where.append(sql.SQL("embedding IS NOT NULL"))
        return self._run(lambda cursor: self._nearest(cursor, query_embedding, where, values, limit, min_score))

    def get_record(self, record_id: str) -> MemoryRecord | None:
        found = self._select(sql.SQL("WHERE id = %s"), (record_id,))
        return found[0] if found else None

    def list_records(self, scope_prefix: str | None = None, limit: int = 200, offset: int = 0) -> list[MemoryRecord]:
        """Newest first."""
        where, values = _where(scope_prefix)
        clause = sql.SQL("WHERE {} ORDER BY created_at DESC, id LIMIT %s OFFSET %s").format(_all(where))
        return self._select(clause, (*values, max(limit, 0), max(offset, 0)))

    def count(self, scope_prefix: str | None = None) -> int:
        return int(self._rows("SELECT count(*) FROM {} WHERE {}", scope_prefix)[0][0])

    def list_categories(self, scope_prefix: str | None = None) -> dict[str, int]:
        query = "SELECT category, count(*) FROM {}, unnest(categories) AS category WHERE {} GROUP BY 1 ORDER BY 1"
        return {name: int(number) for name, number in self._rows(query, scope_prefix)}

    def list_scopes(self, parent: str = "/") -> list[str]:
        """The scopes right below `parent`, with their full paths."""
        base = _scope(parent).rstrip("/") + "/"
        scopes = [scope for (scope,) in self._rows("SELECT DISTINCT scope FROM {} WHERE {}", parent)]
        return sorted({base + scope[len(base) :].split("/", 1)[0] for scope in scopes if len(scope) > len(base)})

    def get_scope_info(self, scope: str) -> ScopeInfo:
        query = "SELECT count(*), min(created_at), max(created_at) FROM {} WHERE {}"
        ((number, oldest, newest),) = self._rows(query, scope)
        return ScopeInfo(
            path=_scope(scope),
            record_count=number,
            categories=list(self.list_categories(scope)),
            oldest_record=oldest,
            newest_record=newest,
            child_scopes=self.list_scopes(scope),
        )

    # ---- the same without blocking the event loop

    async def asave(self, records: list[MemoryRecord]) -> None:
        await asyncio.to_thread(self.save, records)

    async def asearch(
        self,
        query_embedding: list[float],
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        metadata_filter: dict[str, Any] | None = None,
        limit: int = 10,
        min_score: float = 0.0,
    ) -> list[tuple[MemoryRecord, float]]:
        return await asyncio.to_thread(
            self.search, query_embedding, scope_prefix, categories, metadata_filter, limit, min_score
        )

    async def adelete(
        self,
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        record_ids: list[str] | None = None,
        older_than: datetime | None = None,
        metadata_filter: dict[str, Any] | None = None,
    ) -> int:
        return await asyncio.to_thread(self.delete, scope_prefix, categories, record_ids, older_than, metadata_filter)

    # ---- statements

    def _write(self, cursor: psycopg.Cursor[Any], records: list[MemoryRecord], sizes: set[int]) -> None:
        for size in sizes:
            self._must_fit(cursor, size, writing=True)
        statement = sql.SQL("""
            INSERT INTO {table} AS old ({columns}, embedding)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::{vector})
            ON CONFLICT (id) DO UPDATE SET content = excluded.content, scope = excluded.scope,
                categories = excluded.categories, metadata = excluded.metadata, importance = excluded.importance,
                created_at = excluded.created_at, last_accessed = excluded.last_accessed, source = excluded.source,
                private = excluded.private, embedding = coalesce(excluded.embedding, old.embedding)
        """).format(table=self._table, columns=sql.SQL(PLAIN), vector=sql.SQL(self._vector))
        # Rows are locked in one order everywhere, so that no two writers ever wait for each other at once.
        cursor.executemany(statement, [self._row(record) for record in sorted(records, key=lambda one: one.id)])

    def _row(self, record: MemoryRecord) -> tuple[Any, ...]:
        return (
            record.id,
            record.content.replace("\0", ""),
            _scope(record.scope),
            list(record.categories),
            Jsonb(record.metadata),
            record.importance,
            _utc(record.created_at),
            _utc(record.last_accessed),
            record.source,
            record.private,
            self._literal(record.embedding) if record.embedding else None,
        )

    def _nearest(
        self,
        cursor: psycopg.Cursor[Any],
        query: list[float],
        where: list[sql.Composable],
        values: list[Any],
        limit: int,
        min_score: float,
    ) -> list[tuple[MemoryRecord, float]]:
        self._must_fit(cursor, len(query))
        if self._vector == "vector":
            distance = sql.SQL("embedding <-> %s::vector")
        else:
            distance = sql.SQL("(SELECT sqrt(sum((a - b) ^ 2)) FROM unnest(embedding, %s::real[]) AS pair(a, b))")
        statement = sql.SQL("SELECT {}, {} AS distance FROM {} WHERE {} ORDER BY distance LIMIT %s").format(
            COLUMNS, distance, self._table, _all(where)
        )
        rows = cursor.execute(statement, (self._literal(query), *values, max(limit, 0))).fetchall()
        scored = [(_record(row[:-1]), 1.0 / (1.0 + float(row[-1]) ** 2)) for row in rows]
        return [(record, score) for record, score in scored if score >= min_score]

    def _must_fit(self, cursor: psycopg.Cursor[Any], size: int, writing: bool = False) -> None:
        """One table holds vectors of one size. The first writer decides it, and only one process can be the first."""
        held = sql.SQL("SELECT cardinality(embedding::real[]) FROM {} WHERE embedding IS NOT NULL LIMIT 1").format(
            self._table
        )
        row = cursor.execute(held).fetchone()
        if row is None and writing:
            cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(self._table))
            row = cursor.execute(held).fetchone()
        if row is not None and row[0] != size:
            raise mismatch(row[0], size)

    def _literal(self, embedding: list[float]) -> Any:
        return json.dumps([float(x) for x in embedding]) if self._vector == "vector" else [float(x) for x in embedding]

    def _select(self, clause: sql.Composable, values: tuple[Any, ...]) -> list[MemoryRecord]:
        statement = sql.SQL("SELECT {} FROM {} {}").format(COLUMNS, self._table, clause)
        return [_record(row) for row in self._run(lambda cursor: cursor.execute(statement, values).fetchall())]

    def _rows(self, query: str, scope: str | None) -> list[tuple[Any, ...]]:
        where, values = _where(scope)
        statement = sql.SQL(query).format(self._table, _all(where))
        return self._run(lambda cursor: cursor.execute(statement, values).fetchall())

    # ---- the connection

    def _run(self, work: Callable[[psycopg.Cursor[Any]], T]) -> T:
        """Do the work in one transaction, and again if the server went away meanwhile: all of the work above may be."""
        with self._lock:
            had = self._connection is not None
            try:
                return self._once(work)
            except psycopg.OperationalError:
                if not had or (self._connection is not None and not self._connection.broken):
                    raise  # not there from the beginning, or alive and of another opinion
            logger.warning("the connection to PostgreSQL was lost; connecting again")
            deadline = time.monotonic() + self._patience
            while True:
                self.close()
                try:
                    return self._once(work)
                except psycopg.OperationalError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.25)

    def _once(self, work: Callable[[psycopg.Cursor[Any]], T]) -> T:
        connection = self._connection
        if connection is None:
            # Prepared statements would not survive a pooler such as PgBouncer.
            self._connection = connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=10, prepare_threshold=None
            )
        with connection.transaction(), connection.cursor() as cursor:
            if not self._vector:
                self._prepare(cursor)
            return work(cursor)

    def _prepare(self, cursor: psycopg.Cursor[Any]) -> None:
        """Create the table, once among all processes. An existing table says how its vectors are kept."""
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('crewai memory'))")
        vector = self._column(cursor)
        if vector is None:
            vector = "vector" if self._extension(cursor) else "real[]"
            index = sql.Identifier(self._name.split(".")[-1] + "_scope")
            cursor.execute(SCHEMA.format(table=self._table, index=index, vector=sql.SQL(vector)))
        self._vector = vector

    def _column(self, cursor: psycopg.Cursor[Any]) -> str | None:
        row = cursor.execute(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = to_regclass(%s)"
            " AND attname = 'embedding'",
            (self._table.as_string(cursor),),
        ).fetchone()
        return None if row is None else "real[]" if row[0] == "real[]" else "vector"

    def _extension(self, cursor: psycopg.Cursor[Any]) -> bool:
        """Whether to use pgvector. It is created where the server offers it and the role may."""
        if self._wanted is False:
            return False
        try:
            with cursor.connection.transaction():
                cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.Error as error:
            if self._wanted:
                raise
            logger.warning("memory is searched without pgvector, which is slower: %s", error)
            return False
        return True

    def _forget(self) -> None:
        """Start without a connection: at first, and in a forked child, which must not use nor close its parent's."""
        self._lock = threading.RLock()
        self._connection = None


_EVERY: weakref.WeakSet[PostgresStorage] = weakref.WeakSet()


def _after_fork() -> None:
    for storage in _EVERY:
        storage._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def mismatch(held: int, given: int) -> ValueError:
    """CrewAI's own error if it has one. Never a RuntimeError: up to 1.14.7 background saves drop those in silence."""
    try:
        from crewai.memory.storage.backend import EmbeddingDimensionMismatchError
    except ImportError:
        return ValueError(f"the store holds vectors of {held} dimensions, and the embedder makes {given}")
    error: ValueError = EmbeddingDimensionMismatchError(held, given)
    return error


def _record(row: tuple[Any, ...]) -> MemoryRecord:
    return MemoryRecord(**dict(zip((*PLAIN.split(", "), "embedding"), row, strict=True)))


def _scope(scope: str) -> str:
    """`user/1/` is `/user/1`; the root is `/`."""
    return "/" + "/".join(part for part in scope.split("/") if part)


def _where(
    scope: str | None = None, categories: list[str] | None = None, metadata: dict[str, Any] | None = None
) -> tuple[list[sql.Composable], list[Any]]:
    where: list[sql.Composable] = []
    values: list[Any] = []
    if scope is not None and _scope(scope) != "/":
        # The scope itself, or what lies between "/user/1/" and "/user/10": "0" follows "/". The index serves both.
        where.append(sql.SQL("(scope = %s OR (scope >= %s AND scope < %s))"))
        values += [_scope(scope), _scope(scope) + "/", _scope(scope) + "0"]
    if categories:
        where.append(sql.SQL("categories && %s"))
        values.append(list(categories))
    for name, value in (metadata or {}).items():
        where.append(sql.SQL("coalesce(metadata -> %s, 'null') = %s"))
        values += [name, Jsonb(value)]
    return where, values


def _all(where: list[sql.Composable]) -> sql.Composable:
    return sql.SQL(" AND ").join(where) if where else sql.SQL("true")


def _utc(moment: datetime) -> datetime:
    """CrewAI's times are UTC without saying so."""
    return moment if moment.tzinfo is None else moment.astimezone(timezone.utc).replace(tzinfo=None)
