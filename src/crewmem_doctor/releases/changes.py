"""The releases between which memory is abandoned or changes its meaning."""

from __future__ import annotations

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Release, Version


@dataclass(frozen=True, slots=True)
class Change:
    """`sentence` says what an upgrade across `at` (the first release of the new kind) does. `abandons` is True where
    records written before are not found afterwards."""

    at: Version
    name: str
    sentence: str
    evidence: str
    abandons: bool = True


CHANGES: tuple[Change, ...] = (
    Change(Version(0, 27, 0), "first", "before 0.27 there is no memory at all", "0.22.5 has no crewai/memory", False),
    Change(Version(0, 74, 0), "reset", "before 0.74 short-term memory is emptied whenever a crew is built",
           "0.67.1 memory/storage/rag_storage.py:80, 0.70.0 _initialize_app; gone in 0.74.0", False),
    Change(Version(0, 193, 0), "one-database",
           "0.193 moved short-term and entity memory into one Chroma database; older records are not read",
           "0.193.0 memory/storage/rag_storage.py calls get_rag_client, 0.186.1 does not"),
    Change(Version(1, 10, 0), "engine",
           "1.10 replaced the memory classes by one LanceDB memory; older records are not migrated",
           "1.9.3 memory/{short_term,long_term,entity,external}, 1.10.1 memory/unified_memory.py only"),
    Change(Version(1, 12, 0), "scopes",
           "1.12 gave each crew a scope of its own; records of 1.10 and 1.11 lie outside of it and are not recalled",
           "1.12.2 crew.py:387 root_scope, 1.10.1:366 none"),
    Change(Version(1, 15, 0), "embedder",
           "1.15 changed the default embedder from 1536 to 3072 dimensions; a store of the older kind rejects every"
           " save and recall",
           "1.14.7 openai_provider.py:26 text-embedding-ada-002, 1.15.0:34 text-embedding-3-large; ran"),
)


def crossed(release: Release, *, default_embedder: bool = True) -> tuple[Change, ...]:
    """The changes with allowed releases on both sides. That of the embedder only counts where none is given."""
    oldest, newest = release.candidates[0], release.candidates[-1]
    return tuple(c for c in CHANGES if oldest < c.at <= newest and (default_embedder or c.name != "embedder"))
