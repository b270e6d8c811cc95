"""The values that a memory's argument may have, and which of them keep less than another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from crewmem_doctor.facts.python.clients import CLIENTS
from crewmem_doctor.facts.python.failures.touches import Touches
from crewmem_doctor.facts.python.stores import store_of
from crewmem_doctor.model.expression import Build, Choice, Concat, EnvVar, Expr, Joined, Opaque, Place, Text
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass

To = Literal["ram", "off", "local"]

_STAND_IN = re.compile(r"in_?memory|noop|dummy|null|fake|mock", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values that a memory's argument may have."""

    to: To | Literal["meant", "server", "unknown"]
    at: Location
    value: Expr


def crew_option(touches: Touches, value: Expr) -> Option | None:
    """An option of what a crew is given as its memory."""
    at = getattr(value, "at", None)
    if at is None:
        return None
    if isinstance(value, Text):
        if value.value is True:
            return Option("meant", at, value)
        return Option("off", at, value) if value.value in (False, None) else None
    memory = touches.of(value)
    if memory is not None:
        return Option(_kind_of(memory.store.kind, memory.store.where is None), at, value)
    return Option("unknown", at, value)


def store_option(touches: Touches, value: Expr) -> Option | None:
    """An option of where a memory keeps its records."""
    at = getattr(value, "at", None)
    if at is None or (isinstance(value, Text) and value.value in (True, False)):
        return None
    if isinstance(value, (Concat, Joined, EnvVar)) or (isinstance(value, Text) and isinstance(value.value, str)):
        return Option("ram" if in_ram(value) else "local", at, value)
    if isinstance(value, Place):
        return Option("local", at, value)
    if isinstance(value, Build):
        client = CLIENTS.get(value.callee)
        store = client(value, at) if client is not None else store_of(touches.survey, value, at)
        if store.kind == "unknown" and _STAND_IN.search(value.callee.rpartition(".")[2]):
            return Option("ram", at, value)
        return Option(_kind_of(store.kind, False), at, value)
    return Option("unknown", at, value) if isinstance(value, Opaque) else None


def _kind_of(kind: str, default: bool) -> To | Literal["server", "unknown"]:
    if kind == "process":
        return "ram"
    return "local" if kind == "path" else "server" if kind == "server" else "unknown"


def worse(lesser: Option, meant: Option) -> bool:
    """Whether `meant` keeps more than `lesser` does."""
    if lesser.to == "off":
        return meant.to not in ("off",)
    if lesser.to == "ram":
        return meant.to not in ("off", "ram")
    return meant.to in ("server", "unknown", "local")


def leaves(choice: Choice) -> Iterator[Expr]:
    for option in choice.options:
        if isinstance(option, Choice):
            yield from leaves(option)
        else:
            yield option


def in_ram(value: Expr | None) -> bool:
    text = value.value if isinstance(value, Text) else None
    return isinstance(text, str) and (
        text == ":memory:"
        or text.startswith(("memory://", "file::memory:", "sqlite:///:memory:"))
        or text in ("sqlite://", "sqlite:///")
    )
