"""What an exception from inside CrewAI means for the one who runs it."""

from __future__ import annotations

import re

from crewmem_doctor.probes.crewai.child import Failed
from crewmem_doctor.probes.crewai.scene import Scene
from crewmem_doctor.probes.process import StepFailed
from crewmem_doctor.probes.session import Blind, Verdict

_UNWRITABLE = re.compile(r"(?i)permission denied|read-?only|unable to open database|not permitted|no usable temporary")
_FULL = re.compile(r"(?i)no space left|disk is full|quota exceeded|database or disk is full")
_SQLITE = re.compile(r"(?i)unsupported version of sqlite3")


def environmental(error: StepFailed) -> bool:
    """Whether the environment is to blame, and not the probe or the package."""
    said = f"{error.kind}: {error}"
    return bool(_UNWRITABLE.search(said) or _FULL.search(said) or error.kind == "PermissionError")


def importing(check: Verdict, error: StepFailed, scene: Scene) -> None:
    """`import crewai` failed. What the environment is to blame for is a finding; what the probe cannot explain is not.

    Raises Blind where CrewAI is not whole there.
    """
    said = scene.stage.here(f"{error.kind}: {error}" if error.kind != "Died" else str(error))
    told = f"import crewai (CrewAI {scene.version}) fails with {said}"
    if isinstance(error, Failed) and error.kind in ("ModuleNotFoundError", "ImportError"):
        raise Blind(f"{told}: the environment at {scene.python.path} is not whole",
                    "Install the project's requirements there anew")
    if _UNWRITABLE.search(said) or error.kind == "PermissionError":
        check.failed(f"{told}: CrewAI writes below HOME, to its storage and to a temporary folder when imported",
                     remedy="Give the process a home and a temporary directory that its user can write",
                     snippet="HOME=/data")
    elif "Could not determine home directory" in said:
        check.failed(told, remedy="Set HOME to a directory that the user can write", snippet="HOME=/data")
    elif _SQLITE.search(said):
        check.failed(told, remedy="Use a base image with SQLite 3.35 or later, e.g. one on Debian bookworm")
    else:
        check.blind(told)


def writing(check: Verdict, kind: str, message: str, scene: Scene) -> None:
    """A save failed."""
    said = scene.stage.here(f"{kind}: {message}" if kind else message)
    where = scene.directory
    if _FULL.search(said):
        check.failed(f"nothing can be saved in {where}, the disk is full: {said}",
                     remedy=f"Free space on the disk of {where}")
    elif _UNWRITABLE.search(said) or kind == "PermissionError":
        check.failed(f"nothing can be saved in {where}: {said}", snippet="CREWAI_STORAGE_DIR=/data",
                     remedy=f"Let the service's user write {where}, or set CREWAI_STORAGE_DIR to another directory")
    else:
        check.blind(f"saving failed with {said}")
