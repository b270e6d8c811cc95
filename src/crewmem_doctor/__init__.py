"""Finds why CrewAI agents remember on the laptop and forget in production.

`examine(path, settings)` audits a tree and returns a Report. Nothing of the tree is imported or run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crewmem_doctor.doctor import examine
    from crewmem_doctor.settings import Settings

__version__ = "0.1.0"
__all__ = ["Settings", "__version__", "examine"]


def __getattr__(name: str) -> Any:
    """`--help` and `explain` must not pay for what only a scan needs."""
    if name == "examine":
        from crewmem_doctor.doctor import examine

        return examine
    if name == "Settings":
        from crewmem_doctor.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
