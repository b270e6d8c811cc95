"""Where each release puts the records.

The directory D of CrewAI's own formula is `${XDG_DATA_HOME:-$HOME/.local/share}/APP`; APP is CREWAI_STORAGE_DIR where
that is set (from 0.30), else the last part of the working directory. An absolute CREWAI_STORAGE_DIR therefore is D.
"""

from __future__ import annotations

from typing import Literal

from crewmem_doctor.model.memory import Engine
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.spans import Span, on, span, value_on


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file or directory of records.

    `base` "data" is D, "cwd" the working directory; `tail` comes below it ("" is the base itself). `relative_to` says
    what a relative CREWAI_STORAGE_DIR is: a name below the data home, or a path below the working directory.
    """

    tail: str
    engine: Engine
    evidence: str
    base: Literal["data", "cwd"] = "data"
    honours_storage_dir: bool = True
    relative_to: Literal["data_home", "cwd"] = "data_home"


_UNIFIED = "1.15.30 memory/storage/lancedb_storage.py:92-98 and 1.10.1; ran 1.15.30, 1.14.7, 1.10.1"
_FORMULA = "0.30.11 utilities/paths.py; 1.15.30 crewai_core/paths.py:13-26; ran 0.203.2, 1.9.3, 1.15.30"
_EARLY = "0.28.8 utilities/paths.py does not read CREWAI_STORAGE_DIR"


def _from_the_start(tail: str, engine: Engine, evidence: str, before: str) -> tuple[Span[Artefact], ...]:
    """Two spans: up to 0.28 CREWAI_STORAGE_DIR was not read."""
    return (
        span(Artefact(tail, engine, _EARLY, honours_storage_dir=False), "0.27.0", "0.30.0", _EARLY),
        span(Artefact(tail, engine, evidence), "0.30.0", before, evidence),
    )


_MEMORY = span(Artefact("memory", "lancedb", _UNIFIED, relative_to="cwd"), "1.10.0", None, _UNIFIED)
_ONE_DATABASE = "1.9.3 rag/chromadb/constants.py:11 and memory/storage/rag_storage.py; ran 0.203.2, 1.9.3"
_CHECKPOINT = "1.14.1 and 1.15.30 state/checkpoint_config.py; 1.13.0 has none"
_PER_KIND = "0.130.0 memory/storage/rag_storage.py; ran 0.130.0"

ARTEFACTS: dict[str, tuple[Span[Artefact], ...]] = {
    # A legacy crew has several artefacts, all below D.
    "crew": (*_from_the_start("", "chroma", _FORMULA, "1.10.0"), _MEMORY),
    "short_term": (
        *_from_the_start("short_term", "chroma", _PER_KIND, "0.193.0"),
        span(Artefact("", "chroma", _ONE_DATABASE), "0.193.0", "1.10.0", _ONE_DATABASE),
    ),
    "entity": (
        *_from_the_start("entities", "chroma", _PER_KIND, "0.193.0"),
        span(Artefact("", "chroma", _ONE_DATABASE), "0.193.0", "1.10.0", _ONE_DATABASE),
    ),
    "long_term": _from_the_start("long_term_memory_storage.db", "sqlite",
                                 "1.9.3 memory/storage/ltm_sqlite_storage.py; ran 0.130.0, 1.9.3", "1.10.0"),
    "memory": (_MEMORY,),
    "agent": (_MEMORY,),
    "flow": (span(Artefact("flow_states.db", "sqlite", "0.98.0 flow/persistence/sqlite.py; ran 0.130.0, 1.15.30"),
                  "0.98.0", None, "0.95.0 has no crewai/flow/persistence, 0.98.0 has"),),
    "knowledge": (
        span(Artefact("knowledge", "chroma", "0.100.1 knowledge/storage/knowledge_storage.py:87"), "0.83.0", "0.193.0",
             "0.100.1 knowledge/storage/knowledge_storage.py:87"),
        span(Artefact("", "chroma", _ONE_DATABASE), "0.193.0", None, _ONE_DATABASE),
    ),
    "checkpoint": (span(Artefact(".checkpoints", "json", _CHECKPOINT, base="cwd", honours_storage_dir=False),
                        "1.14.1", None, _CHECKPOINT),),
}

# What becomes of `path=` of ShortTermMemory, EntityMemory and RAGStorage.
PathUse = Literal["honoured", "ignored", "with-embedder", "unknown-argument"]
RAG_PATH: tuple[Span[PathUse], ...] = (
    span("unknown-argument", "", "0.85.0", "0.83.0 memory/storage/rag_storage.py has no path"),
    span("honoured", "0.85.0", "0.193.0", "0.85.0 memory/storage/rag_storage.py; ran 0.130.0"),
    span("ignored", "0.193.0", "1.6.0", "0.193.0 to 1.5.0 rag_storage.py:50 only stores it; ran 0.203.2"),
    span("with-embedder", "1.6.0", "1.10.0", "1.6.0 rag_storage.py:101-102 inside `if embedder_config`; ran 1.9.3"),
    span("unknown-argument", "1.10.0", None, "1.10.1: the classes are gone"),
)
# The directory is computed when the module is imported, not when the memory is built.
FROZEN_AT_IMPORT: dict[str, tuple[Span[bool], ...]] = {
    "long_term": (span(True, "0.27.0", "0.100.0", "0.95.0 ltm_sqlite_storage.py:14-15, a default argument"),),
    "crew": (span(True, "0.193.0", "1.10.0", "1.9.3 rag/chromadb/constants.py:11"),),
    "short_term": (span(True, "0.193.0", "1.10.0", "1.9.3 rag/chromadb/constants.py:11"),),
    "entity": (span(True, "0.193.0", "1.10.0", "1.9.3 rag/chromadb/constants.py:11"),),
    "knowledge": (span(True, "0.193.0", None, "1.15.30 rag/chromadb/constants.py:11; ran 1.15.30"),),
    "flow": (span(True, "0.98.0", None, "1.15.30 flow/persistence/decorators.py:183-187, when @persist is applied"),),
}
# `import crewai` itself needs a writable HOME.
IMPORT_NEEDS_HOME: tuple[Span[bool], ...] = (
    span(True, "1.9.3", None, "1.15.30 crewai_core/token_manager.py:97; ran 1.9.3, 1.10.1, 1.14.7, 1.15.30"),
)


def default_location(version: Version, kind: str) -> Artefact | None:
    """Where `kind` lands when the code says nothing; None where that release has no such memory of its own."""
    found = on(ARTEFACTS.get(kind, ()), version)
    return found.value if found else None


def honours_path_argument(version: Version, kind: str, with_embedder: bool) -> bool:
    """Whether a `path=` (or `db_path=` of the long-term storage) given to that kind of memory is where it lands."""
    if kind not in ("short_term", "entity"):
        return True
    use = value_on(RAG_PATH, version, "ignored")
    return use == "honoured" or (use == "with-embedder" and with_embedder)


def frozen_at_import(version: Version, kind: str) -> bool:
    return value_on(FROZEN_AT_IMPORT.get(kind, ()), version, False)


def import_needs_home(version: Version) -> bool:
    return value_on(IMPORT_NEEDS_HOME, version, False)


def reads_storage_dir(version: Version) -> bool:
    return version >= Version(0, 30, 0)


def splits_relative_storage_dir(version: Version) -> bool:
    """Whether a relative CREWAI_STORAGE_DIR puts memory and the other stores in two places (ran 1.15.30)."""
    return version >= Version(1, 10, 0)
