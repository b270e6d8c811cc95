"""Finds why CrewAI agents remember on the laptop and forget in production."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from crewmem_doctor.model.report import Probing, Report
    from crewmem_doctor.settings import Settings

__version__ = "0.1.0"
__all__ = ["Settings", "__version__", "examine"]


def examine(path: Path, settings: Settings | None = None, probing: Probing | None = None) -> Report:
    """Audit the tree at `path`. Files are read; nothing of the tree is imported, run or changed. `probing` is given the
    project and answers what probes saw of it; without it no socket is opened.

    Raises `crewmem_doctor.errors.CrewmemError` for a path that does not exist and for settings that name no rule.
    """
    # By name, since `--help` and `explain` must not pay for what only an audit needs.
    report: Report = importlib.import_module("crewmem_doctor.doctor").examine(path, settings, probing)
    return report


def __getattr__(name: str) -> Any:
    if name == "Settings":
        return importlib.import_module("crewmem_doctor.settings").Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
