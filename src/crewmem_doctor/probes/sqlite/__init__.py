"""SQLite: whether a database file can be written, outlives its container, and is shared by two writers without loss.

Writes only to a file of its own beside the user's, on the same file system and under the same permissions. The user's
file is read as bytes and never opened as a database, since even a reader may leave files beside it.
"""

from __future__ import annotations

import os
import shlex
from typing import Any

from crewmem_doctor.probes.process import Worker
from crewmem_doctor.probes.session import Blind, Ended, Session
from crewmem_doctor.probes.sqlite import address, integrity, place
from crewmem_doctor.probes.sqlite.address import Address

ROUNDS, BUDGET = 25, 2.0    # commits, and seconds, of each of the two writers
_SIGNS = ("KUBERNETES_SERVICE_HOST", "container")


def probe(session: Session) -> None:
    there = _address(session)
    if not there.path:
        with session.check("filesystem") as check:
            check.failed("the database is in RAM: gone with its process, and another process sees nothing of it",
                         remedy="Name a file on a volume", snippet="sqlite:////data/memory.db")
        return
    with Worker() as one:
        facts = _looked(session, there, one)
        ready = session.settings.ready
        file = os.path.join(os.path.dirname(facts["real"]), f"{session.namespace}.db")
        job = {"file": file, "journal": facts.get("journal", ""), "options": there.options, "busy": there.busy,
               "words": f"{session.namespace} naïve 東京 🧠"}
        written = _writable(session, there, facts, job, one)
        with session.check("filesystem") as check:
            place.filesystem(facts, check)
        with session.check("journal-mode") as check:
            place.journal_mode(facts, check)
        if ready:
            return
        if written:
            _shared(session, job, one)
        integrity.check_copy(session, facts, one)


def _address(session: Session) -> Address:
    try:
        return address.parse(session.target.text, session.root.resolve())
    except address.Unreadable as error:
        with session.check("writable"):
            raise Blind(str(error)) from None
    raise Ended


def _looked(session: Session, there: Address, worker: Worker) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    environ = {name: session.environ[name] for name in _SIGNS if name in session.environ}
    try:
        facts = worker.ask("sqlite.look", {"path": there.path, "environ": environ}, session.seconds)
    except Exception:
        with session.check("writable"):
            raise
        raise Ended from None
    return facts


def _writable(session: Session, there: Address, facts: dict[str, Any], job: dict[str, Any], worker: Worker) -> bool:
    """Whether the probe's own file was written beside the user's."""
    with session.check("writable") as check:
        obstacle = place.obstacle(there.path, facts)
        if there.read_only:
            check.failed(f"the URL opens the database read-only: {there.read_only}",
                         remedy=f"Take {there.read_only} out of the URL")
        elif obstacle is not None:
            detail, remedy, snippet = obstacle
            check.failed(detail, remedy=remedy, snippet=snippet)
        elif session.settings.ready:
            check.passed(f"{there.path} and its folder can be written")
        else:
            files = [f"{job['file']}{mark}" for mark in ("", "-wal", "-shm", "-journal")]
            session.undo("files.remove", {"paths": files}, f"rm -f {' '.join(map(shlex.quote, files))}")
            answer = worker.ask("sqlite.write", job, session.seconds)
            if "refused" not in answer:
                new = "" if facts["file"]["kind"] == "file" else "; the database is not there yet"
                check.passed(f"a file beside {there.path} was written and committed{new}")
                return True
            code = answer["code"] or answer["refused"]
            if code == "SQLITE_FULL" or "full" in code:
                check.failed(f"the disk is full ({answer['refused']})", remedy="Free space or enlarge the volume")
            else:
                check.failed(f"SQLite cannot write beside {there.path}: {answer['refused']}",
                             remedy="Let the user that the application runs as write to the folder")
    return False


def _shared(session: Session, job: dict[str, Any], one: Worker) -> None:
    """Two processes over the probe's file: what one wrote the other reads, and two that write at once lose nothing."""
    with Worker() as other:
        with session.check("second-process-reads") as check:
            answer = other.ask("sqlite.read", job, session.seconds)
            if not answer["found"]:
                check.failed("a record that one process committed is not there for a second one"
                             f"{': ' + answer['error'] if 'error' in answer else ''}",
                             remedy="Let both processes open the same file on a file system with locks")
            elif answer["changed"]:
                check.failed("what came back is not what was written", remedy="Move the database to another disk")
            else:
                check.passed("a record came back as it was written")
        with session.check("two-writers") as check:
            for worker, who in ((one, "a"), (other, "b")):
                worker.tell({"step": "sqlite.race", "job": {**job, "who": who, "rounds": ROUNDS, "budget": BUDGET}})
            ends = {who: worker.answer("sqlite.race", session.seconds) for worker, who in ((one, "a"), (other, "b"))}
            left = other.ask("sqlite.count", job, session.seconds)
            done = sum(end["done"] for end in ends.values())
            refused = next((end["refused"] for end in ends.values() if "refused" in end), "")
            lost = [who for who, end in ends.items() if left["rows"].get(who, 0) != end["done"]]
            if lost or left["damage"] or left["counter"] != done:
                check.failed(f"of {done} commits by two processes at once, {done - left['counter']} were lost or "
                             f"overwritten{'; the file is damaged' if left['damage'] else ''}: locks do not hold here",
                             remedy="Put the database on a file system with locks, or use a database server")
            elif refused:
                check.failed(f"a writer gave up after waiting {job['busy']:g} seconds for the other: {refused}",
                             remedy="Give connections a longer busy timeout, or let one process write",
                             snippet="PRAGMA busy_timeout = 30000;")
            else:
                check.passed(f"{done} commits by two processes at once, none lost")
