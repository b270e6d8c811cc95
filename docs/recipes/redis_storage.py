"""CrewAI memory in Redis or Valkey: one store for every worker, replica and host. Copy this file into your project.

For CrewAI 1.10 and later, where a memory takes a storage object. Needs `redis>=5`. No module of the server is needed:
the vectors of a scope are fetched and compared here, which serves some thousands of records in each scope.

    storage = RedisStorage(os.environ["MEMORY_REDIS_URL"])
    storage.check()                                             # no server, or one that forgets: no start
    memory = Memory(storage=storage)
    Crew(agents=[...], tasks=[...], memory=memory.scope(f"/user/{user_id}"))

Scopes match by whole segments: `/user/1` never sees `/user/10`. Nothing is swallowed here: what the server refuses is
raised.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

import numpy
import redis
from crewai.memory.types import MemoryRecord, ScopeInfo
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

BATCH = 500
# A record is a hash; one sorted set lists all of them as "scope NUL id", in the order of scopes. Both change in one
# script, so that no writer ever sees, or leaves behind, the one without the other.
PUT = """
local old = redis.call('HGET', KEYS[1], 'scope')
if old then redis.call('ZREM', KEYS[2], old .. '\\0' .. ARGV[1]) end
redis.call('HSET', KEYS[1], 'scope', ARGV[2], 'record', ARGV[3], 'accessed', ARGV[4])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'vector', ARGV[5]) end
redis.call('ZADD', KEYS[2], 0, ARGV[2] .. '\\0' .. ARGV[1])
"""
TAKE = """
local scope = redis.call('HGET', KEYS[1], 'scope')
if not scope then return 0 end
redis.call('ZREM', KEYS[2], scope .. '\\0' .. ARGV[1])
return redis.call('DEL', KEYS[1])
"""
TOUCH = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'accessed', ARGV[1]) end"


class RedisStorage:
    """The `StorageBackend` protocol of CrewAI on hashes and one sorted set.

    Connections are made at the first use, and anew in a forked child and after the server was away. All keys carry one
    hash tag, so that a cluster keeps them in one slot.

    Args:
        url: `redis://…`, `rediss://…` or `unix://…`. Not the variable REDIS_URL, which CrewAI reads for its locks.
        prefix: What every key begins with. Memories with different embedders need different prefixes.
        retries: How often a lost server is tried again, with pauses that grow up to two seconds.
    """

    def __init__(self, url: str, *, prefix: str = "crewai:memory", retries: int = 8) -> None:
        self._prefix = prefix
        self._lock = threading.RLock()
        self._redis = redis.Redis.from_url(
            url,
            socket_connect_timeout=5,
            socket_timeout=10,
            health_check_interval=30,
            retry=Retry(ExponentialBackoff(cap=2.0, base=0.05), retries),
            retry_on_error=[redis.ConnectionError, redis.TimeoutError],
        )
        self._index = f"{{{prefix}}}:index"
        self._size = f"{{{prefix}}}:dimensions"

    def __repr__(self) -> str:
        return f"RedisStorage(prefix={self._prefix!r})"  # the URL holds a password

    def check(self) -> None:
        """Reach the server, and refuse one that may throw records away. Call it at start-up: nothing starts without."""
        if self._redis.info("replication").get("role") not in (None, "master"):
            raise ValueError("this Redis takes no writes: it is a replica")
        memory = self._redis.info("memory")
        policy = str(memory.get("maxmemory_policy", ""))
        if memory.get("maxmemory") and policy.startswith("allkeys"):
            raise ValueError(f"this Redis throws records away when full ({policy}); set maxmemory-policy noeviction")

    def close(self) -> None:
        """Close this process' connections. The next use opens others."""
        self._redis.close()

    @property
    def write_lock(self) -> threading.RLock:
        """CrewAI 1.10 holds this over a save; later releases do not ask for it."""
        return self._lock

    # ---- writing

    def save(self, records: list[MemoryRecord]) -> None:
        """Write all of the records, or none. A record whose id exists is replaced: a repeated save adds nothing."""
        for size in {len(record.embedding) for record in records if record.embedding}:
            self._must_fit(size, writing=True)
        self._each(PUT, [_row(record) for record in records])

    def update(self, record: MemoryRecord) -> None:
        """Replace the record with the same id. It keeps its vector if the new one has none."""
        self.save([record])

    def touch_records(self, record_ids: list[str]) -> None:
        """Note that the records were recalled; CrewAI 1.11 and later call this."""
        now = _utc(datetime.now(timezone.utc)).isoformat()
        with self._redis.pipeline() as pipe:
            for record_id in record_ids:
                pipe.eval(TOUCH, 1, self._key(record_id), now)
            pipe.execute()

    def delete(
        self,
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        record_ids: list[str] | None = None,
        older_than: datetime | None = None,
        metadata_filter: dict[str, Any] | None = None,
    ) -> int:
        """Delete what meets all conditions: with an empty list of ids nothing, without any condition everything."""
        ids = self._ids(scope_prefix) if record_ids is None else record_ids
        if record_ids is not None or categories or metadata_filter or older_than is not None:
            ids = [
                record.id
                for record in self._records(ids)
                if _within(record, scope_prefix) and _meets(record, categories, metadata_filter, older_than)
            ]
        return sum(self._each(TAKE, [(one,) for one in ids]))

    def reset(self, scope_prefix: str | None = None) -> None:
        """Delete every record of the scope and below it. Deleting all of them also makes room for another embedder."""
        self.delete(scope_prefix=scope_prefix)
        if scope_prefix is None or _scope(scope_prefix) == "/":
            self._redis.delete(self._size)

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
        self._must_fit(len(query_embedding))
        query = numpy.asarray(query_embedding, dtype=numpy.float32)
        scored: list[tuple[float, str]] = []
        for batch in _batches(self._ids(scope_prefix)):
            with_vector = [(one, raw) for one, raw in zip(batch, self._fields(batch, "vector"), strict=True) if raw]
            if with_vector:
                vectors = numpy.frombuffer(b"".join(raw for _, raw in with_vector), dtype="<f4").reshape(-1, len(query))
                scores = 1.0 / (1.0 + ((vectors - query) ** 2).sum(axis=1, dtype=numpy.float64))
                scored += [(float(s), one) for s, (one, _) in zip(scores, with_vector, strict=True) if s >= min_score]
        scored.sort(key=lambda pair: (-pair[0], pair[1]))
        found: list[tuple[MemoryRecord, float]] = []
        score_of = {one: score for score, one in scored}
        for batch in _batches([one for _, one in scored], max(2 * limit, 20)):
            found += [
                (record, score_of[record.id])
                for record in self._records(batch)
                if _meets(record, categories, metadata_filter)
            ]
            if len(found) >= limit:
                break
        return found[: max(limit, 0)]

    def get_record(self, record_id: str) -> MemoryRecord | None:
        return next(iter(self._records([record_id])), None)

    def list_records(self, scope_prefix: str | None = None, limit: int = 200, offset: int = 0) -> list[MemoryRecord]:
        """Newest first."""
        records = sorted(self._records(self._ids(scope_prefix)), key=lambda one: (-one.created_at.timestamp(), one.id))
        return records[max(offset, 0) :][: max(limit, 0)]

    def count(self, scope_prefix: str | None = None) -> int:
        return len(self._ids(scope_prefix))

    def list_categories(self, scope_prefix: str | None = None) -> dict[str, int]:
        records = self._records(self._ids(scope_prefix))
        return dict(sorted(Counter(name for record in records for name in record.categories).items()))

    def list_scopes(self, parent: str = "/") -> list[str]:
        """The scopes right below `parent`, with their full paths."""
        base = _scope(parent).rstrip("/") + "/"
        scopes = {scope for scope, _ in self._members(parent)}
        return sorted({base + scope[len(base) :].split("/", 1)[0] for scope in scopes if len(scope) > len(base)})

    def get_scope_info(self, scope: str) -> ScopeInfo:
        records = self._records(self._ids(scope))
        times = [record.created_at for record in records]
        return ScopeInfo(
            path=_scope(scope),
            record_count=len(records),
            categories=sorted({name for record in records for name in record.categories}),
            oldest_record=min(times, default=None),
            newest_record=max(times, default=None),
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

    # ---- keys

    def _key(self, record_id: str) -> str:
        return f"{{{self._prefix}}}:record:{record_id}"

    def _each(self, script: str, rows: Sequence[tuple[Any, ...]]) -> list[int]:
        """The script for every row, all in one transaction. The first value of a row is the id of its record."""
        if not rows:
            return []
        with self._redis.pipeline(transaction=True) as pipe:
            for row in rows:
                pipe.eval(script, 2, self._key(row[0]), self._index, *row)
            return [int(answer or 0) for answer in pipe.execute()]

    def _members(self, scope: str | None) -> Iterator[tuple[str, str]]:
        """(scope, id) of every record of the scope and below it."""
        base = _scope(scope or "/")
        spans = [(b"-", b"+")]
        if base != "/":
            own, below = base.encode(), base.encode() + b"/"
            # Between "/user/1/" and "/user/10" lies what is below /user/1 and nothing else, since "0" follows "/".
            spans = [(b"[" + own + b"\0", b"(" + own + b"\1"), (b"[" + below, b"(" + own + b"0")]
        for low, high in spans:
            members: Any = self._redis.zrangebylex(self._index, low, high)
            for member in members:
                where, _, record_id = member.decode().partition("\0")
                yield where, record_id

    def _ids(self, scope: str | None) -> list[str]:
        return [record_id for _, record_id in self._members(scope)]

    def _fields(self, ids: Sequence[str], *names: str) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipe:
            for one in ids:
                pipe.hmget(self._key(one), *names)
            answers = pipe.execute()
        return [answer[0] for answer in answers] if len(names) == 1 else answers

    def _records(self, ids: Sequence[str]) -> list[MemoryRecord]:
        found = []
        for batch in _batches(ids):
            for text, accessed, vector in self._fields(batch, "record", "accessed", "vector"):
                if text is not None:  # deleted by another process meanwhile
                    record = MemoryRecord.model_validate_json(text)
                    record.last_accessed = datetime.fromisoformat(accessed.decode())
                    record.embedding = numpy.frombuffer(vector, dtype="<f4").tolist() if vector else None
                    found.append(record)
        return found

    def _must_fit(self, size: int, writing: bool = False) -> None:
        """One prefix holds vectors of one size. The first writer decides it."""
        if writing:
            self._redis.set(self._size, size, nx=True)
        held = self._redis.get(self._size)
        if held is not None and int(held) != size:
            raise mismatch(int(held), size)


def mismatch(held: int, given: int) -> ValueError:
    """CrewAI's own error if it has one. Never a RuntimeError: up to 1.14.7 background saves drop those in silence."""
    try:
        from crewai.memory.storage.backend import EmbeddingDimensionMismatchError
    except ImportError:
        return ValueError(f"the store holds vectors of {held} dimensions, and the embedder makes {given}")
    error: ValueError = EmbeddingDimensionMismatchError(held, given)
    return error


def _scope(scope: str) -> str:
    """`user/1/` is `/user/1`; the root is `/`."""
    return "/" + "/".join(part for part in scope.replace("\0", "").split("/") if part)


def _row(record: MemoryRecord) -> tuple[Any, ...]:
    """What PUT takes: id, scope, the record as JSON, when it was last recalled, its vector as little-endian float32."""
    plain = record.model_copy(update={"scope": _scope(record.scope), "created_at": _utc(record.created_at)})
    vector = numpy.asarray(record.embedding or [], dtype="<f4").tobytes()
    return (plain.id, plain.scope, plain.model_dump_json(), _utc(record.last_accessed).isoformat(), vector)


def _utc(moment: datetime) -> datetime:
    """CrewAI's times are UTC without saying so."""
    return moment if moment.tzinfo is None else moment.astimezone(timezone.utc).replace(tzinfo=None)


def _batches(ids: Sequence[str], size: int = BATCH) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _within(record: MemoryRecord, scope: str | None) -> bool:
    base = _scope(scope or "/").rstrip("/")
    return bool(record.scope == base or record.scope.startswith(base + "/"))


def _meets(
    record: MemoryRecord,
    categories: list[str] | None,
    metadata: dict[str, Any] | None,
    older_than: datetime | None = None,
) -> bool:
    if categories and not set(categories) & set(record.categories):
        return False
    if metadata and any(record.metadata.get(name) != value for name, value in metadata.items()):
        return False
    return older_than is None or _utc(record.created_at) < _utc(older_than)
