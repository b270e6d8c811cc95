"""Remedies that really work on the release in use. No remedy here names an API that the release lacks."""

from __future__ import annotations

from crewmem_doctor.model.finding import Fix
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.release import Release
from crewmem_doctor.releases.eras import era


def unified(release: Release) -> bool:
    """Whether every release in question has `crewai.memory.Memory` instead of the four older classes."""
    return release.always(lambda version: era(version).unified)


def on_release(release: Release) -> str:
    """"on CrewAI 1.9.3", or what is meant where the tree leaves the release open."""
    return f"on CrewAI {release}" if release.locked else "on every release that the requirement allows"


def durable_store(memory: Memory, release: Release, folder: str = "/data") -> Fix:
    """Hand memory a place that outlives the process."""
    title = "Give it a store that outlives the process: a directory on a volume, or a server"
    if memory.kind == "flow":
        return Fix(title, f'@persist(SQLiteFlowPersistence("{folder}/flow_states.db"))')
    if memory.kind == "third_party":
        return Fix(title, '"vector_store": {"provider": "qdrant", "config": {"url": os.environ["QDRANT_URL"]}}')
    if memory.kind == "checkpoint":
        return Fix(title, f'CheckpointConfig(location="{folder}/checkpoints")')
    if unified(release):
        return Fix(title, f'Memory(storage="{folder}/memory")')
    if memory.kind == "long_term":
        return Fix(title, f'LongTermMemory(storage=LTMSQLiteStorage(db_path="{folder}/long_term.db"))')
    if memory.kind == "external":
        return Fix("Write the records of the storage class to a database or a file on a volume", "")
    return Fix("Leave the store to CrewAI and say where it lies", f"CREWAI_STORAGE_DIR={folder}")


def pinned_place(memory: Memory, folder: str = "/data/crewai") -> Fix:
    """Say where memory lies, with an absolute path."""
    if memory.store.where is None:
        return Fix("Set CREWAI_STORAGE_DIR to an absolute path on a volume", f"CREWAI_STORAGE_DIR={folder}")
    return Fix("Use an absolute path on a volume", f'"{folder}"')
