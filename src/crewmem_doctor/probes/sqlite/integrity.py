"""Whether a database file is whole, found out from a private copy of it."""

from __future__ import annotations

import os
import shlex
from typing import Any

from crewmem_doctor.probes.process import Worker
from crewmem_doctor.probes.session import Session, Verdict

CAP = 256 * 1024 * 1024     # bytes: larger files are not copied


def check_copy(session: Session, facts: dict[str, Any], worker: Worker) -> None:
    """The check "integrity" of the file that `steps.look` found."""
    with session.check("integrity") as check:
        size, looks = facts["file"].get("size", 0), facts.get("looks", "")
        if looks in ("", "empty"):
            nothing = looks or facts["file"]["kind"] == "missing"
            check.skipped("there is no content yet" if nothing else "it cannot be read")
        elif looks in ("zeros", "other"):
            check.failed(f"{facts['real']} is {facts['phrase']}",
                         remedy="Restore the database from a backup, or name the file that is the database")
        elif looks == "unknown":
            check.skipped(f"{facts['real']} is {facts['phrase']}")
        elif size > CAP:
            check.skipped(f"it has {size // 1024 ** 2} MiB; files over {CAP // 1024 ** 2} MiB are not copied (run "
                          "PRAGMA integrity_check where it stands)")
        else:
            spare = worker.ask("sqlite.spare", {"bytes": size * 2}, session.seconds)["folder"]
            folder = os.path.join(spare, session.namespace)
            session.undo("files.remove", {"paths": [folder]}, f"rm -rf {shlex.quote(folder)}")
            job = {"path": facts["real"], "folder": folder, "seconds": session.seconds}
            found = worker.ask("sqlite.examine", job, session.seconds)
            _judge(found["state"], found["words"], check)


def _judge(state: str, words: str, check: Verdict) -> None:
    if state == "whole":
        check.passed("a copy of the file is whole")
    elif state == "damaged":
        check.failed(f"the database is damaged: {words}", remedy="Restore it from a backup, or save what is left",
                     snippet="sqlite3 memory.db .recover | sqlite3 recovered.db")
    else:
        check.skipped({"busy": "it is written all the time, so no copy could be made",
                       "slow": "the check takes too long", "full": f"no copy could be made: {words}",
                       "unusable": f"the copy cannot be opened here: {words}"}[state])
