"""What holds from one release up to another, with the place where it was read or run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, Literal, TypeVar

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Version

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """`value` holds for `since` <= release < `before` (None: up to the newest, and taken to hold for later ones).

    `evidence` is "RELEASE FILE:LINE" of the published package, or "ran RELEASE …".
    """

    value: T
    since: Version
    before: Version | None
    evidence: str

    def covers(self, version: Version) -> bool:
        return self.since <= version and (self.before is None or version < self.before)


def span(value: T, since: str, before: str | None, evidence: str) -> Span[T]:
    """A span with its releases as text; `since` "" is the first release ever."""
    first = Version.parse(since) or Version(0, 0, 0)
    return Span(value, first, Version.parse(before) if before else None, evidence)


def on(spans: Iterable[Span[T]], version: Version) -> Span[T] | None:
    """The span that covers `version`; None where none does."""
    return next((s for s in spans if s.covers(version)), None)


def value_on(spans: Iterable[Span[T]], version: Version, default: T) -> T:
    found = on(spans, version)
    return default if found is None else found.value


Outcome = Literal["ok", "ignored", "unwritten", "rejected", "fails-at-save"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a release does with something the code says: "unwritten" is a memory that the crew may read and never saves
    into. `sentence` is a whole clause with its own subject, without a
    capital letter and without a full stop; empty for "ok"."""

    outcome: Outcome
    sentence: str
    evidence: str
