"""The nodes of a YAML tree, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass

_TRUE = frozenset(("true", "yes", "on", "y"))
_FALSE = frozenset(("false", "no", "off", "n"))


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text as written, unquoted. `tag` is "null", "str", or a tag of the file's own such as "!reset".

    `templated` marks text that a template fills in; it then holds the template's source.
    """

    value: str
    tag: str
    at: Location
    quoted: bool = False
    templated: bool = False

    @property
    def null(self) -> bool:
        return self.tag == "null"

    @property
    def truth(self) -> bool | None:
        """The boolean that YAML 1.1 or 1.2 reads here; None where it is none."""
        word = self.value.lower()
        return None if self.quoted else True if word in _TRUE else False if word in _FALSE else None


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    at: Location
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Merge keys (`<<`) are applied: what they bring stands first and keeps its own location. A key that is written
    twice stands twice in `entries`; everything else here sees the last one."""

    entries: tuple[tuple[Scalar, Node], ...]
    at: Location
    tag: str = ""

    def get(self, name: str) -> Node | None:
        return next((value for key, value in reversed(self.entries) if key.value == name), None)

    def key(self, name: str) -> Scalar | None:
        return next((key for key, _ in reversed(self.entries) if key.value == name), None)

    def items(self) -> Iterator[tuple[Scalar, Node]]:
        """Each name once, with the value that counts."""
        last = {key.value: (key, value) for key, value in self.entries}
        return iter(last.values())


Node = Union[Scalar, Sequence, Mapping]
