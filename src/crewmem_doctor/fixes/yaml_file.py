"""A YAML file as its edits need it: where things stand, and how they are written there.

Built on the nodes of `sources/yaml`, which know their places. What an alias or a merge key brings stands elsewhere in
the file and is never edited through it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.text import Document
from crewmem_doctor.fixes.yaml_text import Value, entry
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources import yaml
from crewmem_doctor.sources.templates import has_templates

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+)*")


class YamlFile:
    """One file's documents. Raises Refused for a file that is not read in full."""

    def __init__(self, document: Document) -> None:
        self.file = document
        if has_templates(document.text):
            raise Refused(f"{document.path} is a template; the change belongs where its values come from")
        self.documents, gaps = yaml.load(document.text, document.path)
        if gaps:
            raise Refused(f"{document.path} cannot be read: {gaps[0].why}")

    # Finding one's way.

    def walk(self) -> Iterator[tuple[yaml.Node, yaml.Scalar | None, yaml.Node]]:
        """Every (parent, key or None, value) that is written where it stands, from the top of each document down."""
        waiting: list[yaml.Node] = list(reversed(self.documents))
        while waiting:
            node = waiting.pop()
            below: list[yaml.Node] = []
            if isinstance(node, yaml.Mapping):
                for key, value in node.entries:
                    if self.written_in(node, key.at):
                        yield node, key, value
                        below += [value] if behind(key.at, value.at) else []
            elif isinstance(node, yaml.Sequence):
                for item in node.items:
                    if self.written_in(node, item.at):
                        yield node, None, item
                        below.append(item)
            waiting.extend(reversed(below))

    def entry(self, at: Location) -> tuple[yaml.Mapping, yaml.Scalar, yaml.Node]:
        """The mapping, key and value of the entry whose key begins at `at`."""
        found = self._entries.get((at.line, at.column))
        if found is None:
            raise Refused(f"nothing of its name stands at line {at.line} of {self.file.path}")
        _, key, value = found
        if not behind(key.at, value.at):
            raise Refused(f"{key.value} at line {key.at.line} of {self.file.path} is an alias")
        return found

    @functools.cached_property
    def _entries(self) -> dict[tuple[int, int], tuple[yaml.Mapping, yaml.Scalar, yaml.Node]]:
        """By the place where the key begins, the outermost where several do."""
        found: dict[tuple[int, int], tuple[yaml.Mapping, yaml.Scalar, yaml.Node]] = {}
        for parent, key, value in self.walk():
            if key is not None and isinstance(parent, yaml.Mapping):
                found.setdefault((key.at.line, key.at.column), (parent, key, value))
        return found

    def holder(self, at: Location) -> yaml.Mapping:
        """The document that `at` stands in."""
        for document in self.documents:
            if isinstance(document, yaml.Mapping) and _within(document.at, at):
                return document
        raise Refused(f"line {at.line} of {self.file.path} is in no document")

    def written_in(self, parent: yaml.Node, at: Location) -> bool:
        """Whether something stands inside its parent's own text, and was not brought there by an alias or a merge."""
        return _within(parent.at, at)

    def child(self, key: yaml.Scalar, parent: yaml.Mapping, name: str) -> tuple[yaml.Scalar, yaml.Node] | None:
        """The entry `name` of the mapping under `key`. Raises Refused where something else of the file brings it, which
        an entry of its own would hide."""
        found, value = parent.key(name), parent.get(name)
        if found is None or value is None:
            return None
        if not self.written_in(parent, found.at) or not behind(found.at, value.at):
            raise Refused(f"{name} of {key.value} comes from an anchor that others share; change it there")
        return found, value

    # How things are written here.

    def source(self, node: yaml.Node) -> str:
        """The text of a node."""
        return self.file.slice((node.at.line, node.at.column), (node.at.end_line, node.at.end_column))

    def flow(self, node: yaml.Node) -> bool:
        rest = self.file.line(node.at.line)[node.at.column - 1:]
        return rest[_PROPERTIES.match(rest).end():][:1] in ("{", "[")  # type: ignore[union-attr]

    def quote(self, node: yaml.Node) -> str:
        """The quotes a scalar stands in, empty for none."""
        first = self.file.line(node.at.line)[node.at.column - 1:][:1]
        return first if isinstance(node, yaml.Scalar) and first in ("'", '"') else ""

    @functools.cached_property
    def step(self) -> int:
        """How far this file indents a mapping inside a mapping."""
        for parent, key, value in self.walk():
            if key is not None and isinstance(value, yaml.Mapping) and not self.flow(value) and value.entries:
                inner = value.entries[0][0].at
                if self.written_in(parent, inner) and inner.column > key.at.column and inner.line > key.at.line:
                    return inner.column - key.at.column
        return 2

    @functools.cached_property
    def dash(self) -> int:
        """How far this file indents a list's dash inside its key."""
        for _, key, value in self.walk():
            if key is not None and isinstance(value, yaml.Sequence) and value.items and not self.flow(value):
                return max(self._dash(value) - (key.at.column - 1), 0)
        return self.step

    def block(self, name: str, value: Value, indent: int) -> str:
        return "\n".join(entry(name, value, indent, self.step, self.dash))

    @functools.cached_property
    def _open_ends(self) -> frozenset[int]:
        """The last lines of blocks of text that keep the empty lines behind them."""
        return frozenset(node.at.end_line for _, _, node in self.walk() if isinstance(node, yaml.Scalar)
                         and re.match(r"[|>]\d?\+", self.file.line(node.at.line)[node.at.column - 1:]))

    def _dash(self, sequence: yaml.Sequence) -> int:
        first = sequence.items[0].at
        before = self.file.line(first.line)[:first.column - 1]
        if not before.rstrip().endswith("-"):
            raise Refused(f"line {first.line} of {self.file.path} is no plain list")
        return before.rindex("-")

    def _spaced(self, own: Sequence[tuple[yaml.Scalar, yaml.Node]]) -> bool:
        """Whether the entries of a document are parted by empty lines."""
        return len(own) == 1 or any(not self.file.line(key.at.line - 1).strip() for key, _ in own[1:])

    def _empty(self, scalar: yaml.Node) -> bool:
        return isinstance(scalar, yaml.Scalar) and scalar.value == ""


def _within(outer: Location, inner: Location) -> bool:
    """Whether `inner` begins inside `outer`. What an alias brings begins before it: an anchor comes first."""
    return (outer.line, outer.column) <= (inner.line, inner.column) <= (outer.end_line, outer.end_column)


def behind(key: Location, value: Location) -> bool:
    return (key.line, key.column) < (value.line, value.column)


def null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.Scalar) and node.null
