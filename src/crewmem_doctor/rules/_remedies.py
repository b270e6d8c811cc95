"""Remedies that really work on the release in use. No remedy here names an API that the release lacks.

Each Python snippet is code: tests/remedies runs every one of them with the real CrewAI. The names that it leaves open (agents,
tasks, user_id, …) are the application's own.
"""

from __future__ import annotations

from crewmem_doctor.model.finding import Fix
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.release import Release
from crewmem_doctor.releases.api import argument
from crewmem_doctor.releases.eras import era

EXTERNAL = ("Crew(agents=agents, tasks=tasks, memory=False, external_memory=ExternalMemory(\n"
            '    storage=PostgresExternalStorage(os.environ["DATABASE_URL"], owner=user_id)))')
RECIPES = "docs/recipes/"
CALLER = f"{RECIPES}caller_identity.md"
MEM0_SERVER = '"vector_store": {"provider": "qdrant", "config": {"url": os.environ["QDRANT_URL"]}}'


def unified(release: Release) -> bool:
    """Whether every release in question has `crewai.memory.Memory` instead of the four older classes."""
    return release.always(lambda version: era(version).unified)


def takes_external(release: Release) -> bool:
    """Whether every release in question uses an `ExternalMemory` alone: the one place of the older classes where a server
    fits."""
    return release.always(lambda v: (verdict := argument(v, "crewai.Crew", "external_memory", beside={})) is not None and verdict.outcome == "ok")


def on_release(release: Release) -> str:
    """"on CrewAI 1.9.3", or what is meant where the tree leaves the release open."""
    return f"on CrewAI {release}" if release.locked else "on any release that the requirement allows"


def durable_store(memory: Memory, release: Release, folder: str = "/data") -> Fix:
    """Hand memory a place that outlives the process."""
    title = "Give it a store that outlives the process: a directory on a volume, or a server"
    if memory.kind == "third_party":
        return Fix(title, MEM0_SERVER)
    if memory.kind == "external" and not unified(release):
        return on_server(memory, release)
    return Fix(title, _placed(memory, release, folder))


def pinned_place(memory: Memory, release: Release, folder: str = "/data/crewai", *, by_setting: bool = False) -> Fix:
    """Say where memory lies, with an absolute path."""
    if by_setting or memory.store.where is None:
        return Fix("Set CREWAI_STORAGE_DIR to an absolute path on a volume", f"CREWAI_STORAGE_DIR={folder}")
    return Fix("Use an absolute path on a volume", at_path(memory, release, folder))


def at_path(memory: Memory, release: Release, folder: str) -> str:
    """The same memory with its store in a constant directory, as it is written on this release."""
    if memory.store.where is None:
        return f"CREWAI_STORAGE_DIR={folder}"
    if memory.kind == "third_party":
        return f'"path": "{folder}"'
    return _placed(memory, release, folder)


def _placed(memory: Memory, release: Release, folder: str) -> str:
    if memory.kind == "flow":
        return f'@persist(SQLiteFlowPersistence("{_volume(folder)}/flow_states.db"))'
    if memory.kind == "checkpoint":
        return f'CheckpointConfig(location="{folder}/checkpoints")'
    if unified(release):
        return f'Memory(storage="{folder}/memory")'
    if memory.kind == "long_term":
        return f'LongTermMemory(storage=LTMSQLiteStorage(db_path="{_volume(folder)}/long_term.db"))'
    # The path= of the other kinds is ignored from 0.193 to 1.0, and later without an embedder_config.
    return f"CREWAI_STORAGE_DIR={folder}"


def _volume(folder: str) -> str:
    """The mount point: it exists, and SQLite makes no directory for a file."""
    return "/" + folder.strip("/").split("/", 1)[0]


def on_server(memory: Memory, release: Release, otherwise: str = "") -> Fix:
    """Keep the records in a server, with the recipe that does it. `otherwise` is what works without one."""
    if memory.kind == "third_party":
        return Fix(f"Keep the records in a server{otherwise}", MEM0_SERVER)
    if memory.kind == "flow":
        return Fix(f"Keep the state in a database{otherwise}; docs/recipes/postgres_flow_persistence.md has the class",
                   '@persist(PostgresFlowPersistence(os.environ["DATABASE_URL"]))')
    if unified(release):
        return Fix(f"Keep the records in a server{otherwise}; docs/recipes/postgres_storage.md and redis_storage.md have the classes",
                   'Memory(storage=PostgresStorage(os.environ["DATABASE_URL"]))')
    if takes_external(release):
        return Fix(f"Keep the records in a server{otherwise}; docs/recipes/postgres_external_storage.md has the class", EXTERNAL)
    if not release.locked and era(release.newest).unified:
        return Fix(f"Pin crewai=={release.newest} and keep the records in a server{otherwise}; docs/recipes/postgres_storage.md has the class",
                   'Memory(storage=PostgresStorage(os.environ["DATABASE_URL"]))')
    return Fix(f"Upgrade to CrewAI 1.10 or later, where memory takes a server{otherwise}", "crewai>=1.10")
