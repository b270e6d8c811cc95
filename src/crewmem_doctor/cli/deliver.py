"""The report, in every format that was asked for, to where it belongs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from crewmem_doctor import __version__
from crewmem_doctor.cli import output
from crewmem_doctor.cli.options import STDOUT, Target
from crewmem_doctor.model.report import Report
from crewmem_doctor.settings import Settings


def deliver(report: Report, wanted: Iterable[Target], settings: Settings) -> None:
    """Writes every format. Raises UsageError for a file that cannot be written."""
    for target in wanted:
        text = _render(report, target, settings)
        if target.file == STDOUT:
            output.put(text)
        else:
            output.save(text, target.file)


def _render(report: Report, target: Target, settings: Settings) -> str:
    if target.format == "json":
        from crewmem_doctor.reports import json

        return json.render(report, __version__)
    if target.format == "sarif":
        from crewmem_doctor.reports import sarif

        return sarif.render(report, __version__)
    if target.format == "concise":
        from crewmem_doctor.reports import concise

        return concise.render(report, quiet=settings.quiet)
    from crewmem_doctor.reports import rich

    look = rich.Look(verbose=settings.verbose, quiet=settings.quiet)
    if target.file == STDOUT:
        color = output.colored(sys.stdout, os.environ, settings.no_color)
        look = rich.Look(output.width(sys.stdout), color, settings.verbose, settings.quiet)
    return rich.render(report, look)
