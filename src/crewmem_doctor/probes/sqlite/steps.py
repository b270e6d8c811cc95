"""What a worker does with SQLite files. The user's is only ever read as bytes; what is written is the probe's own."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from crewmem_doctor.probes import mounts
from crewmem_doctor.probes.sqlite.looks import SAMPLE, journal, looks

COMPANIONS = ("-wal", "-shm", "-journal")
PAYLOAD = bytes(range(256)) * 4
_LOGICAL = ("NULL value in", "CHECK constraint failed", "non-unique entry in index")      # no damage to the file


def look(job: Mapping[str, Any]) -> dict[str, Any]:
    """The file at `path`, its folder, its companions, and the mount that holds it."""
    path = Path(job["path"])
    found: dict[str, Any] = {"uid": os.geteuid() if hasattr(os, "geteuid") else -1, "file": _described(path),
                             "folder": _described(path.parent), "real": os.path.realpath(path)}
    real = Path(found["real"])
    if real.parent != path.parent:
        found["folder"] = _described(real.parent)
    beside = {mark: _described(Path(f"{real}{mark}")) for mark in COMPANIONS}
    found["companions"] = {mark: entry for mark, entry in beside.items() if entry["kind"] != "missing"}
    if found["folder"]["kind"] == "missing":
        found["parent"] = str(next((up for up in real.parents if up.exists()), "/"))
    if found["file"]["kind"] == "file" and found["file"]["readable"]:
        with real.open("rb") as file:
            sample = file.read(SAMPLE)
        found["looks"], found["phrase"] = looks(sample, found["file"]["size"])
        found["journal"] = journal(sample) if found["looks"] == "sqlite" else ""
    there = mounts.here()
    mount = mounts.holding(real, there)
    if mount is not None:
        inside = mounts.contained(job["environ"], there)
        found["mount"] = {"kind": mount.kind, "described": mount.described, "read_only": mount.read_only,
                          "fleeting": mounts.fleeting(mount, inside), "doubtful": mounts.doubtful(mount, inside),
                          "contained": inside}
    if found["folder"]["kind"] == "directory":
        space = os.statvfs(real.parent) if hasattr(os, "statvfs") else None
        found["free"] = space.f_bavail * space.f_frsize if space else None
    return found


def _described(path: Path) -> dict[str, Any]:
    try:
        seen = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return {"kind": "missing"}
    except PermissionError:
        return {"kind": "hidden"}
    kind = ("directory" if stat.S_ISDIR(seen.st_mode) else "file" if stat.S_ISREG(seen.st_mode) else "special")
    return {"kind": kind, "size": seen.st_size, "owner": seen.st_uid, "mode": stat.S_IMODE(seen.st_mode),
            "readable": os.access(path, os.R_OK), "writable": os.access(path, os.W_OK),
            "enterable": os.access(path, os.X_OK)}


@contextmanager
def _opened(job: Mapping[str, Any]) -> Iterator[sqlite3.Connection]:
    """The probe's file, in the journal mode and with the locking of the user's."""
    uri = f"file:{quote(job['file'])}" + (f"?{job['options']}" if job["options"] else "")
    connection = sqlite3.connect(uri, uri=True, timeout=job["busy"], isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def write(job: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the probe's file with one record, committed: {"journal"}, or {"refused": SQLite's words}."""
    try:
        with _opened(job) as connection:
            wanted = "wal" if job["journal"] == "wal" else "delete"
            mode = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE memory (who TEXT, n INTEGER, bytes BLOB, words TEXT)")
            connection.execute("CREATE TABLE counter (n INTEGER NOT NULL)")
            connection.execute("INSERT INTO counter VALUES (0)")
            connection.execute("INSERT INTO memory VALUES ('first', 0, ?, ?)", (PAYLOAD, job["words"]))
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        return {"refused": str(error), "code": getattr(error, "sqlite_errorname", "")}
    return {"journal": mode[0]}


def read(job: Mapping[str, Any]) -> dict[str, Any]:
    """{"found": …, "changed": …}: whether the record is there, and whether it is as it was written."""
    try:
        with _opened(job) as connection:
            row = connection.execute("SELECT bytes, words FROM memory WHERE who = 'first'").fetchone()
    except sqlite3.Error as error:
        return {"found": False, "changed": False, "error": str(error)}
    return {"found": row is not None, "changed": row is not None and row != (PAYLOAD, job["words"])}


