"""What probes and rehearsals saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass

# pass: it was looked at and is well. fail: it was looked at and loses memory. skip: it was not looked at, or nothing
# can be said. error: it could not be looked at although it should have been (exit status 2).
Outcome = Literal["pass", "fail", "skip", "error"]
# What a failing check means: the rule that speaks of it. "told" never fails, it only informs.
Meaning = Literal["reach", "kept", "durable", "writable", "agrees", "recalls", "apart", "told"]


@dataclass(frozen=True, slots=True)
class Check:
    """A kind of check. Its name is part of the interface. `asks` completes the sentence "checks whether …"."""

    meaning: Meaning
    asks: str


CHECKS: Mapping[str, Check] = {
    # stores
    "connect": Check("reach", "the target answers and takes the credentials"),
    "write": Check("writable", "the credentials may write"),
    "second-process-reads": Check("kept", "a second process reads what the first wrote"),
    "role": Check("durable", "the server is no replica that another one overwrites"),
    "persistence": Check("durable", "the server's own configuration keeps what is written"),
    "eviction": Check("durable", "the server does not throw records away when memory runs out"),
    "last-save": Check("durable", "the server's last save succeeded"),
    "evictions": Check("durable", "the server has not thrown records away already"),
    "database": Check("told", "which logical database is used"),
    "configuration": Check("told", "the server's configuration can be seen"),
    "fsync": Check("durable", "commits reach the disk"),
    "full-page-writes": Check("durable", "pages that a power failure wrote by halves can be repaired"),
    "synchronous-commit": Check("durable", "a commit waits for the disk"),
    "recovery": Check("durable", "the server is no read-only replica"),
    "unlogged-tables": Check("durable", "tables survive a crash"),
    "encoding": Check("writable", "every character can be stored"),
    "pooler": Check("told", "a pooler stands between"),
    "pgvector": Check("told", "the vector extension is there"),
    "privileges": Check("writable", "the role may create what a memory needs"),
    "writable": Check("writable", "the file and its folder can be written"),
    "filesystem": Check("durable", "the file system keeps its files"),
    "journal-mode": Check("durable", "the journal suits the file system"),
    "two-writers": Check("kept", "two writers at once lose nothing"),
    "integrity": Check("durable", "a copy of the file is whole"),
    # CrewAI's own memory
    "import": Check("reach", "CrewAI can be imported"),
    "place": Check("told", "where the records land"),
    "early-reader": Check("kept", "a process that opened the store before the first write sees it"),
    "exit-after-save": Check("kept", "what is saved right before the process ends is kept"),
    "forked-child": Check("kept", "a forked child can use memory"),
    "other-directory": Check("kept", "a process in another working directory finds the records"),
    "other-home": Check("kept", "a process with another home finds the records"),
    "embedder": Check("reach", "the embedder answers"),
    "llm": Check("reach", "the LLM answers"),
    "dimension": Check("kept", "the embedder's vectors fit the existing table"),
    "memory-events": Check("kept", "no failed save or recall was reported"),
    # replicas
    "other-replica-reads": Check("kept", "one replica reads what another wrote"),
    # the running application
    "first-recall": Check("recalls", "the application recalls what it was just told"),
    "recall": Check("recalls", "the application recalls it over fresh connections"),
    "recall-after-delay": Check("recalls", "the application still recalls it after a while"),
    "recall-after-restart": Check("kept", "the application recalls it after a restart"),
    "new-session": Check("recalls", "the same user is recalled in a new session"),
    "other-user": Check("apart", "another user is not told"),
    "workers": Check("agrees", "all workers answer alike"),
    # every probe
    "consent": Check("told", "what looks like production may be touched"),
    "answer": Check("told", "the replies could be judged"),
    "cleanup": Check("told", "what was written is gone again"),
    "deadline": Check("told", "the probe ended in time"),
}


@dataclass(frozen=True, slots=True)
class Observation:
    """One check of one target. `target` carries no userinfo and no query; `detail` is a phrase without secrets.

    `at` is where a person would make the change, where the tree has such a place. `remedy` is one imperative sentence
    and `snippet` the change as it would be written. `minor` makes a failing outcome a note.
    """

    probe: str
    target: str
    check: str
    outcome: Outcome
    detail: str
    elapsed_ms: float
    at: Location | None = None
    remedy: str = ""
    snippet: str = ""
    minor: bool = False

    @property
    def meaning(self) -> Meaning:
        return CHECKS[self.check].meaning
