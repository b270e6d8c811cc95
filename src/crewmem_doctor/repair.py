"""From findings to edits: the tree in, proved edits out. What `doctor` is to a report, this is to its remedies."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crewmem_doctor import policy
from crewmem_doctor.doctor import examine
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.plan import Plan
from crewmem_doctor.model.report import Report
from crewmem_doctor.settings import Settings
from crewmem_doctor.sources.discover import Tree

if TYPE_CHECKING:
    from crewmem_doctor.fixes.planner import Planner


def remedies(path: Path, settings: Settings, *, unsafe: bool = True,
             only: Callable[[Finding], bool] = lambda _: True) -> Plan:
    """The edits that the findings at `path` offer, each proved by another audit of the tree with it made. Nothing is
    written.

    `select` and `ignore` choose which findings are answered; what an edit may bring is looked for with all rules but
    those that `ignore` names. `only` leaves further findings out.
    """
    policy.check(settings)
    return _planner(path, settings, only, unsafe).plan()


def with_edits(report: Report, path: Path, settings: Settings) -> Report:
    """The report with the edits of each finding that offers some. Costs one more audit of the tree, and more where an
    edit does not hold; a report without a remedy to write costs nothing."""
    if not report.offers_edits:
        return report
    found = _planner(path, settings, lambda _: True, True).each(report)
    carrying = tuple(
        replace(f, fix=replace(f.fix, edits=found.get((f.fingerprint, f.at), ()))) if f.fix is not None else f
        for f in report.findings)
    return replace(report, findings=carrying)


def _planner(path: Path, settings: Settings, only: Callable[[Finding], bool], unsafe: bool) -> Planner:
    from crewmem_doctor.fixes.planner import Planner  # a plain scan does not pay for it

    chosen = {rule.id for rule in policy.chosen(settings)}
    everything = replace(settings, select=())
    tree = Tree(Path(os.path.abspath(path if path.is_dir() else path.parent)))
    return Planner(lambda overlay: examine(path, everything, None, overlay), tree.load,
                   lambda finding: finding.rule in chosen and only(finding), unsafe)
