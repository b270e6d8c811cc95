"""`crewmem-doctor scan`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crewmem_doctor import __version__
from crewmem_doctor.cli import output
from crewmem_doctor.cli.options import STDOUT, Target, targets
from crewmem_doctor.cli.progress import waiting
from crewmem_doctor.errors import UsageError
from crewmem_doctor.model.report import Report
from crewmem_doctor.settings import Settings, load_settings


def scan(paths: Sequence[str], flags: Mapping[str, Any]) -> int:
    """Audits, writes every format, and returns the exit status. Usage errors come before the audit."""
    root, include = _root(paths)
    settings = load_settings(root, {**flags, "include": include}, os.environ)
    wanted = targets(settings)

    # The audit's own rooms, which usage errors need not wait for.
    from crewmem_doctor import examine, policy

    policy.check(settings)
    with waiting("Auditing", quiet=settings.quiet):
        report = examine(root, settings)
    for target in wanted:
        text = _render(report, target, settings)
        if target.file == STDOUT:
            output.put(text)
        else:
            output.save(text, target.file)
    return report.exit_code


def _root(paths: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """The folder to audit, and what inside it where the paths are files or several."""
    found = [Path(path) for path in paths or ["."]]
    for path in found:
        if not path.exists():
            raise UsageError(f"{path} does not exist")
    if len(found) == 1 and found[0].is_dir():
        return found[0], ()
    resolved = [path.resolve() for path in found]
    common = Path(os.path.commonpath([path if path.is_dir() else path.parent for path in resolved]))
    inside = sorted({path.relative_to(common).as_posix() for path in resolved})
    return common, () if "." in inside else tuple(inside)


def _render(report: Report, target: Target, settings: Settings) -> str:
    if target.format == "json":
        from crewmem_doctor.reports import json

        return json.render(report, __version__)
    if target.format == "concise":
        from crewmem_doctor.reports import concise

        return concise.render(report, quiet=settings.quiet)
    from crewmem_doctor.reports import rich

    look = rich.Look(verbose=settings.verbose, quiet=settings.quiet)
    if target.file == STDOUT:
        color = output.colored(sys.stdout, os.environ, settings.no_color)
        look = rich.Look(output.width(sys.stdout), color, settings.verbose, settings.quiet)
    return rich.render(report, look)
