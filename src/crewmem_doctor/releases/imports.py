"""Which names can be imported from which release."""

from __future__ import annotations

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.spans import Span, Verdict, on, span

_LEGACY = ("0.27.0", "1.10.0", "0.27.2 to 1.9.3 have it, 1.10.1 has not; ran 1.10.1, 1.15.30: ImportError")
_UNIFIED = ("1.10.0", None, "1.10.1 memory/__init__.py; 1.9.3 has not (ran: AttributeError)")
_USER = ("0.83.0", "0.157.0", "0.83.0 to 0.152.0 memory/user; 0.80.0 and 0.157.0 have not")
_EXTERNAL = ("0.114.0", "1.10.0", "0.114.0 memory/external; 0.108.0 has not")

# Names of `crewai` and `crewai.memory`, and the modules below; what a module defines comes and goes with it.
_TABLE: tuple[tuple[str, tuple[str, str | None, str]], ...] = (
    ("crewai.Memory", _UNIFIED),
    ("crewai.memory.Memory", _UNIFIED),
    ("crewai.memory.MemoryScope", _UNIFIED),
    ("crewai.memory.MemorySlice", _UNIFIED),
    ("crewai.memory.MemoryMatch", _UNIFIED),
    ("crewai.memory.MemoryRecord", _UNIFIED),
    ("crewai.memory.ScopeInfo", _UNIFIED),
    ("crewai.memory.EncodingFlow", _UNIFIED),
    ("crewai.memory.compute_composite_score", _UNIFIED),
    ("crewai.memory.embed_text", _UNIFIED),
    ("crewai.memory.embed_texts", _UNIFIED),
    ("crewai.memory.ShortTermMemory", _LEGACY),
    ("crewai.memory.LongTermMemory", _LEGACY),
    ("crewai.memory.EntityMemory", _LEGACY),
    ("crewai.memory.ExternalMemory", _EXTERNAL),
    ("crewai.memory.UserMemory", _USER),
    ("crewai.memory.contextual", _LEGACY),
    ("crewai.memory.short_term", _LEGACY),
    ("crewai.memory.long_term", _LEGACY),
    ("crewai.memory.entity", _LEGACY),
    ("crewai.memory.external", _EXTERNAL),
    ("crewai.memory.user", _USER),
    ("crewai.memory.memory", _LEGACY),
    ("crewai.memory.unified_memory", _UNIFIED),
    ("crewai.memory.memory_scope", _UNIFIED),
    ("crewai.memory.analyze", _UNIFIED),
    ("crewai.memory.encoding_flow", _UNIFIED),
    ("crewai.memory.recall_flow", _UNIFIED),
    ("crewai.memory.types", _UNIFIED),
    ("crewai.memory.utils", ("1.12.0", None, "1.12.1 memory/utils.py; 1.11.1 has not")),
    ("crewai.memory.storage.interface", _LEGACY),
    ("crewai.memory.storage.rag_storage", _LEGACY),
    ("crewai.memory.storage.ltm_sqlite_storage", _LEGACY),
    ("crewai.memory.storage.base_rag_storage", ("0.74.0", "0.134.0", "0.74.0 to 0.130.0; 0.152.0 has not")),
    ("crewai.memory.storage.mem0_storage", ("0.83.0", "1.10.0", "0.83.0 to 1.9.3; 0.80.0 and 1.10.1 have not")),
    ("crewai.memory.storage.kickoff_task_outputs_storage", ("0.41.0", None, "0.41.1; 0.36.1 has not")),
    ("crewai.memory.storage.backend", _UNIFIED),
    ("crewai.memory.storage.lancedb_storage", _UNIFIED),
    ("crewai.memory.storage.qdrant_edge_storage", ("1.12.0", None, "1.12.1; 1.11.1 has not")),
    ("crewai.memory.storage.factory", ("1.14.7", None, "1.14.7 memory/storage/factory.py; 1.14.6 has not")),
)
_SPANS: dict[str, Span[str]] = {name: span(name, *when) for name, when in _TABLE}
# Packages that every release with memory has.
_ALWAYS = frozenset(("crewai.memory", "crewai.memory.storage"))
# Names of `crewai` itself that belong to memory, so that their absence is known.
_OF_CREWAI = frozenset((
    "ShortTermMemory", "LongTermMemory", "EntityMemory", "ExternalMemory", "UserMemory", "RedisStorage",
    "PostgresStorage", "SQLiteStorage", "RAGStorage",
))


def importable(version: Version, name: str) -> Verdict | None:
    """Whether the memory name can be imported ("ok" or "rejected"); None for names that are not memory's."""
    if name in _ALWAYS:
        return None
    known = _longest(name)
    if known is not None:
        found = on((known,), version)
        if found is not None:
            return Verdict("ok", "", known.evidence)
        return Verdict("rejected", _absent(known), known.evidence)
    if name.startswith("crewai.memory.") or (name.startswith("crewai.") and name[7:] in _OF_CREWAI):
        return Verdict("rejected", f"no release of CrewAI has {name}", "none of 77 wheels, 0.27.2 to 1.15.30, has it")
    return None


def _longest(name: str) -> Span[str] | None:
    while name.count(".") >= 1:
        if name in _SPANS:
            return _SPANS[name]
        name = name.rpartition(".")[0]
    return None


def _absent(known: Span[str]) -> str:
    if known.before is None:
        return f"{known.value} came with CrewAI {_short(known.since)}"
    return f"{known.value} existed from CrewAI {_short(known.since)} up to, not including, {_short(known.before)}"


def _short(version: Version) -> str:
    return f"{version.major}.{version.minor}" + (f".{version.micro}" if version.micro else "")
