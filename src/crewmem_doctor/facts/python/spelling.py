"""The public names of CrewAI's and mem0's classes, whatever internal path a release keeps them at."""

from __future__ import annotations

_FLOW_PERSISTENCE = {"persist", "FlowPersistence", "SQLiteFlowPersistence", "PersistenceDecorator"}
_CORE = {
    "Crew",
    "Agent",
    "Task",
    "LLM",
    "Process",
    "LiteAgent",
    "Knowledge",
    "CrewOutput",
    "TaskOutput",
    "BaseLLM",
    "CheckpointConfig",
}
_MEMORY = {
    "Memory",
    "MemoryScope",
    "MemorySlice",
    "ShortTermMemory",
    "LongTermMemory",
    "EntityMemory",
    "ExternalMemory",
    "UserMemory",
}
_MEM0 = {"Memory", "AsyncMemory", "MemoryClient", "AsyncMemoryClient"}


def normalise(name: str) -> str:
    """ "crewai.crew.Crew.kickoff" → "crewai.Crew.kickoff"; other packages' names as they are."""
    if name.startswith("crewai."):
        return _crewai(name.split("."))
    if name.startswith("mem0."):
        parts = name.split(".")
        for at, part in enumerate(parts):
            if part in _MEM0:
                return ".".join(["mem0", *parts[at:]])
    return name


def _crewai(parts: list[str]) -> str:
    at = next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    name, rest = parts[at], parts[at + 1 :]
    if name in _FLOW_PERSISTENCE and parts[1] == "flow":
        return ".".join(["crewai.flow.persistence", name, *rest])
    if name in _CORE:
        return ".".join(["crewai", name, *rest])
    if name in _MEMORY:
        return ".".join(["crewai.memory", name, *rest])
    if name == "Flow" or (parts[1] == "flow" and name[:1].isupper()):
        return ".".join(["crewai.flow", name, *rest])
    if parts[1] == "flow" and len(parts) == 4 and parts[2] in ("flow", "runtime"):
        return f"crewai.flow.{name}"
    if parts[1] == "project" and at >= 2:
        return ".".join(["crewai.project", name, *rest])
    if parts[1] == "memory" and name[:1].isupper():
        home = "crewai.memory.storage" if "storage" in parts[2:at] else "crewai.memory"
        return ".".join([home, name, *rest])
    if parts[1] == "memory" and name == "set_memory_storage_factory":
        return "crewai.memory.storage.set_memory_storage_factory"
    if parts[1] == "tools" and name[:1].isupper():
        return ".".join(["crewai.tools", name, *rest])
    return ".".join(parts)
