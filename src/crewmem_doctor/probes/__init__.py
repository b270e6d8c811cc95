"""Live probes: write in one process, read in another. Each target's probe is a package, loaded when asked for.

A probe is a function `probe(session)` that makes observations and nothing else; rules turn those into findings.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.probes.session import Session
from crewmem_doctor.probes.target import Kind, Target, parse
from crewmem_doctor.settings import Settings

__all__ = ["People", "Target", "parse", "run"]
PACKAGES: Mapping[Kind, str] = {
    "crewai": "crewai", "crew": "crewai", "redis": "redis", "postgres": "postgres", "sqlite": "sqlite", "http": "http",
    "compose": "replicas", "k8s": "replicas", "exec": "replicas",
}


@dataclass(frozen=True, slots=True)
class People:
    """Who is there to ask and to tell: `confirm` a question, `progress` the target and the check that begins, `warn`
    what an interrupted probe could not remove."""

    confirm: Callable[[str], bool] = lambda question: False
    progress: Callable[[str, str], None] = lambda target, check: None
    warn: Callable[[str], None] = lambda text: None


def run(targets: Sequence[Target], settings: Settings, environ: Mapping[str, str], root: Path,
        project: Project | None, people: People) -> tuple[Observation, ...]:
    """What the probes saw, target by target. The only part of the program that touches the network."""
    seen: list[Observation] = []
    for target in targets:
        probe = importlib.import_module(f"crewmem_doctor.probes.{PACKAGES[target.kind]}").probe
        at = _place(target, project)
        session = Session(target, settings, environ, root, project, people.confirm, people.progress, at,
                          people.warn)
        with session:
            probe(session)
        seen += session.observations
    return tuple(seen)


def _place(target: Target, project: Project | None) -> Location | None:
    """Where the tree names what is probed: the service, else the only memory."""
    if project is None:
        return None
    for service in project.services:
        if target.text in (service.id, service.id.replace("k8s:default/", "k8s:")):
            return service.at
    if target.kind in ("crewai", "crew") and project.memories:
        memory = next((run.memory for run in project.runs), project.memories[0])
        return memory.turned_on or memory.at
    return None
