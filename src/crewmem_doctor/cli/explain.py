"""`crewmem-doctor explain` and `crewmem-doctor rules`: the catalogue, offline."""

from __future__ import annotations

import os
import sys

from crewmem_doctor.cli import output
from crewmem_doctor.errors import UsageError
from crewmem_doctor.policy.select import unknown
from crewmem_doctor.reports import pages
from crewmem_doctor.reports.rich.page import Look
from crewmem_doctor.rules import catalogue, find
from crewmem_doctor.settings import did_you_mean

FORMATS = ("rich", "concise", "json")


def explain(word: str) -> int:
    rule = find(word)
    if rule is None:
        raise UsageError(unknown(word))
    output.put(pages.page(rule, _look()))
    return 0


def rules(format: str) -> int:
    if format not in FORMATS:
        raise UsageError(f"--format takes {', '.join(FORMATS)}, not {format!r}{did_you_mean(format, FORMATS)}")
    if format == "rich":
        output.put(pages.listing(catalogue(), _look()))
    else:
        output.put(pages.catalogue(catalogue()) if format == "json" else pages.lines(catalogue()))
    return 0


def _look() -> Look:
    return Look(output.width(sys.stdout), output.colored(sys.stdout, os.environ, no_color=False))
