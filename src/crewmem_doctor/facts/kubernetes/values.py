"""What the expressions of a chart's templates come to: YAML nodes, or text that a template made."""

from __future__ import annotations

import re
from typing import Union

from crewmem_doctor.facts.kubernetes.rendered import Rendered
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.templates import FILLER
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

Value = Union[Node, Rendered]
_MAX_TEXT = 100_000


def unknown(at: Location) -> Scalar:
    return Scalar(FILLER, "unknown", at, templated=True)


def missing(at: Location) -> Scalar:
    """What a path leads to that no values file sets: false in a condition, but not known where it is printed."""
    return Scalar("", "missing", at)


def string(text: str, at: Location) -> Scalar:
    return Scalar(text[:_MAX_TEXT], "str", at, True)


def plain(text: str, at: Location) -> Scalar:
    """A number or a boolean."""
    return Scalar(text, "str", at)


def is_known(value: Value) -> bool:
    if isinstance(value, Rendered):
        return value.known
    return not (isinstance(value, Scalar) and (value.tag == "unknown" or FILLER in value.value))


def is_nothing(value: Value) -> bool:
    return isinstance(value, Scalar) and value.tag in ("null", "missing")


def truth(value: Value) -> bool | None:
    """What a condition makes of it; None where that is not known."""
    if isinstance(value, Rendered):
        return bool(value.text) if value.known else None
    if isinstance(value, Scalar):
        if value.tag == "unknown":
            return None
        empty = value.value in ("", "0", "0.0", "false") if not value.quoted else value.value == ""
        return not (is_nothing(value) or empty or (not value.quoted and value.truth is False))
    return bool(value.entries if isinstance(value, Mapping) else value.items)


def printed(value: Value) -> str:
    """The text that a template writes."""
    if isinstance(value, Rendered):
        return value.text
    if not isinstance(value, Scalar):
        return FILLER  # Go's own notation of maps and lists, which nobody wants
    return "" if value.tag == "null" else FILLER if value.tag in ("missing", "unknown") else value.value


def place(value: Value, at: Location) -> Location:
    if isinstance(value, Rendered):
        return value.pieces[0].at if value.pieces else at
    return value.at


def kind_of(value: Value) -> str:
    """The name that Go has for the kind of a value."""
    if isinstance(value, Mapping):
        return "map"
    if isinstance(value, Sequence):
        return "slice"
    if isinstance(value, Rendered) or value.quoted:
        return "string"
    if is_nothing(value):
        return "invalid"
    if value.value in ("true", "false"):
        return "bool"
    return "float64" if re.fullmatch(r"-?\d+(\.\d+)?", value.value) else "string"
