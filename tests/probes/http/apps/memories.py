"""Memories of small applications: what was said, by whom."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Module:
    """A dictionary of this process."""

    def __init__(self) -> None:
        self.said: dict[str, list[str]] = {}

    def remember(self, who: str, text: str) -> None:
        self.said.setdefault(who, []).append(text)

    def recall(self, who: str) -> list[str]:
        return self.said.get(who, [])


class Redis:
    """A server's lists."""

    def __init__(self) -> None:
        import redis

        self.server: Any = redis.Redis.from_url(os.environ["APP_REDIS"], decode_responses=True)

    def remember(self, who: str, text: str) -> None:
        self.server.rpush(f"said:{who}", text)

    def recall(self, who: str) -> list[str]:
        found: list[str] = self.server.lrange(f"said:{who}", 0, -1)
        return found


class Postgres:
    """A server's table."""

    def remember(self, who: str, text: str) -> None:
        import psycopg

        with psycopg.connect(os.environ["APP_POSTGRES"]) as connection:
            connection.execute("INSERT INTO said (who, words) VALUES (%s, %s)", (who, text))

    def recall(self, who: str) -> list[str]:
        import psycopg

        with psycopg.connect(os.environ["APP_POSTGRES"]) as connection:
            return [row[0] for row in connection.execute("SELECT words FROM said WHERE who = %s ORDER BY id", (who,))]


class CrewAI:
    """CrewAI's own memory. No LLM: everything that one would decide is given."""

    def __init__(self, place: Path) -> None:
        from crewai.llms.base_llm import BaseLLM
        from crewai.memory.unified_memory import Memory

        class Silent(BaseLLM):
            def call(self, *words: Any, **more: Any) -> str:
                raise RuntimeError("there is no LLM here")

        self.memory: Any = Memory(storage=str(place), llm=Silent(model="none"), embedder=embed)

    def remember(self, who: str, text: str) -> None:
        self.memory.remember(text, scope=f"/user/{who}", categories=["said"], importance=0.5)

    def recall(self, who: str) -> list[str]:
        found = self.memory.recall("my codeword", scope=f"/user/{who}", depth="shallow", limit=20)
        return [match.record.content for match in found]


class OldCrewAI:
    """The short-term store of releases before 1.10, a collection of Chroma. It knows no users, so each record says whose
    it is."""

    def __init__(self, place: Path) -> None:
        from crewai.memory.storage.rag_storage import RAGStorage

        self.store: Any = RAGStorage(type=place.name, embedder_config=old_embedder())

    def remember(self, who: str, text: str) -> None:
        self.store.save(text, {"who": who})

    def recall(self, who: str) -> list[str]:
        # No threshold: those releases drop what is alike, or what is not.
        found = self.store.search("my codeword", limit=100, score_threshold=0.0) or []
        return [item.get("content", item.get("context")) for item in found if item["metadata"].get("who") == who]


def old_embedder() -> dict[str, Any]:
    """`embed` in the form that the release takes."""
    import numpy
    from chromadb.api.types import EmbeddingFunction

    bases: tuple[type, ...] = (EmbeddingFunction,)
    try:
        from crewai.rag.embeddings.providers.custom.embedding_callable import CustomEmbeddingFunction

        bases = (CustomEmbeddingFunction, EmbeddingFunction)
    except ImportError:
        pass        # before 1.0

    def call(self: Any, input: list[str]) -> list[Any]:
        return [numpy.array(vector, dtype=numpy.float32) for vector in embed(input)]

    made = type("Words", bases, {"__init__": lambda self, *args, **more: None, "__call__": call, "name": staticmethod(lambda: "words")})
    return {"provider": "custom", "config": {"embedding_callable": made} if len(bases) == 2 else {"embedder": made()}}


def embed(texts: list[str]) -> list[list[float]]:
    """Words hashed into 64 numbers: the same text has the same vector in every process."""
    import hashlib

    vectors = []
    for text in texts:
        vector = [0.01] * 64
        for word in text.lower().split():
            vector[hashlib.sha256(word.encode()).digest()[0] % 64] += 1.0
        vectors.append(vector)
    return vectors


KINDS: dict[str, Callable[[], Any]] = {"module": Module, "redis": Redis, "postgres": Postgres}
