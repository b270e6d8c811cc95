"""Small steps through YAML nodes of manifests, and what their scalars say."""

from __future__ import annotations

from collections.abc import Callable

from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence


def child(node: Node | None, *names: str) -> Node | None:
    """What stands under that path of keys."""
    for name in names:
        if not isinstance(node, Mapping):
            return None
        node = node.get(name)
    return node


def mapping(node: Node | None, *names: str) -> Mapping:
    """The mapping under that path; an empty one where there is none."""
    found = child(node, *names)
    return found if isinstance(found, Mapping) else Mapping((), node.at if node is not None else Location(""))


def mappings(node: Node | None, *names: str) -> tuple[Mapping, ...]:
    """The items of the list under that path that are mappings."""
    found = child(node, *names)
    return tuple(i for i in found.items if isinstance(i, Mapping)) if isinstance(found, Sequence) else ()


def scalar(node: Node | None, *names: str) -> Scalar | None:
    found = child(node, *names)
    return found if isinstance(found, Scalar) and not found.null else None


def text(node: Node | None, *names: str) -> str:
    """The text under that path where it is known, else empty."""
    found = scalar(node, *names)
    return found.value.strip() if found is not None and not found.templated else ""


def texts(node: Node | None) -> tuple[Scalar, ...]:
    """The scalars of a list, or the one that stands in its place."""
    items = node.items if isinstance(node, Sequence) else (node,)
    return tuple(item for item in items if isinstance(item, Scalar) and not item.null)


def answer(node: Node | None, *names: str) -> Answer[str] | None:
    """The text under that path; None where there is none. A chart's values may be replaced when it is installed, so
    what comes from them is known at medium confidence."""
    found = scalar(node, *names)
    if found is None:
        return None
    if found.templated:
        return Unknown("a template fills it in", found.at)
    return Known(found.value, found.at, "medium" if is_default(found.at) else "high")


def number(node: Node | None, *names: str) -> Answer[int] | None:
    """A whole number that is not negative."""
    found = answer(node, *names)
    if found is None or isinstance(found, Unknown):
        return found
    try:
        value = int(found.value.strip(), 10)
    except ValueError:
        return Unknown(f"“{found.value[:40]}” is no number", found.at)
    return Known(value, found.at, found.confidence) if value >= 0 else Unknown("a negative number", found.at)


def truth(node: Node | None, *names: str) -> Known[bool] | None:
    """A boolean; None where there is none, or where a template decides."""
    found = scalar(node, *names)
    if found is None or found.templated or found.truth is None:
        return None
    return Known(found.truth, found.at, "medium" if is_default(found.at) else "high")


def is_default(at: Location) -> bool:
    name = at.path.rpartition("/")[2]
    return name.startswith("values") and name.endswith((".yaml", ".yml"))


def over(key: Location, end: Location) -> Location:
    """From one place to the end of another, where both stand together."""
    if end.path != key.path or (end.line, end.column) < (key.line, key.column):
        return key
    return Location(key.path, key.line, key.column, end.end_line, end.end_column)


def moved(node: Node, to: Callable[[Location], Location]) -> Node:
    """The same tree with every place replaced."""
    if isinstance(node, Scalar):
        return Scalar(node.value, node.tag, to(node.at), node.quoted, node.templated)
    if isinstance(node, Sequence):
        return Sequence(tuple(moved(item, to) for item in node.items), to(node.at), node.tag)
    entries = []
    for key, value in node.entries:
        entries.append((Scalar(key.value, key.tag, to(key.at), key.quoted, key.templated), moved(value, to)))
    return Mapping(tuple(entries), to(node.at), node.tag)


def with_entry(node: Mapping, name: str, value: Node | None, key: Scalar | None = None) -> Mapping:
    """The mapping with one entry set (in its old place where it had one), or taken out."""
    entries: list[tuple[Scalar, Node]] = []
    done = value is None
    for old, below in node.items():
        if old.value != name:
            entries.append((old, below))
        elif not done and value is not None:
            entries.append((old, value))
            done = True
    if not done and value is not None:
        entries.append((key or Scalar(name, "str", value.at), value))
    return Mapping(tuple(entries), node.at, node.tag)
