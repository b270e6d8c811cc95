"""The request as the application's own `/openapi.json` describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crewmem_doctor.model.memory import RequestField as Field
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.probes.http.fields import compose
from crewmem_doctor.probes.http.template import Template

_TYPES = {"application/json": "json", "application/x-www-form-urlencoded": "form"}
DEPTH = 8       # of references


@dataclass(frozen=True, slots=True)
class Operation:
    """A POST operation: its template, or why there is none."""

    path: str
    template: Template | str


def operations(document: Any) -> list[Operation]:
    """The POST operations of an OpenAPI document that take a body, in order. Nothing in it is trusted to be there."""
    found: list[Operation] = []
    for path, item in _items(_get(document, "paths")):
        operation = _get(item, "post")
        content = _get(_resolved(document, _get(operation, "requestBody")), "content")
        for mime, place in _TYPES.items():
            schema = _get(_get(content, mime), "schema")
            if schema is None:
                continue
            fields = [*_parameters(document, item, operation), *_fields(document, schema, place)]
            source = f"POST {path} of the application's openapi.json"
            found.append(Operation(path, compose(source, "POST", path, fields)))
            break
    return found


def _parameters(document: Any, *holders: Any) -> Iterator[Field]:
    for holder in holders:
        given = _get(holder, "parameters")
        for parameter in given if isinstance(given, list) else ():
            one = _resolved(document, parameter)
            name, place = _get(one, "name"), _get(one, "in")
            if isinstance(name, str) and place in ("query", "header", "path", "cookie"):
                yield Field(name, place, bool(_get(one, "required")), _type(document, _get(one, "schema")))


def _fields(document: Any, schema: Any, place: Any) -> Iterator[Field]:
    required: set[str] = set()
    properties: dict[str, Any] = {}
    for part in _parts(document, schema):
        names = _get(part, "required")
        required.update(name for name in (names if isinstance(names, list) else ()) if isinstance(name, str))
        properties.update(_items(_get(part, "properties")))
    for name, value in properties.items():
        yield Field(name, place, name in required and _get(value, "default") is None, _type(document, value))


def _parts(document: Any, schema: Any, depth: int = 0) -> Iterator[Any]:
    """The object that a schema is, with those that it is made of by `allOf`."""
    one = _resolved(document, schema)
    if one is None or depth > DEPTH:
        return
    yield one
    parts = _get(one, "allOf")
    for part in parts if isinstance(parts, list) else ():
        yield from _parts(document, part, depth + 1)


def _type(document: Any, schema: Any) -> Any:
    one = _resolved(document, schema)
    variants = _get(one, "anyOf") or _get(one, "oneOf")
    if isinstance(variants, list):
        kinds = {_type(document, variant) for variant in variants if _get(variant, "type") != "null"}
        return kinds.pop() if len(kinds) == 1 else "other"
    kind = _get(one, "type")
    if isinstance(kind, list):      # OpenAPI 3.1: ["string", "null"]
        kind = next((word for word in kind if word != "null"), None)
    if kind != "string" or _get(one, "enum") or _get(one, "const"):
        return "other"
    shape = _get(one, "format")
    if shape in (None, "string", "password"):
        return "other" if shape == "password" or _get(one, "pattern") else "text"
    return "uuid" if shape in ("uuid", "uuid4") else "other"


def _resolved(document: Any, value: Any) -> Any:
    """What a `$ref` inside the document points to."""
    for _ in range(DEPTH):
        target = _get(value, "$ref")
        if not isinstance(target, str):
            return value
        if not target.startswith("#/"):
            return None
        value = document
        for step in target[2:].split("/"):
            value = _get(value, step.replace("~1", "/").replace("~0", "~"))
    return None


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(key, item) for key, item in value.items() if isinstance(key, str)] if isinstance(value, Mapping) else []
