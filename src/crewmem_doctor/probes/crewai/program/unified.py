"""The unified memory of 1.10 and later, in a LanceDB table of the probe's own."""

from __future__ import annotations

import hashlib
import importlib
import os
import threading
import time
from collections.abc import Callable
from typing import Any

SCOPE = "/crewmem_probe"
LENGTH = 32
FAILED = ("MemorySaveFailedEvent", "MemoryQueryFailedEvent", "MemoryRetrievalFailedEvent")


class Unexpected(RuntimeError):
    """The package does not do what the probe counts on. Nothing was written."""


def vectors(texts: list[str]) -> list[list[float]]:
    """The embedder: no network, the same in every process, and different texts are far apart."""
    return [[(byte - 127.5) / 127.5 for byte in hashlib.sha256(text.encode()).digest()] for text in texts]


def slowly(texts: list[str]) -> list[list[float]]:
    """The same, in the time that an embedder over the network takes."""
    time.sleep(0.3)
    return vectors(texts)


def no_llm() -> Any:
    """An LLM for memory, which wants one even where it asks none."""

    def call(self: Any, *args: Any, **kwargs: Any) -> str:
        raise RuntimeError("the probe asks no LLM")

    base = importlib.import_module("crewai.llms.base_llm").BaseLLM
    return type("NoLLM", (base,), {"call": call, "__module__": __name__})(model="none")


def table(namespace: str, path: str = "") -> Any:
    """CrewAI's own storage, at its own place or at `path`, with a table of the probe's own."""
    storage = importlib.import_module("crewai.memory.storage.lancedb_storage").LanceDBStorage
    return storage(path=path, table_name=namespace) if path else storage(table_name=namespace)


class Adopted:
    """One memory object, as one worker holds it, with records in a scope of the probe's own."""

    def __init__(self, memory: Any, scope: str) -> None:
        self.memory, self.scope = memory, scope

    def save(self, text: str) -> None:
        """With all three given, no LLM is asked."""
        self.memory.remember(text, scope=self.scope, categories=["probe"], importance=0.1)

    def save_later(self, texts: list[str]) -> None:
        self.memory.remember_many(texts, scope=self.scope, categories=["probe"], importance=0.1)

    def find(self, text: str) -> dict[str, bool]:
        found = self.memory.recall(text, scope=self.scope, depth="shallow", limit=10)
        return {"memory": any(match.record.content == text for match in found)}

    def count(self, texts: list[str]) -> int:
        records = self.memory.list_records(scope=self.scope, limit=500)
        return len({record.content for record in records} & set(texts))


class Unified(Adopted):
    """A memory of the probe's own making at CrewAI's place, or at `path`, in a table of its own."""

    def __init__(self, namespace: str, expected: str, path: str = "",
                 embed: Callable[[list[str]], list[list[float]]] = vectors) -> None:
        storage = table(namespace, path)
        found = os.path.realpath(str(getattr(storage, "_path", "")))
        if expected and found != os.path.realpath(expected):
            raise Unexpected(f"CrewAI itself puts memory into {found}, not into {expected}")
        memory = importlib.import_module("crewai.memory.unified_memory").Memory
        super().__init__(memory(llm=no_llm(), embedder=embed, storage=storage), SCOPE)


class Listener:
    """Hears of failed saves and recalls as long as it is entered. `heard` are their messages."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.kinds: list[str] = []

    def __enter__(self) -> Listener:
        try:
            events = importlib.import_module("crewai.events.types.memory_events")
            self.bus = importlib.import_module("crewai.events.event_bus").crewai_event_bus
        except ImportError:
            return self
        lock = threading.Lock()

        def hear(source: Any, event: Any) -> None:
            with lock:
                self.heard.append(f"{type(event).__name__}: {getattr(event, 'error', '')}")

        for name in FAILED:
            if hasattr(events, name):
                self.bus.on(getattr(events, name))(hear)
                self.kinds.append(name)
        return self

    def __exit__(self, *error: object) -> None:
        if self.kinds and hasattr(self.bus, "flush"):
            self.bus.flush(5.0)


def dimension(directory: str) -> int | None:
    """The length of the vectors in the application's own table, which is only looked at; None where there is none."""
    if not os.path.isdir(os.path.join(directory, "memories.lance")):
        return None
    schema = importlib.import_module("lancedb").connect(directory).open_table("memories").schema
    return int(schema.field("vector").type.list_size)
