"""From all entries for CrewAI to the releases that govern a path."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from crewmem_doctor.facts.requirements.entry import RANKS, Entry
from crewmem_doctor.facts.requirements.specifiers import matcher
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.releases.known import KNOWN, WITH_MEMORY

UNKNOWN = Release(WITH_MEMORY)


class Choice:
    """Which entry decides for which path."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """`entries` in the order in which equals are preferred."""
        everything = [e for e in entries if e.name == "crewai"]
        self.constraints = [e for e in everything if e.constraint]
        self.entries = [e for e in everything if not e.constraint]
        self.homes = sorted({e.home for e in self.entries})
        self.serious = {e.home for e in self.entries if not e.weak}

    def release_for(self, path: str) -> Release:
        """The release that the requirement nearest to `path` asks for: of its own folder, else the nearest one above,
        else the nearest anywhere. A lock further up decides where it satisfies that requirement."""
        entry = self._nearest(path)
        if entry is None:
            return UNKNOWN
        if entry.rank == "range":
            entry = self._lock_above(entry) or entry
        return self._release(entry)

    def release_above(self, path: str) -> Release | None:
        """The release that the nearest folder above `path` asks for; None where none does, or only for development."""
        return None if self._above(path) is None else self.release_for(path)

    def common(self, paths: Iterable[str]) -> Release:
        """The release of most of `paths`; of equals, that of the first."""
        votes: dict[Release, int] = {}
        for path in paths:
            release = self.release_for(path)
            votes[release] = votes.get(release, 0) + 1
        return max(votes, key=lambda release: votes[release]) if votes else self.release_for("")

    def _nearest(self, path: str) -> Entry | None:
        if not self.homes:
            return None
        parts = path.split("/")[:-1]
        home = self._above(path)
        if home is None:
            home = min(self.homes, key=lambda h: _distance(parts, h.split("/") if h else []))
        return min((e for e in self.entries if e.home == home), key=lambda e: (e.weak, RANKS.index(e.rank)))

    def _above(self, path: str) -> str | None:
        """The nearest folder above that asks for CrewAI for more than development."""
        parts = path.split("/")[:-1]
        above = [h for h in self.serious if not h or parts[: h.count("/") + 1] == h.split("/")]
        return max(above, key=len, default=None)

    def _lock_above(self, entry: Entry) -> Entry | None:
        allowed = candidates(entry)
        for lock in sorted((e for e in self.entries if e.rank == "lock"), key=lambda e: -len(e.home)):
            above = not lock.home or entry.home == lock.home or entry.home.startswith(lock.home + "/")
            if above and candidates(lock)[0] in allowed:
                return lock
        return None

    def _release(self, entry: Entry) -> Release:
        found = candidates(entry)
        for constraint in self.constraints if entry.rank == "range" else ():
            both = tuple(v for v in found if v in candidates(constraint))
            if both:
                found, entry = both, (constraint if constraint.rank == "pin" else entry)
        locked = entry.rank in ("lock", "pin") and len(found) == 1
        return Release(found, entry.specifier, entry.at.path, entry.at, locked)


def _distance(parts: list[str], home: list[str]) -> tuple[int, int, int, list[str]]:
    """How far a requirement's folder is from a path's: folders above come first, the nearest of them before others."""
    shared = 0
    for a, b in zip(parts, home, strict=False):
        if a != b:
            break
        shared += 1
    is_above = shared == len(home)
    return (0 if is_above else 1, -shared, len(home), home)


def candidates(entry: Entry) -> tuple[Version, ...]:
    """The released versions that the entry allows, oldest first; never empty. Releases newer than this program's list
    count where they are named."""
    return WITH_MEMORY if entry.rank == "unknown" else _candidates(entry.rank != "range", entry.pep440)


@functools.lru_cache(maxsize=1024)
def _candidates(exact: bool, pep440: tuple[str, ...]) -> tuple[Version, ...]:
    if pep440 == ("",):
        return WITH_MEMORY
    if exact:
        version = Version.parse(pep440[0].lstrip("= "))
        if version is not None:
            return (version,)
    allowed = _allowed(pep440)
    if allowed is None:
        return WITH_MEMORY
    with_memory = tuple(v for v in allowed if v >= WITH_MEMORY[0])
    return with_memory or allowed or _named(pep440) or WITH_MEMORY


def _allowed(alternatives: tuple[str, ...]) -> tuple[Version, ...] | None:
    """None where a specifier cannot be read."""
    tests = [matcher(text) for text in alternatives]
    if any(test is None for test in tests):
        return None
    return tuple(v for v in KNOWN if any(test is not None and test(v) for test in tests))


def _named(alternatives: tuple[str, ...]) -> tuple[Version, ...]:
    """What stands in the specifier itself, newest kind of bound first: for `>=99.0` that is 99.0."""
    numbers = re.findall(r"(?:>=|==|~=)\s*v?(\d[\w.]*)", ",".join(alternatives))
    found = sorted(v for v in map(Version.parse, numbers) if v is not None)
    return tuple(dict.fromkeys(found))
