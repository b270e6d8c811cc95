"""Where CrewAI's records land in this process, by CrewAI's own formula, and what this process may do there.

The formula is that of `crewmem_doctor.releases.paths`; `unified` and `legacy` ask the package itself before anything is
written, and refuse where it says otherwise.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import tempfile
from collections.abc import Mapping
from hashlib import md5
from typing import Any

from .disk import BY_BUILDING, mount_of

UNIFIED = (1, 10)
LOCKED = (1, 11)        # a lock file in the temporary directory guards the store
OLDEST = (0, 74)        # before, short-term memory was emptied whenever a crew was built


def version_of(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def installed() -> str:
    """CrewAI's version, empty where it is not installed. Nothing of it is imported."""
    import importlib.metadata

    try:
        return importlib.metadata.version("crewai")
    except importlib.metadata.PackageNotFoundError:
        return ""


def package() -> str:
    """Where CrewAI is installed."""
    import importlib.metadata

    try:
        return str(importlib.metadata.distribution("crewai").locate_file("crewai"))
    except importlib.metadata.PackageNotFoundError:
        return ""


def data_home() -> str:
    """The folder of the user's data, as `appdirs` has it."""
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support")
    return os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")


def data_directory() -> str:
    """CrewAI's `db_storage_path()`, without making it."""
    name = os.environ.get("CREWAI_STORAGE_DIR") or os.path.basename(os.getcwd())
    return os.path.abspath(os.path.join(data_home(), name))


def store_directory(version: str, given: str = "") -> str:
    """The directory of the records. `given` is the path that the code hands over."""
    if version_of(version) < UNIFIED:
        return os.path.abspath(given) if given else data_directory()
    if given:
        return os.path.abspath(given)
    setting = os.environ.get("CREWAI_STORAGE_DIR")
    return os.path.abspath(os.path.join(setting or data_directory(), "memory"))


def own(version: str, directory: str, namespace: str) -> str:
    """What the probe makes there: a table of its own, or a folder that holds a whole store of its own."""
    return os.path.join(directory, namespace + (".lance" if version_of(version) >= UNIFIED else ""))


def lock_file(directory: str) -> str:
    """The file with which CrewAI guards that store from 1.11 on (crewai_core/lock_store.py of 1.15.30)."""
    name = md5(f"lancedb:{os.path.realpath(directory)}".encode(), usedforsecurity=False).hexdigest()
    return os.path.join(tempfile.gettempdir(), f"crewai:{name}.lock")


def look(step: Mapping[str, Any]) -> dict[str, Any]:
    """Everything there is to know before CrewAI is imported, without changing anything."""
    version = installed()
    directory = store_directory(version, step.get("path", "")) if version else data_directory()
    locked = ""
    try:
        if version_of(version) >= LOCKED:
            found = lock_file(directory)
            locked = found if os.path.exists(found) and not os.access(found, os.W_OK) else ""
        temporary, trouble = tempfile.gettempdir(), ""
    except OSError as error:
        temporary, trouble = "", str(error)
    key = os.path.join(_share(), "crewai/credentials/secret.key")
    chroma = os.path.expanduser("~/.cache/chroma/telemetry_user_id")
    built = [os.path.join(data_directory(), name) for name in BY_BUILDING]
    made = [data_directory(), os.path.dirname(key), os.path.expanduser("~/.config/crewai"), os.path.dirname(chroma)]
    return {
        "parts": [sys.executable, sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), package()],
        "version": version, "python": platform.python_version(), "host": socket.gethostname(),
        "directory": directory, "data": data_directory(), "home": os.path.expanduser("~"), "cwd": os.getcwd(),
        "uid": os.getuid() if hasattr(os, "getuid") else -1, "temporary": temporary, "no_temporary": trouble,
        "locked": locked, "mount": mount_of(directory), "container": in_container(),
        "own": own(version, directory, step["namespace"]),
        "others": [os.path.join(base, step["namespace"]) for base in (data_home(), temporary) if base],
        "folders": missing([directory, *made]),
        "files": [path for path in (key, chroma, *built) if not os.path.lexists(path)],
    }


def _share() -> str:
    """Where CrewAI keeps the key of its own account, whatever XDG_DATA_HOME says."""
    return os.path.expanduser("~/Library/Application Support" if sys.platform == "darwin" else "~/.local/share")


def missing(paths: list[str]) -> list[str]:
    """Those of the folders, and of the folders above them, that do not exist; the innermost first."""
    found: list[str] = []
    for path in paths:
        while path not in found and not os.path.lexists(path):
            found.append(path)
            path = os.path.dirname(path)
    return sorted(found, key=lambda path: -len(path))


def in_container() -> bool:
    return any(os.path.exists(path) for path in ("/.dockerenv", "/run/.containerenv")) or bool(
        os.environ.get("KUBERNETES_SERVICE_HOST"))


def own_temporary(namespace: str) -> str:
    """A temporary directory of the probe's own: a lock file that it left in the common one could, belonging to another
    user, make the application's memory look empty."""
    path = os.path.join(tempfile.gettempdir(), namespace)
    os.makedirs(path, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = path
    return path
