"""Which of memory's names can be imported from which release."""

from __future__ import annotations

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.known import FIRST_WITH_MEMORY, NEWEST
from crewmem_doctor.releases.signatures import evidence, importable_in
from crewmem_doctor.releases.spans import Span, Verdict, on

# Packages that every release with memory has; 0.27 to 0.117 have `storage` without an `__init__.py`.
_ALWAYS = frozenset(("crewai.memory", "crewai.memory.storage"))
# Names of `crewai` itself that posts import and no release has there.
_NEVER = frozenset((
    "ShortTermMemory", "LongTermMemory", "EntityMemory", "ExternalMemory", "UserMemory", "RedisStorage",
    "PostgresStorage", "SQLiteStorage", "RAGStorage",
))


def importable(version: Version, name: str) -> Verdict | None:
    """Whether the memory name can be imported ("ok" or "rejected"); None for names that are not memory's.

    What a module defines comes and goes with the module.
    """
    if name in _ALWAYS:
        return None
    spans = _longest(name)
    if spans:
        found = on(spans, version)
        if found is not None:
            return Verdict("ok", "", evidence(found))
        return Verdict("rejected", _absent(spans), evidence(spans[-1]))
    if name.startswith("crewai.memory.") or (name.startswith("crewai.") and name[7:] in _NEVER):
        return Verdict("rejected", f"no release of CrewAI has {name}",
                       f"no wheel from {FIRST_WITH_MEMORY} to {NEWEST} has it")
    return None


def _longest(name: str) -> tuple[Span[str], ...] | None:
    while name.count(".") >= 1 and name not in _ALWAYS:
        found = importable_in(name)
        if found is not None:
            return found
        name = name.rpartition(".")[0]
    return None


def _absent(spans: tuple[Span[str], ...]) -> str:
    first, last = spans[0], spans[-1]
    if last.before is None:
        return f"{last.value} came with CrewAI {_short(last.since)}"
    return f"{last.value} existed from CrewAI {_short(first.since)} up to, not including, {_short(last.before)}"


def _short(version: Version) -> str:
    return f"{version.major}.{version.minor}" + (f".{version.micro}" if version.micro else "")
