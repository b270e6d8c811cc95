"""Splices of YAML: an entry, an item, a scalar, in the style of what stands around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.yaml_file import YamlFile, behind, null
from crewmem_doctor.fixes.yaml_text import Value, inline, items, quoted
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources import yaml


class Yaml(YamlFile):
    """The edits of one file."""

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
        if key is not None and null(parent) and self._empty(parent):
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
        if null(scalar) and self._empty(scalar):
            raise Refused(f"line {scalar.at.line} of {self.file.path} has no value")
        return Edit(self.file.path, start, end, inline(text, quote))

    def instead(self, holder: yaml.Mapping, key: yaml.Scalar, value: yaml.Node, name: str, new: Value) -> Edit:
        """Another entry in the place of `key: value`."""
        if not self.written_in(holder, key.at) or not behind(key.at, value.at):
            raise Refused(f"line {key.at.line} of {self.file.path} comes from an anchor that others share")
        end = (value.at.end_line, value.at.end_column)
        if null(value) and self._empty(value):
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

    def _below(self, line: int, text: str) -> Edit:
        """Whole lines behind a line. A comment behind it stays where it is."""
        if line in self._open_ends:
            raise Refused(f"line {line} of {self.file.path} ends a block of text that keeps its empty lines")
        return self.file.insertion(self.file.end_of(line), "\n" + text)


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
