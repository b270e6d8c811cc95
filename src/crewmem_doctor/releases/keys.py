"""What memory is keyed by: which of the values that the code hands over decide what is found again."""

from __future__ import annotations

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.spans import Span, on, span

KEYS: dict[str, tuple[Span[str], ...]] = {
    "agent_role": (span("the roles of the crew's agents name its short-term and entity store", "0.30.8", "1.10.0",
                        "0.30.8 memory/storage/rag_storage.py:49, 0.30.5 has none; ran 0.203.2, 1.9.3: lost"),),
    "crew_name": (span("the crew's name is its scope, /crew/<name>, where memory=True", "1.12.0", None,
                       "1.12.2 crew.py:387; ran 1.15.30: lost with a random name"),),
    "root_scope": (span("root_scope is put before every scope", "1.12.0", None,
                        "1.12.1 memory/unified_memory.py; ran 1.15.30"),),
    "scope": (span("records are kept and recalled by scope", "1.10.0", None,
                   "1.10.1 memory/unified_memory.py; ran 1.15.30"),),
    "source": (span("private records are only recalled with the source they were saved with", "1.10.0", None,
                    "ran 1.15.30: hidden without source"),),
    "flow_id": (span("a flow's state is stored under its id and restored by it alone", "0.98.0", None,
                     "0.98.0 flow/persistence; ran 0.130.0, 1.15.30"),),
    "user_id": (span("mem0 keeps and searches records by user_id", "", None, "1.9.3 mem0_storage.py:40-46"),),
    "agent_id": (span("mem0 keeps and searches records by agent_id", "", None, "1.9.3 mem0_storage.py:78-94"),),
    "run_id": (span("mem0 keeps short-term records by run_id", "", None, "1.9.3 mem0_storage.py:78-94, 143-150"),),
    "session_id": (span("the third-party memory keeps records by session", "", None, "the third party's own API"),),
    "thread_id": (span("the third-party memory keeps records by thread", "", None, "the third party's own API"),),
}


def keyed_by(version: Version, sink: str, *, memory_is_flag: bool = True) -> Span[str] | None:
    """How `sink` (a `Sink.name`) decides what is found again; None where it does not on that release.

    `memory_is_flag`: the crew was given memory=True; a Memory object keeps a scope of its own, and then the crew's name
    does not count.
    """
    if sink == "crew_name" and not memory_is_flag:
        return None
    return on(KEYS.get(sink, ()), version)


def agent_memory_is_real(version: Version) -> bool:
    """Whether Agent(memory=True) opens a memory (1.10.1 on); before, the flag is accepted and ignored (ran)."""
    return version >= Version(1, 10, 0)


def scopes_are_prefixes(version: Version) -> bool:
    """Whether recalling `/user/1` also finds `/user/10` (ran 1.15.30)."""
    return version >= Version(1, 10, 0)


def long_term_needs_exact_task(version: Version) -> bool:
    """Long-term memory is looked up by `WHERE task_description = ?` (1.9.3 ltm_sqlite_storage.py:88-93; ran)."""
    return Version(0, 27, 0) <= version < Version(1, 10, 0)
