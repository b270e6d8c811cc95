"""What must be settled before anything is written: the interpreter, the release, the memory meant, the stage."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crewmem_doctor.errors import UsageError
from crewmem_doctor.probes.crewai import interpreter, stage
from crewmem_doctor.probes.crewai.child import Child
from crewmem_doctor.probes.crewai.interpreter import Interpreter
from crewmem_doctor.probes.crewai.stage import Stage
from crewmem_doctor.probes.crewai.subject import Subject, choose
from crewmem_doctor.probes.session import Blind, Session

OLDEST = (0, 74)
UNIFIED = (1, 10)
REMOVE = "rm -rf"
_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD")      # how the names of variables end whose values nobody may read


@dataclass(frozen=True)
class Scene:
    """`look` is what the interpreter sees on the stage (see `program.place.look`)."""

    python: Interpreter
    version: str
    subject: Subject
    stage: Stage
    look: Mapping[str, Any]

    @property
    def directory(self) -> str:
        """Where the records land, as the service has it."""
        return self.stage.here(str(self.look["directory"]))

    @property
    def unified(self) -> bool:
        return numbers(self.version) >= UNIFIED


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def settle(session: Session) -> Scene:
    """Finds everything out, makes the stage, and registers how all of it goes again.

    Raises Blind where there is no interpreter, or none with a CrewAI that the probe can drive.
    """
    root = Path(session.target.rest) if session.target.kind == "crewai" and session.target.rest else session.root
    if not root.is_dir():
        raise UsageError(f"{session.target.shown}: there is no such folder")
    if sys.platform == "win32":
        raise Blind("the CrewAI probe needs a POSIX system", "Run it in the container or in WSL")
    session.root = root.resolve()
    session.secret(*(value for name, value in session.environ.items() if name.endswith(_SECRET) and len(value) > 5))
    python = interpreter.find(session)
    first = glance(session, python)
    version = str(first["version"])
    if not version:
        raise Blind(f"CrewAI is not installed in {python.path} ({python.how})", interpreter.PASS)
    if numbers(version) < OLDEST:
        raise Blind(f"CrewAI {version} is older than 0.74, before which building a crew emptied its short-term memory; "
                    "the probe cannot drive it", "Upgrade CrewAI, or go by what the scan says of that release")
    real = bool(first["container"])
    subject = choose(session, version, contained=real) if session.target.kind == "crewai" else Subject()
    if subject.run is None:
        look = glance(session, python, subject.given) if subject.given else first
        made = _take(session, subject, first, look)
    else:
        made = _take(session, subject, first, None)
        job = {**made.job(session), "steps": [{"do": "look"}]}
        with Child([python.path, "-"], job, cwd=made.cwd, environ=made.environ) as child:
            look = child.answer(session.seconds)
    return Scene(python, version, subject, made, look)


def _take(session: Session, subject: Subject, first: Mapping[str, Any], look: Mapping[str, Any] | None) -> Stage:
    """Makes the stage, once it is registered how it goes again, with all that will be made at the place of `look`."""
    scratch = stage.scratch(session)
    job: dict[str, Any] = {"lock": str(scratch / "lock"), "own": [str(scratch)]}
    if look is not None:
        job["own"] += [look["own"], str(Path(look["directory"]) / session.namespace), *look["others"]]
        job.update(files=look["files"], folders=look["folders"])
    session.undo("crewai.tidy", job, f"{REMOVE} {' '.join(job['own'])}")
    return stage.build(session, subject, first["parts"])


def glance(session: Session, python: Interpreter, path: str = "") -> dict[str, Any]:
    """What the interpreter sees where it is started here, of `path` if the code hands one over; nothing is written."""
    job = {"nonce": session.namespace, "namespace": session.namespace, "path": path, "steps": [{"do": "look"}]}
    try:
        with Child([python.path, "-"], job, cwd=session.root, environ=session.environ) as child:
            return child.answer(session.seconds)
    except OSError as error:
        raise Blind(f"{python.path} ({python.how}) cannot be started: {error.strerror or error}",
                    interpreter.PASS) from None
