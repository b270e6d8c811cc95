"""What CrewAI fixes the place of when it is imported, so that a later setting does not move it."""

from __future__ import annotations

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.spans import Span, on, span

# By kind of memory: what is already decided at import.
_FROZEN: dict[str, tuple[Span[str], ...]] = {
    "chroma": (
        span(
            "Chroma's directory, with short-term and entity memory, is fixed when crewai is imported",
            "0.193.0",
            "1.10.0",
            "1.9.3 rag/chromadb/constants.py:11; ran 1.9.3, 0.203.2: chroma.sqlite3 in the old place",
        ),
    ),
    "long_term": (
        span(
            "the file of long-term memory is fixed when crewai is imported",
            "0.30.0",
            "0.100.0",
            "0.95.0 memory/storage/ltm_sqlite_storage.py:14-15, a default argument",
        ),
    ),
    "flow": (
        span(
            "@persist opens its database when the class is defined",
            "0.100.0",
            None,
            "1.15.30 flow/persistence/decorators.py:183-187; ran 1.15.30",
        ),
    ),
}
_PARTS = {
    "crew": ("chroma", "long_term"),
    "short_term": ("chroma",),
    "entity": ("chroma",),
    "long_term": ("long_term",),
    "flow": ("flow",),
}


def frozen(version: Version, kind: str) -> Span[str] | None:
    """What of a memory of that kind, at its default place, a later CREWAI_STORAGE_DIR does not move."""
    return next((found for part in _PARTS.get(kind, ()) if (found := on(_FROZEN[part], version)) is not None), None)
