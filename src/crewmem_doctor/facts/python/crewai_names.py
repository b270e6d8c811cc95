"""CrewAI's own classes by the last word of their canonical name, whatever module a release keeps them in."""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.facts.python.index import CallSite, CodeBase
from crewmem_doctor.model.memory import Kind

CREW = "crewai.Crew"
AGENTS = ("crewai.Agent", "crewai.LiteAgent")
FLOW = "crewai.flow.Flow"
MEMORY = "crewai.Memory"
LEGACY: dict[str, Kind] = {
    "ShortTermMemory": "short_term",
    "LongTermMemory": "long_term",
    "EntityMemory": "entity",
    "ExternalMemory": "external",
    "UserMemory": "external",
}
PERSIST = ("crewai.flow.persist", "crewai.flow.persistence.persist", "crewai.persist")
_PUBLIC = {
    "Crew": CREW,
    "Agent": "crewai.Agent",
    "LiteAgent": "crewai.LiteAgent",
    "Task": "crewai.Task",
    "LLM": "crewai.LLM",
    "Flow": FLOW,
    "Memory": MEMORY,
    "MemoryScope": "crewai.memory.MemoryScope",
    "MemorySlice": "crewai.memory.MemorySlice",
    "CheckpointConfig": "crewai.CheckpointConfig",
    "Knowledge": "crewai.Knowledge",
    **{name: f"crewai.memory.{name}" for name in LEGACY},
}


def public(name: str) -> str:
    """The public name of a class of CrewAI, or of its method: "crewai.crew.Crew.kickoff" is "crewai.Crew.kickoff"."""
    if not name.startswith("crewai."):
        return name
    words = name.split(".")
    for length in (1, 2):
        if len(words) > length and words[-length] in _PUBLIC:
            return ".".join((_PUBLIC[words[-length]], *words[len(words) - length + 1 :]))
    return name


def crewai_class(base: CodeBase, name: str) -> str:
    """The class of CrewAI that `name` is or inherits from, by its public name; "" for anything else."""
    direct = public(name)
    if direct.startswith("crewai.") and direct in _VALUES:
        return direct
    if not name or base.definition(name) is None:
        return ""
    return next((public(b) for b in base.bases(name) if public(b) in _VALUES), "")


_VALUES = frozenset(_PUBLIC.values())


def is_public_class(name: str) -> bool:
    return name in _VALUES


def kind_of(name: str) -> Kind | None:
    """The kind of memory that a class of CrewAI is, by its public name."""
    if name == MEMORY:
        return "memory"
    return LEGACY.get(name.rsplit(".", 1)[-1]) if name.startswith("crewai.memory.") else None


def sites_of(base: CodeBase, *wanted: str) -> Iterator[tuple[CallSite, str]]:
    """The calls that construct one of those classes or a subclass, with the class of CrewAI."""
    for site in base.calls:
        found = crewai_class(base, site.callee) if site.callee else ""
        if found in wanted:
            yield site, found
