"""Whether a database can be written where it stands, and what its place means: facts in, verdicts out."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

from crewmem_doctor.probes.session import Verdict

ENOUGH = 1024 * 1024        # bytes: with less on its disk, a database is as good as full


def obstacle(path: str, facts: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """What keeps this process from writing the database: what is said, the remedy, and its snippet. None where nothing
    was seen that does."""
    file, folder = facts["file"], facts["folder"]
    where = os.path.dirname(facts["real"])
    uid = facts["uid"]
    if folder["kind"] == "missing":
        return (f"{where} does not exist, and SQLite makes no folder (what exists is {facts['parent']})",
                "Make the folder before the application starts, or mount the volume there",
                f"mkdir -p {shlex.quote(where)}")
    if folder["kind"] == "hidden" or (folder["kind"] == "directory" and not folder["enterable"]):
        return (f"uid {uid} may not look into {where}", "Give the folder to the user that the application runs as",
                f"chown -R {uid} {shlex.quote(where)}")
    if folder["kind"] != "directory":
        return f"{where} is no folder", "Name a file in a folder", ""
    if file["kind"] == "directory":
        return (f"{path} is a directory", "Name a file in it; where it came from a bind mount of a file that was not "
                "there, mount the file's folder", "")
    if file["kind"] == "special":
        return f"{path} is no ordinary file", "Name an ordinary file", ""
    if facts.get("mount", {}).get("read_only"):
        return (f"{facts['mount']['described']} is mounted read-only",
                "Mount it read-write, or put the database on a volume", "")
    if file["kind"] == "file" and not (file["readable"] and file["writable"]):
        return (f"{path} belongs to uid {file['owner']} (mode {file['mode']:04o}), and uid {uid} may not "
                f"{'write' if file['readable'] else 'read'} it",
                "Give the file to the user that the application runs as",
                f"chown {uid} {shlex.quote(path)}")
    if not folder["writable"]:
        return (f"{where} belongs to uid {folder['owner']} (mode {folder['mode']:04o}), and uid {uid} may not write "
                "there: SQLite needs a journal beside the database",
                "Give the folder to the user that the application runs as",
                f"chown {uid} {shlex.quote(where)}")
    for mark, seen in facts["companions"].items():
        if not seen.get("writable"):
            return (f"{facts['real']}{mark} belongs to uid {seen.get('owner', '?')} and uid {uid} may not write it, so "
                    "the database is read-only", "Give the database and what stands beside it to one user",
                    f"chown {uid} {shlex.quote(facts['real'])}*")
    if facts.get("free") is not None and facts["free"] < ENOUGH:
        return (f"the disk that holds {where} is full: {facts['free']} bytes are left",
                "Free space or enlarge the volume", "")
    return None


def filesystem(facts: Mapping[str, Any], check: Verdict) -> None:
    mount = facts.get("mount")
    folder = os.path.dirname(facts["real"])
    volume = f"services:\n  APP:\n    volumes:\n      - memory:{folder}\nvolumes:\n  memory: {{}}"
    if facts["folder"]["kind"] == "missing":
        check.skipped(f"{folder} is not there yet")
    elif mount is None:
        check.skipped("this system does not say what is mounted where")
    elif mount["fleeting"]:
        inside = mount["contained"]
        check.failed(mount["fleeting"], remedy=f"Put {folder} on a volume" if inside else "Put the database on a disk",
                     snippet=volume if inside else "")
    elif mount["doubtful"]:
        check.skipped(f"{mount['described']} is the root of an image that runs as a machine; whether it outlives a "
                      "deploy cannot be seen from here, while a mounted volume does")
    elif mount["kind"] == "network":
        check.passed(f"{mount['described']} is kept on another machine; no two machines must write to it at once")
    elif mount["kind"] == "overlay":
        check.skipped(f"{mount['described']}: no container was recognised, and whether this machine keeps its upper "
                      "layer cannot be seen from here")
    elif mount["kind"] == "unknown":
        check.skipped(f"{mount['described']} is of a kind of which nothing is known")
    else:
        check.passed(f"{mount['described']} is kept")


def journal_mode(facts: Mapping[str, Any], check: Verdict) -> None:
    mode = facts.get("journal", "")
    network = facts.get("mount", {}).get("kind") == "network"
    if not mode:
        check.skipped("there is no database yet whose mode could be seen")
    elif mode == "wal" and network:
        check.failed(f"the journal mode is WAL on {facts['mount']['described']}: its index is shared memory, which "
                     "another machine does not see, so records get lost or the database is corrupted",
                     remedy="Use a rollback journal on a network file system, or a database server",
                     snippet="PRAGMA journal_mode = DELETE;")
    elif mode == "wal":
        check.passed("the journal mode is WAL, and all its readers and writers are on this machine")
    else:
        check.passed("the journal is a rollback journal"
                     + ("; locks depend on the network file system" if network else ""))
