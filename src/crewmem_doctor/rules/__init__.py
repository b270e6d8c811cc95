"""The catalogue: every module of this package that declares RULE."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from crewmem_doctor.rules.base import Rule


@functools.cache
def catalogue() -> tuple[Rule, ...]:
    """Every rule, by id. Importing them is the only way to know them; nothing lists them twice."""
    rules: list[Rule] = []
    for entry in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        rule = getattr(module, "RULE", None)
        if isinstance(rule, Rule):
            rules.append(rule)
    return tuple(sorted(rules, key=lambda r: r.id))


def find(word: str) -> Rule | None:
    """The rule with that id or name, whatever its case."""
    wanted = word.strip().lower().replace("_", "-")
    return next((r for r in catalogue() if wanted in (r.id.lower(), r.name)), None)
