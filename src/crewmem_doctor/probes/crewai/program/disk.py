"""Files of the probe: the mount that they are on, whether they can be written, and how they go again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Any

from .channel import hold, released

OWN = "crewmem_probe"
PATIENCE = 12.0     # seconds
# What importing CrewAI and Chroma, and building a crew, write by themselves.
BY_IMPORT = ("secret.key", "telemetry_user_id")
BY_BUILDING = ("latest_kickoff_task_outputs.db", "flow_states.db")


def mount_of(path: str) -> dict[str, Any]:
    """The mount that `path`, or what exists above it, is on: {"point", "type", "source"}; empty where there is no
    /proc."""
    while not os.path.lexists(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    path = os.path.realpath(path)
    best: dict[str, Any] = {}
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                fields, _, rest = line.partition(" - ")
                point = fields.split()[4].replace("\\040", " ")
                inside = path == point or path.startswith(point.rstrip("/") + "/")
                if inside and len(point) >= len(best.get("point", "")):
                    kind, source = [*rest.split(), "", ""][:2]
                    best = {"point": point, "type": kind, "source": source}
    except (OSError, IndexError):
        return {}
    return best


def guard(step: Mapping[str, Any]) -> dict[str, Any]:
    """Holds a lock file that is made here: `lock`, in a folder of the probe's own."""
    os.makedirs(os.path.dirname(step["lock"]), exist_ok=True)
    with open(step["lock"], "a", encoding="utf-8"):
        pass
    hold(step["lock"])
    return {}


def touch(step: Mapping[str, Any]) -> dict[str, Any]:
    """Writes a file of the probe's own into the directory, which is made where it is missing."""
    os.makedirs(step["directory"], exist_ok=True)
    with open(_file(step), "x", encoding="utf-8") as file:
        file.write(step["text"])
        file.flush()
        os.fsync(file.fileno())
    return {}


def see(step: Mapping[str, Any]) -> dict[str, Any]:
    """What `touch` of another process wrote."""
    try:
        with open(_file(step), encoding="utf-8") as file:
            return {"text": file.read()}
    except FileNotFoundError:
        return {"text": ""}


def _file(step: Mapping[str, Any]) -> str:
    return os.path.join(str(step["directory"]), str(step["namespace"]))


def forget(step: Mapping[str, Any]) -> dict[str, Any]:
    """Removes `own`, the probe's own files and folders, then `files` that importing CrewAI made and `folders` that were
    not there before, if they are empty. Answers which of `own` is left. First it waits until no process of the probe
    holds the file `lock` any more, which those of a killed probe soon do no longer.

    Raises ValueError for an own path whose last part does not say so.
    """
    released(step["lock"], PATIENCE)
    for path in step["own"]:
        if not os.path.basename(path).startswith(OWN):
            raise ValueError(f"{path} is not a probe's own")
    for path in step["own"]:
        if os.path.isdir(path) and not os.path.islink(path):
            for folder, _, _ in os.walk(path):
                _unseal(folder)
            shutil.rmtree(path, ignore_errors=True)
        elif os.path.lexists(path):
            os.unlink(path)
    for path in step.get("files", ()):
        name = os.path.basename(path)
        if os.path.exists(path) and (name in BY_IMPORT or (name in BY_BUILDING and _empty(path))):
            for part in (path, f"{path}-wal", f"{path}-shm"):
                if os.path.exists(part):
                    os.unlink(part)
    for path in step.get("folders", ()):
        try:
            os.rmdir(path)
        except OSError:
            pass        # somebody uses it, or it is gone
    return {"left": [path for path in step["own"] if os.path.lexists(path)]}


def _empty(path: str) -> bool:
    """Whether a database of CrewAI's holds no row."""
    import sqlite3

    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
            return not any(connection.execute(f'select 1 from "{name}" limit 1').fetchone() for name in tables
                           if not name.startswith("sqlite_"))
    except sqlite3.Error:
        return False


def _unseal(folder: str) -> None:
    """A stage may hold folders that nobody may write, so that a service finds there what it will find."""
    try:
        if not os.access(folder, os.W_OK):
            os.chmod(folder, 0o700)
    except OSError:
        pass
