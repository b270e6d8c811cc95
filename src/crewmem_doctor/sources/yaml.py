"""YAML as a tree of nodes that know where they stand.

Built from the parser's events rather than from PyYAML's composer, which overruns the C stack on deep nesting, resolves
values that a reader wants verbatim (`22:22` as a base-60 number), and loses the documents before a broken one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap, GapKind
from crewmem_doctor.sources.templates import FILLER, Masked, has_templates, mask
from crewmem_doctor.sources.yaml_nodes import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from yaml.events import Event

__all__ = ["MAX_CHARACTERS", "MAX_DEPTH", "Mapping", "Node", "Scalar", "Sequence", "load"]

MAX_CHARACTERS = 4 * 1024 * 1024
MAX_DEPTH = 200
MAX_NODES = 1_000_000                   # with every alias written out: what a reader that walks the tree would visit
_CORE = "tag:yaml.org,2002:"
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_NOT_YAML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Line breaks for YAML 1.1, but not for editors.
_NOT_A_LINE_BREAK = str.maketrans({"\x85": " ", "\u2028": " ", "\u2029": " "})


def load(text: str, path: str) -> tuple[list[Node], list[Gap]]:
    """The documents of `text` that are not empty, and what could not be read. Never raises.

    An error ends the reading; the documents before it are returned. Templates are masked (see `templates`), and where
    they decide which lines there are, a gap says so.
    """
    if len(text) > MAX_CHARACTERS:
        return [], [Gap(path, 1, "too-large", f"longer than {MAX_CHARACTERS // 1024 // 1024} MiB")]
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").translate(_NOT_A_LINE_BREAK)
    builder = _Builder(path, Masked(text))
    builder.read()
    # In a quoted or block scalar a template is text; only where YAML cannot take it has it to be masked.
    if has_templates(text) and (builder.failed or builder.odd_keys):
        masked = mask(text)
        builder = _Builder(path, masked)
        builder.read()
        if builder.failed:
            builder.gaps = [Gap(path, g.line, "template", "a template that is not YAML until it is rendered")
                            for g in builder.gaps]
        elif masked.directive:
            builder.gap(masked.directive, "a template decides which lines there are", "template")
    return builder.documents, builder.gaps


@dataclass(slots=True)
class _Built:
    """A node with what it would cost to walk it with all aliases written out."""

    node: Node
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    start: Event
    anchor: str | None
    parts: list[_Built] = field(default_factory=list)


class _Stop(Exception):
    def __init__(self, line: int, why: str) -> None:
        self.line, self.why = line, why


class _Builder:
    def __init__(self, path: str, masked: Masked) -> None:
        self.path, self.masked = path, masked
        self.documents: list[Node] = []
        self.gaps: list[Gap] = []
        self.failed = False
        self.odd_keys = False           # keys that are no scalars: `a: {{ x }}` taken literally
        self.stack: list[_Open] = []
        self.anchors: dict[str, _Built | None] = {}
        self.merged = 0
        self.end = (1, 1)               # where the last token ended

    def gap(self, line: int, why: str, kind: GapKind = "parse") -> None:
        self.failed = self.failed or kind == "parse"
        self.gaps.append(Gap(self.path, line, kind, why))

    def read(self) -> None:
        import yaml  # a tree without YAML does not pay for it

        text = self.masked.text
        forbidden = _NOT_YAML.search(text)
        if forbidden:
            self.gap(text.count("\n", 0, forbidden.start()) + 1, "holds a character that YAML does not allow")
            return
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            for event in yaml.parse(text, Loader=loader):
                self.take(event, yaml)
        except _Stop as stop:
            self.gap(stop.line, stop.why)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            problem = str(getattr(error, "problem", None) or "not YAML")
            # PyYAML's own library counts too, since 6.0.4, and says so in words of its own.
            deep = "nesting depth" in problem
            self.gap(mark.line + 1 if mark else 1, f"nested deeper than {MAX_DEPTH} levels" if deep else problem)
        except (ValueError, RecursionError, MemoryError):
            self.gap(1, "not YAML")

    def take(self, event: Event, yaml: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self.add(_Built(self.scalar(event)), event.anchor)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(self.stack) >= MAX_DEPTH:
                raise _Stop(event.start_mark.line + 1, f"nested deeper than {MAX_DEPTH} levels")
            if event.anchor:
                self.anchors[event.anchor] = None
            self.stack.append(_Open(event, event.anchor))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            opened = self.stack.pop()
            self.add(self.collection(opened, event), opened.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self.alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.anchors.clear()

    def add(self, built: _Built, anchor: str | None = None) -> None:
        if built.size > MAX_NODES or built.height > MAX_DEPTH:
            raise _Stop(built.node.at.line, "grows beyond measure when its aliases are written out")
        if anchor:
            self.anchors[anchor] = built
        if self.stack:
            self.stack[-1].parts.append(built)
        elif not (isinstance(built.node, Scalar) and built.node.null):
            self.documents.append(built.node)

    def alias(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if event.anchor not in self.anchors:
            raise _Stop(line, f"*{event.anchor} refers to no anchor")
        built = self.anchors[event.anchor]
        if built is None:
            raise _Stop(line, f"*{event.anchor} contains itself")
        self.end = (event.end_mark.line + 1, event.end_mark.column + 1)
        self.add(built)

    def scalar(self, event: Any) -> Scalar:
        value, style = event.value, event.style
        templated = has_templates(value)
        if FILLER in value:
            templated = True
            value = self.masked.restore(value, event.start_mark.index)
        quoted = style in ("'", '"')
        tag = "str"
        if event.tag and event.tag != "!":
            tag = event.tag.removeprefix(_CORE)
        elif not style and value in _NULLS:
            tag = "null"
        return Scalar(value, tag, self.span(event, event.end_mark, style in ("|", ">")), quoted, templated)

    def span(self, event: Any, end: Any, trim: bool) -> Location:
        """A block scalar's end mark stands where the next token begins: trimmed back to the last character."""
        start = event.start_mark
        line, column = end.line, end.column
        if trim and line > start.line:
            body = self.masked.text[start.index:end.index].rstrip()
            line = start.line + body.count("\n")
            column = len(body) - body.rfind("\n") - 1 if "\n" in body else start.column + len(body)
        self.end = (line + 1, column + 1)
        return Location(self.path, start.line + 1, start.column + 1, *self.end)

    def collection(self, opened: _Open, end: Any) -> _Built:
        parts = opened.parts
        event: Any = opened.start
        if event.flow_style:
            at = self.span(event, end.end_mark, trim=False)
        else:                           # a block's end mark, too, stands at the next token
            at = Location(self.path, event.start_mark.line + 1, event.start_mark.column + 1, *self.end)
        tag = event.tag if event.tag and not event.tag.startswith(_CORE) else ""
        size = 1 + sum(part.size for part in parts)
        height = 1 + max((part.height for part in parts), default=0)
        node: Node
        if type(event).__name__ == "SequenceStartEvent":
            node = Sequence(tuple(part.node for part in parts), at, tag)
        else:
            nodes = [part.node for part in parts]
            pairs = [(k, v) for k, v in zip(nodes[::2], nodes[1::2], strict=False) if isinstance(k, Scalar)]
            self.odd_keys = self.odd_keys or 2 * len(pairs) < len(nodes)
            node = Mapping(self.with_merges(pairs), at, tag)
        return _Built(node, size, height)

    def with_merges(self, pairs: list[tuple[Scalar, Node]]) -> tuple[tuple[Scalar, Node], ...]:
        """What is written here wins over what `<<` brings; of several merged mappings the first wins."""
        own = [(key, value) for key, value in pairs if not _is_merge(key, value)]
        if len(own) == len(pairs):
            return tuple(own)
        taken = {key.value for key, _ in own}
        brought: list[tuple[Scalar, Node]] = []
        for key, value in pairs:
            if not _is_merge(key, value):
                continue
            for source in value.items if isinstance(value, Sequence) else (value,):
                for name, inner in source.items() if isinstance(source, Mapping) else ():
                    if name.value not in taken:
                        taken.add(name.value)
                        brought.append((name, inner))
            self.merged += len(brought)
            if self.merged > MAX_NODES // 4:
                raise _Stop(key.at.line, "grows beyond measure when its merge keys are written out")
        return (*brought, *own)


def _is_merge(key: Scalar, value: Node) -> bool:
    return key.value == "<<" and not key.quoted and not isinstance(value, Scalar)
