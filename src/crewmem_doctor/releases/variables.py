"""Environment variables that CrewAI reads, those it reads for another purpose, and those that nobody reads."""

from __future__ import annotations

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.spans import Span, Verdict, on, span

_KEY = "is the key of the default embedder"
# What a memory variable does where it is read.
READ: dict[str, tuple[Span[str], ...]] = {
    "CREWAI_STORAGE_DIR": (span("names the directory of CrewAI's data", "0.30.0", None, "0.30.0 utilities/paths.py"),),
    "OPENAI_API_KEY": (span(_KEY, "0.27.0", None, "0.86.0 rag_storage.py:152"),),
    "EMBEDDINGS_OPENAI_API_KEY": (span(_KEY, "0.201.0", None, "1.9.3 openai_provider.py:23"),),
    "CHROMA_OPENAI_API_KEY": (span(_KEY, "0.74.0", None, "chromadb's OpenAIEmbeddingFunction"),),
    "EMBEDDINGS_OPENAI_MODEL_NAME": (span("names the model of the default embedder", "0.201.0", None,
                                          "1.15.30 openai_provider.py"),),
    "MEM0_API_KEY": (span("is the key of mem0's platform", "0.83.0", "1.10.0", "0.83.0 to 1.9.3 mem0_storage.py"),),
    "REDIS_URL": (span("only moves the lock that guards writes into Redis, and only with the redis package installed;"
                       " the records stay where they are", "1.11.0", None,
                       "1.11.0 utilities/lock_store.py:28, 1.15.30 crewai_core/lock_store.py:33"),),
}
# Variables of CrewAI that have nothing to do with memory.
_OTHER_PURPOSES = frozenset((
    "CREWAI_ALLOW_FLOW_SCRIPT_EXECUTION", "CREWAI_BASE_URL", "CREWAI_DESERIALIZE_CALLBACKS",
    "CREWAI_DISABLE_TELEMETRY",
    "CREWAI_DISABLE_TRACKING", "CREWAI_DISABLE_VERSION_CHECK", "CREWAI_EXPERIMENTAL", "CREWAI_NONINTERACTIVE",
    "CREWAI_ORGANIZATION_UUID", "CREWAI_ORG_ID", "CREWAI_PLATFORM_INTEGRATION_TOKEN", "CREWAI_PLUS_URL",
    "CREWAI_TESTING", "CREWAI_TRACING_ENABLED", "CREWAI_TRAINED_AGENTS_FILE", "CREWAI_USER_ID", "CREWAI_USER_PAT",
    "CREWAI_USER_TOKEN", "CREWAI_ENTERPRISE_URL",
))
_OTHER_PREFIXES = ("CREWAI_ENTERPRISE_", "CREWAI_EPHEMERAL_", "CREWAI_OTEL_", "CREWAI_TELEMETRY_", "CREWAI_EVAL_")
_MEMORY_WORDS = ("MEMORY", "STORAGE", "REDIS", "POSTGRES", "DATABASE", "PERSIST", "CHROMA", "VECTOR", "SESSION", "DB",
                 "STORE", "SQLITE", "LANCE", "QDRANT", "DATA_DIR")
_NEVER = "no such name in 77 wheels from 0.27.2 to 1.15.30"


def reads(version: Version, name: str) -> Span[str] | None:
    """What CrewAI reads `name` for where memory is concerned."""
    return on(READ.get(name, ()), version)


def unread(version: Version, name: str) -> Verdict | None:
    """Why setting `name` does not do to memory what its name suggests; None where it is read, or promises nothing.

    Says nothing about the project's own code, which may read the variable for itself.
    """
    if name == "REDIS_URL":
        found = reads(version, name)
        if found is not None:
            return Verdict("ignored", f"REDIS_URL {found.value}", found.evidence)
        return Verdict("ignored", "CrewAI's memory does not read REDIS_URL before 1.11, and only for a lock since",
                       "1.10.1 reads it for the A2A task cache only, 1.7.2 not at all")
    if name in READ:
        if reads(version, name) is not None:
            return None
        first = READ[name][0]
        if version < first.since:
            return Verdict("ignored", f"CrewAI reads {name} only from {first.since} on", first.evidence)
        return Verdict("ignored", f"CrewAI stopped reading {name} with {first.before}", first.evidence)
    if not name.startswith("CREWAI_") or name in _OTHER_PURPOSES or name.startswith(_OTHER_PREFIXES):
        return None
    if any(word in name for word in _MEMORY_WORDS):
        return Verdict("ignored", f"no release of CrewAI reads {name}", _NEVER)
    return None


def redis_url_moves_lock(version: Version) -> bool:
    return version >= Version(1, 11, 0)
