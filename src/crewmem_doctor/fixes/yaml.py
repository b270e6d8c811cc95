"""Splices of YAML: an entry, an item, a scalar, in the style of what stands around it.

Built on the nodes of `sources/yaml`, which know their places. What an alias or a merge key brings stands elsewhere in
the file and is never edited through it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.text import Document
from crewmem_doctor.fixes.yaml_text import Value, entry, inline, items, quoted
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources import yaml
from crewmem_doctor.sources.templates import has_templates

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+)*")


class Yaml:
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
                        below += [value] if _behind(key.at, value.at) else []
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
        if not _behind(key.at, value.at):
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
        if not self.written_in(parent, found.at) or not _behind(found.at, value.at):
            raise Refused(f"{name} of {key.value} comes from an anchor that others share; change it there")
        return found, value

    # Edits.

    def put(self, key: yaml.Scalar | None, parent: yaml.Node, name: str, value: Value) -> Edit:
        """Adds `name: value` behind the other entries. `key` is what the parent stands under, None for a document."""
        if isinstance(parent, yaml.Mapping) and self.flow(parent):
            text = f"{quoted(name)}: {inline(value)}"
            return self._into_flow(parent, [entry[1].at for entry in parent.entries], text)
        if isinstance(parent, yaml.Mapping):
            own = [(k, v) for k, v in parent.entries if self.written_in(parent, k.at)]
            if not own:
                raise Refused(f"line {parent.at.line} of {self.file.path} holds nothing but what an anchor brings")
            indent = own[0][0].at.column - 1
            last = max(own, key=lambda entry: (entry[0].at.line, entry[0].at.column))
            line = max(last[0].at.end_line, last[1].at.end_line if self.written_in(parent, last[1].at) else 0)
            gap = "\n" if key is None and self._spaced(own) else ""
            return self._below(line, gap + self.block(name, value, indent))
        if key is not None and _null(parent) and self._empty(parent):
            step = self.step
            return self._below(key.at.line, self.block(name, value, key.at.column - 1 + step))
        raise Refused(f"line {parent.at.line} of {self.file.path} is not what it should be: a mapping")

    def append(self, sequence: yaml.Sequence, value: Value) -> Edit:
        """Adds an item behind the others, quoted as the last one is."""
        if self.flow(sequence):
            text = inline(value, self.quote(sequence.items[-1]) if sequence.items else "")
            return self._into_flow(sequence, [item.at for item in sequence.items], text)
        last = sequence.items[-1]
        if not self.written_in(sequence, last.at):
            raise Refused(f"line {sequence.at.line} of {self.file.path} ends in an alias")
        indent = self._dash(sequence)
        if not isinstance(value, (str, int, bool, type(None))) and self.flow(last):
            return self._below(last.at.end_line, " " * indent + "- " + inline(value))
        return self._below(last.at.end_line, "\n".join(items([value], indent, self.step, self.quote(last))))

    def extend(self, sequence: yaml.Sequence, values: Sequence[Value]) -> list[Edit]:
        """Several items behind the others."""
        edits = [self.append(sequence, value) for value in values]
        return [Edit(edits[0].path, edits[0].start, edits[0].end, "".join(edit.text for edit in edits))]

    def replace(self, scalar: yaml.Scalar, text: str | bool) -> Edit:
        """Another text for a scalar, quoted as it is, or a truth value. A block scalar is refused."""
        quote = self.quote(scalar)
        if self.file.line(scalar.at.line)[scalar.at.column - 1:][:1] in ("|", ">"):
            raise Refused(f"line {scalar.at.line} of {self.file.path} is a block of text")
        start, end = (scalar.at.line, scalar.at.column), (scalar.at.end_line, scalar.at.end_column)
        if _null(scalar) and self._empty(scalar):
            raise Refused(f"line {scalar.at.line} of {self.file.path} has no value")
        return Edit(self.file.path, start, end, inline(text, quote))

    def instead(self, holder: yaml.Mapping, key: yaml.Scalar, value: yaml.Node, name: str, new: Value) -> Edit:
        """Another entry in the place of `key: value`."""
        if not self.written_in(holder, key.at) or not _behind(key.at, value.at):
            raise Refused(f"line {key.at.line} of {self.file.path} comes from an anchor that others share")
        end = (value.at.end_line, value.at.end_column)
        if _null(value) and self._empty(value):
            end = (key.at.end_line, self.file.line(key.at.end_line).index(":", key.at.end_column - 1) + 2)
        if self.flow(holder):
            text = f"{quoted(name)}: {inline(new)}"
        else:
            text = self.block(name, new, key.at.column - 1).lstrip(" ")
        return Edit(self.file.path, (key.at.line, key.at.column), end, text)

    def document(self, entries: Mapping[str, Value]) -> Edit:
        """A document more, at the end of the file."""
        last = max((n for n in range(1, len(self.file.lines) + 1) if self.file.line(n).strip()), default=1)
        text = "\n".join(self.block(name, value, 0) for name, value in entries.items())
        return self._below(last, f"---\n{text}")

    def fill(self, key: yaml.Scalar, text: str) -> Edit:
        """A value for a key that has none (`NAME:`)."""
        line = self.file.line(key.at.end_line)
        colon = line.find(":", key.at.end_column - 1)
        if colon < 0:
            raise Refused(f"line {key.at.line} of {self.file.path} is not written as key: value")
        return self.file.insertion((key.at.end_line, colon + 2), " " + quoted(text))

    def remove_item(self, key: yaml.Scalar, parent: yaml.Node, item: yaml.Node) -> Edit:
        """Takes one item out of a block list; where it is the only one, the list's key goes too."""
        if not isinstance(parent, yaml.Sequence) or len(parent.items) == 1:
            return self.remove_entry(key, parent)
        if self.flow(parent):
            return self._out_of_flow(parent, item)
        return self.file.without_lines(item.at.line, item.at.end_line)

    def remove_entry(self, key: yaml.Scalar, value: yaml.Node) -> Edit:
        """Takes `key: value` out, which must stand on lines of its own."""
        before = self.file.line(key.at.line)[:key.at.column - 1]
        end = max(key.at.end_line, value.at.end_line)
        if before.strip():
            raise Refused(f"line {key.at.line} of {self.file.path} holds more than {key.value}")
        return self.file.without_lines(key.at.line, end)

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

    def _below(self, line: int, text: str) -> Edit:
        """Whole lines behind a line. A comment behind it stays where it is."""
        if line in self._open_ends:
            raise Refused(f"line {line} of {self.file.path} ends a block of text that keeps its empty lines")
        return self.file.insertion(self.file.end_of(line), "\n" + text)

    @functools.cached_property
    def _open_ends(self) -> frozenset[int]:
        """The last lines of blocks of text that keep the empty lines behind them."""
        return frozenset(node.at.end_line for _, _, node in self.walk() if isinstance(node, yaml.Scalar)
                         and re.match(r"[|>]\d?\+", self.file.line(node.at.line)[node.at.column - 1:]))

    def _into_flow(self, node: yaml.Node, places: list[Location], text: str) -> Edit:
        own = [at for at in places if self.written_in(node, at)]
        if len(own) < len(places):
            raise Refused(f"line {node.at.line} of {self.file.path} holds an alias")
        close = (node.at.end_line, node.at.end_column - 1)
        if not own:
            between = self.file.slice((node.at.line, node.at.column), close)
            if between.strip().strip("{[ "):
                raise Refused(f"line {node.at.line} of {self.file.path} holds a comment")
            return self.file.insertion(close, text)
        end = (own[-1].end_line, own[-1].end_column)
        rest = self.file.slice(end, close)
        return self.file.insertion(end, f", {text}" if "," not in rest else f",{text}" if rest == "," else f", {text}")

    def _out_of_flow(self, sequence: yaml.Sequence, item: yaml.Node) -> Edit:
        index = sequence.items.index(item)
        here = item.at
        if index:
            before = sequence.items[index - 1].at
            return Edit(self.file.path, (before.end_line, before.end_column), (here.end_line, here.end_column), "")
        after = sequence.items[1].at
        return Edit(self.file.path, (here.line, here.column), (after.line, after.column), "")

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


def _starts(one: Location, other: Location) -> bool:
    return (one.line, one.column) == (other.line, other.column)


def _within(outer: Location, inner: Location) -> bool:
    """Whether `inner` begins inside `outer`. What an alias brings begins before it: an anchor comes first."""
    return (outer.line, outer.column) <= (inner.line, inner.column) <= (outer.end_line, outer.end_column)


def _behind(key: Location, value: Location) -> bool:
    return (key.line, key.column) < (value.line, value.column)


def _null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.Scalar) and node.null
