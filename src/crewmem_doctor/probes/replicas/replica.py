"""One replica: how a Python starts inside it, and where its CrewAI keeps records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.probes.crewai.child import Child
from crewmem_doctor.probes.crewai.scene import OLDEST, numbers
from crewmem_doctor.probes.process import StepFailed, StepTimedOut
from crewmem_doctor.probes.session import Blind, Session

PYTHONS = ("python3", "python", ".venv/bin/python", "/app/.venv/bin/python", "/opt/venv/bin/python")


@dataclass(frozen=True, slots=True)
class Place:
    """`prefixes` are commands that run another command inside the replica, one for each container that it has."""

    name: str
    prefixes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Replica:
    """`look` is what its Python sees (see `program.place.look`)."""

    name: str
    prefix: tuple[str, ...]
    python: str
    look: Mapping[str, Any]

    @property
    def command(self) -> tuple[str, ...]:
        return (*self.prefix, self.python, "-")

    @property
    def version(self) -> str:
        return str(self.look["version"])

    @property
    def directory(self) -> str:
        return str(self.look["directory"])

    @property
    def own(self) -> list[str]:
        """All that the probe makes there."""
        return [str(self.look["own"]), *map(str, self.look["others"])]

    @property
    def lock(self) -> str:
        return str(Path(str(self.look["others"][-1])) / "lock")

    @property
    def told(self) -> str:
        mount = self.look["mount"]
        return self.directory + (f" on {mount['type']} ({mount['point']})" if mount else "")

    def job(self, session: Session) -> dict[str, Any]:
        return {"nonce": session.namespace, "namespace": session.namespace, "directory": self.directory,
                "own": str(self.look["own"])}

    def forgetting(self, session: Session) -> dict[str, Any]:
        """The job that removes what the probe made."""
        step = {"do": "forget", "own": self.own, "lock": self.lock, "files": self.look["files"],
                "folders": self.look["folders"]}
        return {**self.job(session), "alarm": 60, "steps": [step]}


PASS = "Pass --python with the path, inside the replica, of the Python that runs the application"


def enter(session: Session, place: Place) -> Replica:
    """Finds the Python that has CrewAI. Raises Blind with what was tried."""
    said: list[str] = []
    without = ""
    for prefix, python in _ways(session, place):
        job = {"nonce": session.namespace, "namespace": session.namespace, "alarm": 60, "steps": [{"do": "look"}]}
        try:
            with Child([*prefix, python, "-"], job, cwd=session.root, environ=session.environ, life=False) as child:
                look = child.answer(session.seconds)
        except OSError as error:
            raise Blind(f"{prefix[0] if prefix else python} cannot be started: {error.strerror or error}",
                        "Give commands that run something in a replica, e.g. 'exec:ssh one::ssh two'") from None
        except (StepFailed, StepTimedOut) as error:
            said.append(str(error))
            continue
        if not look["version"]:
            without = without or f"{python} ({look['python']})"
            continue
        if numbers(str(look["version"])) < OLDEST:
            raise Blind(f"{place.name} has CrewAI {look['version']}, older than the probe can drive (0.74)")
        return Replica(place.name, prefix, python, look)
    if without:
        raise Blind(f"CrewAI is not installed for {without} in {place.name}", PASS)
    why = said[0] if said else "it has no container"
    raise Blind(f"no Python answers in {place.name} (tried {', '.join(_pythons(session))}): {why}", PASS)


def _ways(session: Session, place: Place) -> Iterator[tuple[tuple[str, ...], str]]:
    for prefix in place.prefixes:
        for python in _pythons(session):
            yield prefix, python


def _pythons(session: Session) -> tuple[str, ...]:
    return (session.settings.python,) if session.settings.python else PYTHONS