def race(job: Mapping[str, Any]) -> dict[str, Any]:
    """Commits as often as `rounds` and `budget` allow, each time counting on from what it has read: {"done": commits,
    "refused": what ended it}. Run by two workers at once."""
    end = time.monotonic() + job["budget"]
    done = 0
    try:
        with _opened(job) as connection:
            while done < job["rounds"] and (time.monotonic() < end or not done):
                connection.execute("BEGIN IMMEDIATE")
                n = connection.execute("SELECT n FROM counter").fetchone()[0]
                connection.execute("INSERT INTO memory VALUES (?, ?, ?, '')", (job["who"], done, PAYLOAD))
                connection.execute("UPDATE counter SET n = ?", (n + 1,))
                connection.execute("COMMIT")
                done += 1
                time.sleep(0.001)       # lets the other one in
    except sqlite3.Error as error:
        return {"done": done, "refused": str(error), "code": getattr(error, "sqlite_errorname", "")}
    return {"done": done}


def count(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the race left: {"rows": by writer, "counter", "damage"}."""
    try:
        with _opened(job) as connection:
            rows = dict(connection.execute(
                "SELECT who, count(*) FROM memory WHERE who <> 'first' GROUP BY who").fetchall())
            counter = connection.execute("SELECT n FROM counter").fetchone()[0]
            damage = [row[0] for row in connection.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
    except sqlite3.Error as error:
        return {"rows": {}, "counter": 0, "damage": [str(error)]}
    return {"rows": rows, "counter": counter, "damage": damage}


def spare(job: Mapping[str, Any]) -> dict[str, Any]:
    """A folder for copies that has room for `bytes`. Raises OSError where none has."""
    folder = tempfile.gettempdir()
    if shutil.disk_usage(folder).free < job["bytes"] + 16 * 1024 * 1024:
        raise OSError(f"{folder} has no room for a copy; set TMPDIR to a folder that has")
    return {"folder": folder}


def examine(job: Mapping[str, Any]) -> dict[str, Any]:
    """Copies the file and checks the copy: {"state", "words"}, where the state is whole, damaged, busy, slow, full
    or unusable. What looks damaged is copied and checked again, since a file may be written while it is copied."""
    end = time.monotonic() + job["seconds"] * 0.8
    folder = Path(job["folder"])
    folder.mkdir(mode=0o700, exist_ok=True)
    found = {"state": "busy", "words": ""}
    for attempt in range(4):
        if attempt:
            time.sleep(0.3)
        if time.monotonic() > end:
            return {"state": "slow", "words": ""}
        copy = folder / f"{attempt}.db"
        try:
            if not _copied(Path(job["path"]), copy):
                continue
        except OSError as error:
            return {"state": "full", "words": error.strerror or str(error)}
        before, found = found, _checked(copy, end)
        if found["state"] != "damaged" or before["state"] == "damaged":
            break
    return found


def _copied(path: Path, copy: Path) -> bool:
    """Whether nothing changed while the database and what belongs to it were copied."""
    names = ["", "-wal", "-journal"]
    before = [_stamp(Path(f"{path}{mark}")) for mark in names]
    for mark, there in zip(names, before, strict=True):
        if there:
            try:
                shutil.copyfile(f"{path}{mark}", f"{copy}{mark}")
            except FileNotFoundError:
                return False
    return before == [_stamp(Path(f"{path}{mark}")) for mark in names]


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def _checked(copy: Path, end: float) -> dict[str, str]:
    connection = sqlite3.connect(copy, timeout=1.0, isolation_level=None)
    connection.set_progress_handler(lambda: int(time.monotonic() > end), 10_000)
    try:
        words = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)")]
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "interrupted" in text:
            return {"state": "slow", "words": ""}
        if "malformed" in text or "not a database" in text or "corrupt" in text:
            return {"state": "damaged", "words": text}
        return {"state": "unusable", "words": text}     # an extension, a collation or a newer format is missing
    finally:
        connection.close()
    damage = [word for word in words if word != "ok" and not word.startswith(_LOGICAL) and "no such module" not in word]
    return {"state": "damaged", "words": "; ".join(damage[:3])} if damage else {"state": "whole", "words": ""}
