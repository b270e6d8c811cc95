"""Platforms and process managers, one module each: whatever binds PLATFORM is one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from crewmem_doctor.facts.platforms.base import Dialect, Found, Images, Platform

__all__ = ["Dialect", "Found", "Images", "Platform", "platforms"]


@cache
def platforms() -> tuple[Platform, ...]:
    """Every platform of this package, by name."""
    found = []
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        platform = getattr(module, "PLATFORM", None)
        if isinstance(platform, Platform):
            found.append(platform)
    return tuple(sorted(found, key=lambda platform: platform.name))
