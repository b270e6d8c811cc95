"""What a reader of a platform is: which files it wants, what it finds in one, and what it can say of it."""

from __future__ import annotations

from collections.abc import Callable

from crewmem_doctor.facts.images import Images
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.discover import Tree

__all__ = ["NOTHING", "Dialect", "Found", "Images", "Platform", "Tree"]


@dataclass(frozen=True, slots=True)
class Found:
    """What one file says. `dockerfiles` are those that its services are built from."""

    services: tuple[Service, ...] = ()
    gaps: tuple[Gap, ...] = ()
    dockerfiles: frozenset[str] = frozenset()


NOTHING = Found()


@dataclass(frozen=True, slots=True)
class Dialect:
    """A row of docs/deployments.md."""

    title: str
    files: str
    read: str
    decides: str
    unknown: str


@dataclass(frozen=True, slots=True)
class Platform:
    """One reader. A module of this package that binds PLATFORM to one is found by itself.

    `wanted` says of a path whether the file may be one of this platform's; it is asked about all files that are not
    Python. A platform that is described in Python gives `needles`: bytes that such a file holds. `weak` readers are
    asked only where no other file of the tree deploys any application code.
    """

    name: str
    read: Callable[[Tree, str, Images], Found]
    dialect: Dialect
    wanted: Callable[[str], bool] = lambda _path: False
    needles: tuple[bytes, ...] = ()
    weak: bool = False
