"""What becomes of an embedder's provider that a release does not know."""

from __future__ import annotations

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.embedding import PROVIDERS
from crewmem_doctor.releases.spans import Verdict, on, span

# Providers that came after the table of `embedding` was read.
_LATE = {name: (span(None, "1.15.21", None, "1.15.24 rag/embeddings/providers; 1.15.20 has not"),) for name in ("openrouter", "oracle")}
# Until then embedchain decided, with names of its own.
_OWN_NAMES = Version(0, 74, 0)
# Not an embedder: short-term and entity memory take it as the storage.
_STORAGES = frozenset(("mem0",))


def refused(version: Version, provider: str) -> Verdict | None:
    """Why `embedder={"provider": provider}` fails on that release; "ok" where it is known, None where that is not known."""
    name = provider.strip().lower()
    if version < _OWN_NAMES or name in _STORAGES or not name:
        return None
    spans = PROVIDERS.get(name) or _LATE.get(name)
    if spans is not None and on(spans, version) is not None:
        return Verdict("ok", "", spans[0].evidence)
    whose = "no release of CrewAI knows" if spans is None else f"CrewAI {version} does not know"
    return Verdict("rejected", f'{whose} an embedder "{provider}": building the crew or its memory raises an error',
                   "ran 1.15.30 and 1.9.3: ValidationError; 0.130.0 utilities/embedding_configurator.py: ValueError")
