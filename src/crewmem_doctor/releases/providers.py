"""What becomes of an embedder's provider that a release does not know."""

from __future__ import annotations

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.embedding import PROVIDERS
from crewmem_doctor.releases.spans import Verdict, on, span

# Providers that came after the table of `embedding` was read.
_SINCE = span(None, "1.15.21", None, "1.15.24 rag/embeddings/providers; 1.15.20 has not")
_LATE = {"openrouter": (_SINCE,), "oracle": (_SINCE,)}
# Until then embedchain decided, with names of its own.
_OWN_NAMES = Version(0, 74, 0)
# Not an embedder: short-term and entity memory take it as the storage.
_STORAGES = frozenset(("mem0",))


# The spec types that Crew(embedder=…) is checked against know fewer names than the factory behind a Memory.
_NOT_FOR_CREW = {"google": (
    span(None, "0.201.0", None, "0.201.1 to 1.15.30 rag/embeddings/types.py; ran 0.203.2, 1.9.3, 1.15.30"),)}


def refused(version: Version, provider: str, callee: str = "") -> Verdict | None:
    """Why `embedder={"provider": provider}` of `callee` fails on that release.

    Its outcome is "ok" where it does not fail; None where that is not known.
    """
    name = provider.strip().lower()
    if version < _OWN_NAMES or name in _STORAGES or not name:
        return None
    refusing = on(_NOT_FOR_CREW.get(name, ()), version) if callee.endswith("Crew") else None
    if refusing is not None:
        return Verdict("rejected", f'Crew(embedder=…) does not know "{provider}" and raises a ValidationError '
                                   f'(it is "{name}-generativeai" there)', refusing.evidence)
    spans = PROVIDERS.get(name) or _LATE.get(name)
    if spans is not None and on(spans, version) is not None:
        return Verdict("ok", "", spans[0].evidence)
    whose = "no release of CrewAI knows" if spans is None else f"CrewAI {version} does not know"
    return Verdict("rejected", f'{whose} an embedder "{provider}": building the crew or its memory raises an error',
                   "ran 0.203.2, 1.9.3, 1.15.30: ValidationError; 0.130.0 embedding_configurator.py: ValueError")
