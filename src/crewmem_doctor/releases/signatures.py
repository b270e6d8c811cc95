"""What the published wheels say: which arguments a class or method takes, and which names can be imported."""

from __future__ import annotations

import functools

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases._signatures import ARGUMENTS, IMPORTS, OTHERS, TYPES
from crewmem_doctor.releases.known import KNOWN
from crewmem_doctor.releases.spans import Span, on, span


def takes(version: Version, owner: str, name: str) -> bool | None:
    """Whether `owner` ("Crew", "Crew.kickoff") takes an argument of that name; None where that release has no such
    class or method."""
    if rest(version, owner) is None:
        return None
    return on(spans(owner, name), version) is not None


def rest(version: Version, owner: str) -> str | None:
    """What becomes of arguments that `owner` does not take: "ignored", "TypeError" or "ValidationError"."""
    found = on(_valued(OTHERS.get(owner, "")), version)
    return found.value if found is not None else None


def declared(version: Version, owner: str, name: str) -> str:
    """The declared type of a memory argument, as source text; empty where it is not known."""
    found = on(_valued(TYPES.get(f"{owner}.{name}", "")), version)
    return found.value if found is not None else ""


def spans(owner: str, name: str) -> tuple[Span[str], ...]:
    """The releases that take that argument."""
    return _spans(_by_name(owner).get(name, ""), f"{owner}({name}=)")


def importable_in(name: str) -> tuple[Span[str], ...] | None:
    """The releases that have that module or name; None where it is not one of memory's."""
    text = _imports().get(name)
    return None if text is None else _spans(text, name)


def evidence(found: Span[str]) -> str:
    """Where a span was read, in releases that exist."""
    if found.before is None:
        return f"{found.since} to {KNOWN[-1]} have it"
    last = max((v for v in KNOWN if v < found.before), default=found.since)
    return f"{found.since} to {last} have it, {found.before} has not"


def known(owner: str) -> bool:
    return owner in OTHERS


@functools.lru_cache(maxsize=64)
def _by_name(owner: str) -> dict[str, str]:
    return {name: text for text, names in ARGUMENTS.get(owner, {}).items() for name in names.split()}


@functools.lru_cache(maxsize=1)
def _imports() -> dict[str, str]:
    return {name: text for text, names in IMPORTS.items() for name in names.split()}


@functools.lru_cache(maxsize=256)
def _spans(text: str, value: str) -> tuple[Span[str], ...]:
    """"0.63.0-1.10.1 1.12.1-" as spans."""
    parts = (word.partition("-") for word in text.split())
    return tuple(span(value, since, before or None, "the published wheels") for since, _, before in parts)


@functools.lru_cache(maxsize=64)
def _valued(text: str) -> tuple[Span[str], ...]:
    """"0.27.0-1.10.1 bool; 1.10.1- Any" as spans."""
    parts = (part.strip().partition(" ") for part in text.split("; ") if part)
    return tuple(s for words, _, value in parts for s in _spans(words, value))
