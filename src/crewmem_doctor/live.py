"""Probes alone, without a tree: targets in, observations and their report out. Loads no reader of anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crewmem_doctor import policy
from crewmem_doctor.audit import audit
from crewmem_doctor.model.code import Code
from crewmem_doctor.model.observation import Observation
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Release
from crewmem_doctor.model.report import Report
from crewmem_doctor.releases.known import WITH_MEMORY
from crewmem_doctor.settings import Settings

if TYPE_CHECKING:
    from crewmem_doctor.probes import People, Target


def probe(targets: Sequence[Target], settings: Settings, environ: Mapping[str, str], root: Path,
          project: Project | None, people: People) -> tuple[Observation, ...]:
    """What the probes saw of the targets. `project` is what the scan found at `root`, where there was one."""
    from crewmem_doctor import probes  # which a scan has no use for

    return probes.run(targets, settings, environ, root, project, people)


def judge(observations: tuple[Observation, ...], settings: Settings, project: Project | None) -> Report:
    """The report of probes alone: nothing of the tree is judged. `project` gives the lines that findings stand at."""
    policy.check(settings)
    alone = Project(Release(WITH_MEMORY), code=Code(uses_crewai=True), observations=observations)
    if project is not None:
        alone = replace(alone, release=project.release, excerpt=project.excerpt)
    return audit(alone, replace(settings, ignore=(*settings.ignore, "CM0")))
