"""Memory in PostgreSQL for CrewAI 0.117 to 1.9.3: one store for every worker, replica and host. Copy this file.

These releases keep their short-term, entity and long-term memory in local files and take no server for them. The one
place where a server fits is `ExternalMemory`, whose storage is a class of your own. Needs `psycopg[binary]>=3.2`.

    def answer(user_id: str, question: str) -> str:
        memory = ExternalMemory(storage=PostgresExternalStorage(os.environ["DATABASE_URL"], owner=user_id))
        crew = Crew(agents=[...], tasks=[...], memory=False, external_memory=memory)
        return str(crew.kickoff(inputs={"question": question}))

Records are found by the words that they share with the task (PostgreSQL's full-text search): no embedder is
needed.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import psycopg
from crewai.memory.storage.interface import Storage
from psycopg.types.json import Jsonb

SCHEMA = """
SELECT pg_advisory_xact_lock(hashtext('crewai external memory'));
CREATE TABLE IF NOT EXISTS crewai_external_memory (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner     text NOT NULL,
    content   text NOT NULL,
    metadata  jsonb NOT NULL,
    words     tsvector NOT NULL,
    saved_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS crewai_external_memory_words ON crewai_external_memory USING gin (words);
CREATE INDEX IF NOT EXISTS crewai_external_memory_owner ON crewai_external_memory (owner, id DESC);
"""
# Any word in common is enough, the more and the rarer in the text the better; among equals the newest.
SEARCH = """
SELECT content, metadata, ts_rank_cd(words, query, 32) AS rank
FROM crewai_external_memory,
     (SELECT replace(plainto_tsquery(%(language)s::regconfig, %(text)s)::text, ' & ', ' | ')::tsquery AS query) AS asked
WHERE owner = %(owner)s AND words @@ query ORDER BY rank DESC, id DESC LIMIT %(limit)s
"""


class PostgresExternalStorage(Storage):
    """What `ExternalMemory(storage=…)` takes. Build one for each owner; nothing is opened before the first use.

    Every call has a connection of its own: that is safe across forks, threads and restarts of the server, and costs
    some milliseconds. What the server refuses is raised; CrewAI prints it and goes on, so call `check` at start-up.

    Args:
        url: `postgresql://…`, or any other conninfo that libpq reads.
        owner: Whose records these are: a user's or a tenant's id. Others never see them.
        language: A text search configuration of the server ("simple", "english", …): how words are cut to their stems.
    """

    def __init__(self, url: str, owner: str, *, language: str = "simple") -> None:
        self._url = url
        self._owner = owner
        self._language = language
        self._ready = False

    def check(self) -> None:
        """Connect, and create the table if there is none."""
        with psycopg.connect(self._url, connect_timeout=10) as connection:
            connection.execute(SCHEMA)
        self._ready = True

    def save(self, value: Any, metadata: dict[str, Any]) -> None:
        text = (value if isinstance(value, str) else json.dumps(value, default=str)).replace("\0", "")
        plain = Jsonb(metadata or {}, dumps=lambda table: json.dumps(table, default=str))
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO crewai_external_memory (owner, content, metadata, words)"
                " VALUES (%s, %s, %s, to_tsvector(%s::regconfig, %s))",
                (self._owner, text, plain, self._language, text),
            )

    def search(self, query: str, limit: int = 5, score_threshold: float = 0.0) -> list[Any]:
        """The threshold is not used: it is meant for the distance of vectors, and a rank of words is none."""
        asked = {"language": self._language, "text": query, "owner": self._owner, "limit": limit}
        with self._connect() as connection:
            rows = connection.execute(SEARCH, asked).fetchall()
        # CrewAI reads "content"; releases before 0.193 read "context".
        return [
            {"content": text, "context": text, "memory": text, "metadata": meta, "score": rank}
            for text, meta, rank in rows
        ]

    def reset(self) -> None:
        """Delete the owner's records and nobody else's."""
        with self._connect() as connection:
            connection.execute("DELETE FROM crewai_external_memory WHERE owner = %s", (self._owner,))

    # 1.7 to 1.9.3 also ask through these.

    async def asave(self, value: Any, metadata: dict[str, Any]) -> None:
        await asyncio.to_thread(self.save, value, metadata)

    async def asearch(self, query: str, limit: int = 5, score_threshold: float = 0.0) -> list[Any]:
        return await asyncio.to_thread(self.search, query, limit, score_threshold)

    def _connect(self) -> psycopg.Connection[Any]:
        """A connection that commits and closes at the end of its `with`."""
        if not self._ready:
            self.check()
        return psycopg.connect(self._url, connect_timeout=10)
