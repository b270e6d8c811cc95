"""Which memory arguments CrewAI's classes take in which release, and what becomes of the others."""

from __future__ import annotations

from typing import Literal

from crewmem_doctor.model.expression import Build, Expr, Items, Table, Text
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases._api_data import ARGUMENTS, MEMORY_WORDS, OTHERS
from crewmem_doctor.releases.spans import Verdict, on

# What is handed over, as far as it changes the outcome.
Shape = Literal["flag", "text", "dict", "legacy", "unified", "any"]
_LEGACY_CLASSES = ("ShortTermMemory", "LongTermMemory", "EntityMemory", "ExternalMemory", "UserMemory")
_UNIFIED_CLASSES = ("Memory", "MemoryScope", "MemorySlice")


def shape_of(value: Expr | None) -> Shape:
    if isinstance(value, Table):
        return "dict"
    if isinstance(value, Text):
        if value.value is None or isinstance(value.value, (bool, int)):
            return "flag"
        return "text" if isinstance(value.value, str) else "any"
    if isinstance(value, Build):
        if value.callee == "dict":
            return "dict"
        known = {name.rsplit(".", 1)[-1] for name in (value.callee, *value.bases) if name.startswith("crewai.")}
        if known.intersection(_LEGACY_CLASSES):
            return "legacy"
        return "unified" if known.intersection(_UNIFIED_CLASSES) else "any"
    return "any" if not isinstance(value, Items) else "dict"


def argument(version: Version, callee: str, name: str, value: Expr | None = None) -> Verdict | None:
    """What `version` does with the argument `name` of `callee` ("crewai.Crew", "crewai.Crew.kickoff").

    None where the argument has nothing to do with memory, the callee is not CrewAI's, or that release has no such
    class (then the import fails, which is another matter).
    """
    target = _target(callee)
    if target is None:
        return None
    known = ARGUMENTS.get(target, {}).get(name)
    if known is not None:
        for key in (_shape(value), "any") if len(known) > 1 else ("any",):
            found = on(known.get(key, ()), version)
            if found is not None:
                return found.value
        return None
    if target in ("Crew", "Agent") and not (name in MEMORY_WORDS or "memory" in name):
        return None
    other = on(OTHERS.get(target, ()), version)
    return other.value if other is not None else None


def _shape(value: Expr | None) -> Shape:
    """"true", "1", "on" and the like are coerced to a flag (ran 1.15.30)."""
    shape = shape_of(value)
    if shape == "text" and isinstance(value, Text) and str(value.value).lower() in _COERCED:
        return "flag"
    return shape


_COERCED = ("true", "false", "1", "0", "yes", "no", "on", "off", "y", "n", "t", "f")
_METHODS = ("kickoff", "kickoff_async", "akickoff", "kickoff_for_each", "kickoff_for_each_async")


def _target(callee: str) -> str | None:
    if not callee.startswith("crewai."):
        return None
    name = callee.rsplit(".", 1)[-1]
    if name in _METHODS:
        owner = callee.split(".")[-2]
        return "kickoff" if owner == "Crew" else None
    return name if name in ARGUMENTS or name in OTHERS else None
