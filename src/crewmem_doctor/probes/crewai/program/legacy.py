"""Short-term and long-term memory of 0.74 to 1.9: a Chroma database and an SQLite file, in a folder of the probe's own.

The folder lies inside the directory where CrewAI keeps the application's records, so it is on the same disk with the
same rights, and no collection or row of the application is ever touched.
"""

from __future__ import annotations

import importlib
import logging
import os
import sqlite3
import time
from typing import Any

from .unified import Unexpected, slowly, vectors

TYPE = "crewmemprobe"


class Legacy:
    """The two stores, as one worker holds them."""

    def __init__(self, namespace: str, expected: str, path: str = "", embed: Any = vectors) -> None:
        paths = importlib.import_module("crewai.utilities.paths")
        found = os.path.realpath(str(paths.db_storage_path()))
        if found != os.path.realpath(expected):
            raise Unexpected(f"CrewAI itself puts memory into {found}, not into {expected}")
        storage = importlib.import_module("crewai.memory.storage.rag_storage").RAGStorage
        long_term = importlib.import_module("crewai.memory.storage.ltm_sqlite_storage").LTMSQLiteStorage
        self.short = storage(type=TYPE, embedder_config=embedder(embed))
        self.long = long_term(db_path=os.path.join(expected, "long_term_memory_storage.db"))

    def save(self, text: str) -> None:
        self.short.save(text, {"probe": "1"})
        self.long.save(task_description=text, metadata={"probe": "1"}, datetime=str(time.time()), score=1)

    def save_later(self, texts: list[str]) -> None:
        for text in texts:
            self.save(text)

    def find(self, text: str) -> dict[str, bool]:
        """A threshold of 0.0, because releases before 0.193 drop what is alike."""
        found = self.short.search(text, limit=10, score_threshold=0.0) or []
        contents = [item.get("content", item.get("context")) for item in found]
        return {"short-term": text in contents, "long-term": bool(self.long.load(text, 1))}

    def count(self, texts: list[str]) -> int:
        return sum(all(self.find(text).values()) for text in texts)


def embedder(embed: Any) -> dict[str, Any]:
    """A custom embedder, in the form that the release takes."""
    numpy = importlib.import_module("numpy")
    function = importlib.import_module("chromadb.api.types").EmbeddingFunction
    bases: tuple[Any, ...] = (function,)
    try:
        module = "crewai.rag.embeddings.providers.custom.embedding_callable"
        bases = (importlib.import_module(module).CustomEmbeddingFunction, function)
    except ImportError:
        pass        # before 0.193

    def call(self: Any, input: list[str]) -> list[Any]:
        return [numpy.array(vector, dtype=numpy.float32) for vector in embed(input)]

    def name() -> str:
        return "crewmem_probe"

    made = type("Hashed", bases, {"__init__": lambda self, *args, **kwargs: None, "__call__": call,
                                  "name": staticmethod(name)})
    if len(bases) == 2:
        return {"provider": "custom", "config": {"embedding_callable": made}}
    return {"provider": "custom", "config": {"embedder": made()}}


class Logged:
    """Hears what these releases only log: errors while saving and searching."""

    kinds = ("errors in the log",)

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __enter__(self) -> Logged:
        self.handler = logging.Handler(logging.ERROR)
        self.handler.emit = lambda record: self.heard.append(record.getMessage().split("\n")[0])  # type: ignore[method-assign]
        logging.getLogger().addHandler(self.handler)
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger().removeHandler(self.handler)


def dimension(directory: str) -> int | None:
    """The length of the vectors in the application's own collections, if they agree. The file is only read."""
    path = os.path.join(directory, "chroma.sqlite3")
    if not os.path.exists(path):
        return None
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        query = "select distinct dimension from collections where dimension is not null and name like 'memory_%'"
        found = [row[0] for row in connection.execute(query)]
    except sqlite3.Error:
        return None
    finally:
        connection.close()
    return int(found[0]) if len(found) == 1 else None


__all__ = ["Legacy", "Logged", "dimension", "slowly"]
