"""YAML, JSON and TOML as the platforms' readers ask for them: values with places, and never an exception."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from crewmem_doctor.model.deployment import Setting
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources import toml
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import CommandLine, Word
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence, load

_INDENT = re.compile(r"^[ \t]*\t[ \t]*", re.MULTILINE)
_TEMPLATE = re.compile(r"\$\{|\$\(|\$\[|\{\{|<%")


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    return path.rpartition("/")[2].lower()


def documents(tree: Tree, path: str) -> tuple[list[Mapping], list[Gap]]:
    """The documents of a YAML or JSON file that are mappings."""
    text = tree.text(path)
    if text is None:
        return [], []
    if path.lower().endswith(".json"):  # JSON is YAML but for tabs
        text = _INDENT.sub(lambda match: " " * len(match[0]), text)
    nodes, gaps = load(text, path)
    return [node for node in nodes if isinstance(node, Mapping)], gaps


def table(tree: Tree, path: str) -> tuple[toml.Document | None, list[Gap]]:
    text = tree.text(path)
    document = toml.load(text, path) if text is not None else None
    return (None, [document]) if isinstance(document, Gap) else (document, [])


def below(node: Node | None, *keys: str) -> Node | None:
    """The value below `keys`; None where a step is missing."""
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else None
    return None if isinstance(node, Scalar) and node.null else node


def mapping(node: Node | None, *keys: str) -> Mapping:
    """The mapping below `keys`; an empty one where there is none."""
    inner = below(node, *keys)
    return inner if isinstance(inner, Mapping) else Mapping((), node.at if node is not None else Location(""))


def entries(node: Node | None, *keys: str) -> Iterator[tuple[Scalar, Node]]:
    yield from mapping(node, *keys).items()


def items(node: Node | None, *keys: str) -> tuple[Node, ...]:
    """The items of a list; a single scalar counts as a list of one."""
    inner = below(node, *keys)
    if isinstance(inner, Sequence):
        return inner.items
    return (inner,) if isinstance(inner, Scalar) and not inner.null else ()


def text(node: Node | None, *keys: str) -> str:
    """The text of a scalar; empty where there is none or a tag of the file's own (`!Ref`) makes it."""
    inner = below(node, *keys)
    plain = isinstance(inner, Scalar) and not inner.null and not inner.templated and not inner.tag.startswith("!")
    return inner.value.strip() if plain and isinstance(inner, Scalar) else ""


def answer(node: Node | None) -> Answer[str]:
    """What a scalar says; Unknown where something outside fills it in."""
    if not isinstance(node, Scalar) or node.tag.startswith("!"):
        return Unknown("it is computed when it is deployed", node.at if node is not None else None)
    if node.templated or _TEMPLATE.search(node.value):
        return Unknown("a template fills it in", node.at)
    return Known(node.value, node.at)


def number(node: Node | None) -> Answer[int] | None:
    """A whole number; None where there is none."""
    if node is None or (isinstance(node, Scalar) and node.null):
        return None
    found = answer(node)
    return found if isinstance(found, Unknown) else as_number(found.value, node.at)


def as_number(value: object, at: Location | None) -> Answer[int]:
    if isinstance(value, bool) or not re.fullmatch(r"\s*\d{1,9}\s*", str(value)):
        return Unknown(f"“{str(value)[:40]}” is no number", at)
    return Known(int(str(value)), at)


def settings(node: Node | None) -> tuple[Setting, ...]:
    """Variables as a mapping of names to values."""
    return tuple(Setting(key.value, answer(value), _over(key, value)) for key, value in entries(node))


def named_settings(node: Node | None, name: str = "name", value: str = "value") -> tuple[Setting, ...]:
    """Variables as a list of `{name: …, value: …}`; one that has no value is filled in by the platform."""
    found = []
    for item in items(node):
        key, given = below(item, name), below(item, value)
        if isinstance(key, Scalar):
            filled = answer(given) if given is not None else Unknown("it is set on the platform", key.at)
            found.append(Setting(key.value, filled, _over(key, given or key), given is None))
    return tuple(found)


def toml_settings(document: toml.Document, *keys: str) -> tuple[Setting, ...]:
    values: Any = document.get(*keys)
    found = []
    for name, value in values.items() if isinstance(values, dict) else ():
        at = document.at_key(str(name), ".".join(keys))
        plain = isinstance(value, (str, int, float)) and not isinstance(value, bool)
        word = str(value).lower() if isinstance(value, bool) else str(value)
        found.append(
            Setting(str(name), Known(word, at) if plain or isinstance(value, bool) else Unknown("no text", at), at)
        )
    return tuple(found)


def passage(node: Node | None) -> Passage | None:
    """A scalar's text as a command; with places where it stands in the file as it is. None where it is empty."""
    if not isinstance(node, Scalar) or node.null or not node.value.strip():
        return None
    at, quote = node.at, 1 if node.quoted else 0
    if at.line == at.end_line and at.end_column - at.column == len(node.value) + 2 * quote:
        return Passage(node.value, at, ((0, at.line, at.column + quote),))
    return Passage(node.value, at)


def words(node: Node | None) -> CommandLine | None:
    """A list of words in exec form; None where there is none."""
    if not isinstance(node, Sequence) or not node.items:
        return None
    return CommandLine.of([Word(i.value, i.at) for i in node.items if isinstance(i, Scalar)], node.at)


def inside(folder: str, given: str) -> str:
    """A folder named in a file, relative to the scan root; `folder` where it leads out of the tree."""
    path = join_path(folder, given.strip().strip("/") or ".").removeprefix("./")
    return folder if path.startswith("..") or "$" in path else "" if path == "." else path


def _over(key: Scalar, value: Node) -> Location:
    """From the key to the end of its value, where both stand on one line."""
    if value.at.line != key.at.line or value.at.end_line != key.at.line or value.at.end_column <= key.at.column:
        return key.at
    return Location(key.at.path, key.at.line, key.at.column, key.at.line, value.at.end_column)
