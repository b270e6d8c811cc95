"""What an HTTP handler takes: the fields of its request, so that a probe can talk to it.

All or nothing: a handler with a parameter that could not be understood has no request that anybody could write.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from crewmem_doctor.facts.python.index import Class, Function
from crewmem_doctor.facts.python.survey import Survey, around, last_name
from crewmem_doctor.model.memory import RequestField

Place = Literal["json", "form", "query", "header", "path", "cookie"]
_MARKERS: dict[str, Place] = {
    "Body": "json", "Form": "form", "Query": "query", "Header": "header", "Path": "path", "Cookie": "cookie"}
# What a framework hands over by itself.
_GIVEN = ("Request", "HttpRequest", "Response", "BackgroundTasks", "HTTPConnection", "SecurityScopes")
_ELSEWHERE = ("Depends", "Security")        # not of the request as far as one can see, or only its credentials
# Where the parts of a request object lie.
_PARTS: dict[str, Place] = {
    "json": "json", "get_json": "json", "form": "form", "POST": "form", "args": "query", "query_params": "query",
    "GET": "query", "headers": "header"}
_REQUESTS = ("request", "req", "http_request")


def request_fields(survey: Survey, function: Function, path: str) -> tuple[RequestField, ...] | None:
    """The fields, in order; None where they could not all be read."""
    if isinstance(function.node, ast.Module):
        return None
    found: list[RequestField] = []
    names = set(re.findall(r"[{<](?:\w+:)?(\w+)", path))
    models = [name for name, arg in function.parameters.items() if _model(survey, function, arg) is not None]
    for name, arg in function.parameters.items():
        fields = _parameter(survey, function, name, arg, names, len(models) > 1)
        if fields is None:
            return None
        found.extend(fields)
    found.extend(_looked_up(survey, function))
    return tuple(_merged(found))


def _merged(fields: Iterable[RequestField]) -> list[RequestField]:
    """One for each name and place; required where one of them is."""
    by_key: dict[tuple[str, str, str], RequestField] = {}
    for field in fields:
        key = (field.name, field.place, field.inside)
        if key not in by_key or field.required:
            by_key[key] = field
    return list(by_key.values())


def _parameter(survey: Survey, function: Function, name: str, arg: ast.arg, path: set[str],
               embedded: bool) -> list[RequestField] | None:
    if name in ("self", "cls") or name in _REQUESTS or _type_name(arg.annotation) in _GIVEN:
        return []
    default = function.defaults.get(name)
    marker = _marker(arg.annotation, default)
    if marker is not None and last_name(marker.func) in _ELSEWHERE:
        return []
    required = default is None or (default is marker and _required(marker))
    model = _model(survey, function, arg)
    if model is not None:
        embed = marker is not None and any(
            k.arg == "embed" and isinstance(k.value, ast.Constant) and bool(k.value.value) for k in marker.keywords)
        place: Place = "form" if marker is not None and last_name(marker.func) == "Form" else "json"
        return _fields(survey, model, place, name if embedded or embed else "")
    kind = _kind(arg.annotation)
    if marker is not None:
        place = _MARKERS[last_name(marker.func)]
        shown = _alias(marker) or (name.replace("_", "-") if place == "header" else name)
        if place == "json":
            return None     # one value as the whole body, or not: it depends on its siblings
        return [RequestField(shown, place, required, kind)]
    if name in path:
        return [RequestField(name, "path", True, kind)]
    if arg.annotation is None and default is None:
        return None         # something that a decorator hands over
    return [RequestField(name, "query", required, kind)]


def _marker(annotation: ast.expr | None, default: ast.expr | None) -> ast.Call | None:
    """`Header(…)` as a default or in `Annotated[str, Header(…)]`."""
    nodes = [*([default] if default is not None else []), *(ast.walk(annotation) if annotation is not None else ())]
    return next((node for node in nodes if isinstance(node, ast.Call)
                 and last_name(node.func) in (*_MARKERS, *_ELSEWHERE)), None)


def _required(marker: ast.Call | None) -> bool:
    """`Header()` and `Header(...)` are required; `Header(None)` and `Header(default="")` are not."""
    if marker is None:
        return True
    given = [*marker.args[:1], *(k.value for k in marker.keywords if k.arg in ("default", "default_factory"))]
    return all(isinstance(value, ast.Constant) and value.value is Ellipsis for value in given)


def _alias(marker: ast.Call) -> str:
    found = (k.value.value for k in marker.keywords if k.arg == "alias" and isinstance(k.value, ast.Constant))
    return str(next(found, ""))


def _model(survey: Survey, function: Function, arg: ast.arg) -> Class | None:
    """The scanned pydantic model that a parameter is."""
    annotation = arg.annotation
    if isinstance(annotation, ast.Subscript) and last_name(annotation.value) == "Annotated":
        parts = annotation.slice
        annotation = parts.elts[0] if isinstance(parts, ast.Tuple) and parts.elts else parts
    if annotation is None or isinstance(annotation, ast.Constant):
        return None
    found = survey.cls(annotation, around(function))
    return found if found is not None and _is_model(survey, found) else None


def _is_model(survey: Survey, cls: Class) -> bool:
    return any(base.rsplit(".", 1)[-1] in ("BaseModel", "SQLModel", "Schema") for base in survey.base.bases(cls.dotted))


def _fields(survey: Survey, model: Class, place: Place, inside: str = "") -> list[RequestField] | None:
    """The fields of a model, inherited ones first."""
    found: dict[str, RequestField] = {}
    for dotted in reversed((model.dotted, *survey.base.bases(model.dotted))):
        cls = survey.base.definition(dotted)
        for name, bindings in cls.attributes.items() if isinstance(cls, Class) else ():
            annotation = next((b.annotation for b in bindings if b.annotation is not None), None)
            if annotation is None or name.startswith("_") or _type_name(annotation) == "ClassVar":
                continue
            value = next((b.value for b in bindings if b.value is not None), None)
            call = value if isinstance(value, ast.Call) and last_name(value.func) == "Field" else None
            required = _required(call) if call is not None else value is None
            if call is not None and any(k.arg == "default_factory" for k in call.keywords):
                required = False
            alias = _alias(call) if call is not None else ""
            found[name] = RequestField(alias or name, place, required, _kind(annotation), inside)
    return list(found.values())


def _type_name(annotation: ast.expr | None) -> str:
    return last_name(annotation.value if isinstance(annotation, ast.Subscript) else annotation) if annotation else ""


def _kind(annotation: ast.expr | None) -> Any:
    """"text" for str and what may be str, "uuid" for UUIDs."""
    if annotation is None:
        return "text"
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return "other"
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        kinds = {_kind(side) for side in (annotation.left, annotation.right)
                 if not (isinstance(side, ast.Constant) and side.value is None)}
        return kinds.pop() if len(kinds) == 1 else "other"
    if isinstance(annotation, ast.Subscript) and last_name(annotation.value) in ("Optional", "Annotated"):
        parts = annotation.slice
        return _kind(parts.elts[0] if isinstance(parts, ast.Tuple) and parts.elts else parts)
    word = last_name(annotation)
    if word in ("str", "constr", "SecretStr", "NonEmptyStr"):
        return "text"
    return "uuid" if word in ("UUID", "UUID4") else "other"


def _looked_up(survey: Survey, function: Function) -> Iterator[RequestField]:
    """`request.json["message"]`, `data.get("user_id")` where `data` is a part of the request, `Model(**data)`."""
    for node in ast.walk(function.node):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.ctx, ast.Load):
            place, key, required = _part(function, node.value), node.slice.value, True
        elif isinstance(node, ast.Call) and last_name(node.func) == "get" and node.args:
            first = node.args[0]
            place = _part(function, node.func.value) if isinstance(node.func, ast.Attribute) else None
            key, required = first.value if isinstance(first, ast.Constant) else None, False
        elif isinstance(node, ast.Call):
            place, key, required = None, None, False
            yield from _validated(survey, function, node)
        else:
            continue
        if place is not None and isinstance(key, str) and key.lower() not in ("authorization", "content-type"):
            yield RequestField(key, place, required)


def _validated(survey: Survey, function: Function, call: ast.Call) -> Iterator[RequestField]:
    """The fields of a model made of the body: `Model(**data)`, `Model.model_validate(data)`."""
    spread = [k.value for k in call.keywords if k.arg is None]
    method = isinstance(call.func, ast.Attribute) and call.func.attr in ("model_validate", "parse_obj")
    data = spread[0] if len(spread) == 1 else call.args[0] if method and call.args else None
    place = _part(function, data) if data is not None else None
    if place not in ("json", "form"):
        return
    target = call.func.value if method and isinstance(call.func, ast.Attribute) else call.func
    model = survey.cls(target, function.scope)
    if model is not None and _is_model(survey, model):
        yield from _fields(survey, model, place) or ()


def _part(function: Function, node: ast.expr, depth: int = 0) -> Place | None:
    """Which part of the request an expression is: `request.get_json()`, `await request.json()`, `data or {}`, or a name
    that was given one."""
    if depth > 4:
        return None
    if isinstance(node, ast.Await):
        return _part(function, node.value, depth + 1)
    if isinstance(node, ast.BoolOp):
        return _part(function, node.values[0], depth + 1)
    if isinstance(node, ast.Call):
        if last_name(node.func) == "loads" and node.args:
            inner = ast.unparse(node.args[0])
            return "json" if re.search(r"\breq(?:uest)?\.(?:body|data|get_data|content)", inner) else None
        return _part(function, node.func, depth + 1)
    if isinstance(node, ast.Attribute):
        return _PARTS.get(node.attr) if last_name(node.value) in _REQUESTS else None
    if isinstance(node, ast.Name):
        values = [b.value for b in function.bindings.get(node.id, ()) if b.value is not None]
        places = {_part(function, value, depth + 1) for value in values}
        return places.pop() if len(places) == 1 else None
    return None
