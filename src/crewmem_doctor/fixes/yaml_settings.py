"""Where YAML sets a variable, in the ways that deployment files have for it."""

from __future__ import annotations

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.yaml import Yaml
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence


@dataclass(frozen=True, slots=True)
class Assignment:
    """`entry` is what stands for it in the list or mapping that holds it. `key` is what `value` stands under; None for
    a text `NAME=value`, and for an entry that takes its value from elsewhere."""

    entry: Node
    key: Scalar | None
    value: Node


def found(yaml: Yaml, at: Location, name: str) -> Assignment:
    """The assignment at a place, which may be that of its entry, its name or its value. Raises Refused."""
    for _, key, value in yaml.walk():
        if key is not None and key.value == name and (starts(key.at, at) or starts(value.at, at)):
            return Assignment(value, key, value)
        if key is None:
            item = of_item(value, name)
            if item is not None and any(starts(x, at) for x in places(value)):
                return item
    raise Refused(f"{name} is not set in plain words at line {at.line} of {at.path}")


def of_item(item: Node, name: str) -> Assignment | None:
    """What a list's item says about a variable, None where it is about another."""
    if isinstance(item, Scalar):
        return Assignment(item, None, item) if item.value.partition("=")[0].strip() == name else None
    if not isinstance(item, Mapping):
        return None
    named = [value for key, value in item.entries if key.value.lower() in ("name", "key")]
    if not any(isinstance(value, Scalar) and value.value == name for value in named):
        return None
    given = next(((key, value) for key, value in item.entries if key.value.lower() == "value"), None)
    return Assignment(item, *given) if given is not None else Assignment(item, None, item)


def in_list(sequence: Sequence, name: str) -> Assignment | None:
    """The last item that sets the variable."""
    items = (of_item(item, name) for item in sequence.items)
    return next((item for item in reversed(list(items)) if item is not None), None)


def places(item: Node) -> list[Location]:
    inner = [x for key, value in item.entries for x in (key.at, value.at)] if isinstance(item, Mapping) else []
    return [item.at, *inner]


def valued(yaml: Yaml, key: Scalar, value: Node, text: str) -> Edit:
    """Another text for the value of a key, which may have none yet."""
    if not isinstance(value, Scalar):
        raise Refused(f"{key.value} at line {key.at.line} of {key.at.path} is no plain value")
    return yaml.fill(key, text) if value.null and not value.value else yaml.replace(value, text)


def starts(one: Location, other: Location) -> bool:
    return (one.path, one.line, one.column) == (other.path, other.line, other.column)
