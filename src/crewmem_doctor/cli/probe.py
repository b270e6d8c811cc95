"""`crewmem-doctor probe`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crewmem_doctor.cli import output, probing
from crewmem_doctor.cli.deliver import deliver
from crewmem_doctor.cli.options import targets
from crewmem_doctor.cli.progress import waiting
from crewmem_doctor.errors import UsageError
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.report import Report
from crewmem_doctor.settings import Settings, load_settings

_TOLD = ("crewai", "crew", "http", "https", "compose", "k8s")      # targets that the tree says something about


def probe(words: Sequence[str], flags: Mapping[str, Any]) -> int:
    """Probes alone, without a word about the code around them. Returns the exit status."""
    root = _root(words)
    settings = load_settings(root, {**flags, "probes": tuple(words)}, os.environ)
    wanted = targets(settings)
    probing.check(settings)

    from crewmem_doctor import live

    project: Project | None = None
    if _worth_reading(settings, root):
        from crewmem_doctor import doctor

        with waiting("Reading the project", quiet=settings.quiet):
            project = doctor.read(root, settings)
    seen = probing.observe(root, settings, project)
    report = live.judge(seen, settings, project)
    if settings.ready and not settings.formats:
        output.put(_line(report))
    else:
        deliver(report, wanted, settings)
    return report.exit_code


def _root(words: Sequence[str]) -> Path:
    """The folder of the project: that of `crewai:PATH`, else the current one."""
    given = [word.partition(":")[2] for word in words if word.startswith("crewai:") and len(word) > len("crewai:")]
    if len(set(given)) > 1:
        raise UsageError(f"{' and '.join(given)} are two projects; probe one at a time")
    root = Path(given[0] if given else ".")
    if not root.is_dir():
        raise UsageError(f"crewai:{root}: there is no such folder")
    return root


def _worth_reading(settings: Settings, root: Path) -> bool:
    """Whether the project around can say more about a target. Nobody wants a whole disk read for that."""
    told = any(word.partition(":")[0] in _TOLD for word in settings.probes)
    return told and not settings.ready and root.resolve() not in (Path("/"), Path.home())


def _line(report: Report) -> str:
    """What a start-up check has to say: one line for each target that has something, or one for all."""
    from crewmem_doctor.reports.words import plain

    seen = report.project.observations
    bad = [one for one in seen if one.outcome in ("fail", "error") and not one.minor]
    shown = [f"{one.target}: {one.check}: {one.detail}" for one in bad] or [
        f"{target}: ready" for target in dict.fromkeys(one.target for one in seen)]
    return "; ".join(plain(line) for line in shown) + "\n"
