"""What comes from the caller of the service."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.nodes import Class, Function
from crewmem_doctor.model.expression import Choice, Concat, Expr, FromCaller, Text
from crewmem_doctor.model.location import Location

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.nodes import Scope
    from crewmem_doctor.facts.python.values import Evaluator

_PARTS = {
    "json": "the request body",
    "get_json": "the request body",
    "body": "the request body",
    "data": "the request body",
    "form": "the form",
    "POST": "the form",
    "args": "the query",
    "query_params": "the query",
    "GET": "the query",
    "query": "the query",
    "headers": "the headers",
    "META": "the headers",
    "cookies": "the cookies",
    "COOKIES": "the cookies",
    "path_params": "the path",
    "view_args": "the path",
    "match_info": "the path",
    "values": "the request",
    "session": "the session",
    "user": "the user",
    "receive_text": "a message",
    "receive_json": "a message",
    "text": "the request body",
    "post": "the form",
    "client": "the client",
    "state": "",
    "scope": "the connection",
}
_TYPES = (
    "fastapi.Request",
    "starlette.requests.Request",
    "fastapi.WebSocket",
    "starlette.websockets.WebSocket",
    "django.http.HttpRequest",
    "rest_framework.request.Request",
    "aiohttp.web.Request",
    "fastapi.requests.Request",
    "sanic.request.Request",
    "flask.Request",
    "django.core.handlers.wsgi.WSGIRequest",
)
_GLOBALS = ("flask.request", "quart.request", "bottle.request", "flask.session")
_NAMES = {"request", "req", "websocket", "ws", "http_request"}
_ROUTES = {
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "route",
    "websocket",
    "api_route",
    "options",
    "head",
    "on_message",
    "event",
    "command",
    "message",
    "message_handler",
    "websocket_route",
    "action",
    "on_event_message",
    "slash_command",
    "http_trigger",
    "function_name",
    "webhook",
}
_TASKS = {"task", "shared_task", "actor", "job", "periodic_task", "on_chat_start"}
_GIVEN = {"Header": "header", "Cookie": "cookie"}


def _words(function: Function) -> list[str]:
    words = []
    for decorator in function.decorators:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        words.append(target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", ""))
    return words


def is_handler(ev: Evaluator, function: Function) -> bool:
    """Called from outside: known to be an entry point, or decorated as a route."""
    if is_task(ev, function):
        return False
    if function in ev.base.handlers:
        return True
    return any(
        isinstance(d.func if isinstance(d, ast.Call) else d, ast.Attribute) for d in function.decorators
    ) and any(w in _ROUTES for w in _words(function))


def is_task(ev: Evaluator, function: Function) -> bool:
    """A task of a queue: it has callers in the code, yet its arguments may also come from outside."""
    return any(w in _TASKS for w in _words(function))


def handler_parameter(ev: Evaluator, function: Function, name: str, at: Location) -> Expr:
    """A parameter of a handler: a body model, a header, a path or query parameter, or what a dependency returns."""
    default = function.defaults.get(name)
    around = ev.base.around(function)
    if isinstance(default, ast.Call):
        word = default.func.attr if isinstance(default.func, ast.Attribute) else getattr(default.func, "id", "")
        if word in ("Depends", "Security") and default.args:
            given = ev.base.names.resolve(default.args[0], around)
            if isinstance(given, Function):
                return ev.called(given, ast.Call(func=default.args[0], args=[], keywords=[]), around)
        if word in _GIVEN:
            alias = next((k.value for k in default.keywords if k.arg == "alias"), None)
            text = ev.evaluate(alias, around) if alias is not None else None
            shown = str(text.value) if isinstance(text, Text) else name.replace("_", "-")
            return FromCaller(f"{_GIVEN[word]} {shown}", at)
    annotation = function.parameters[name].annotation if name in function.parameters else None
    kind = ev.base.kinds.annotation(annotation, around) if annotation is not None else ""
    if isinstance(ev.base.definition(kind), Class) if kind else False:
        return FromCaller("the request body", at)
    sent = "the request" if kind in _TYPES else f"{name} of the request"
    return FromCaller(sent, at, of_one_width(kind))


def is_sent(default: ast.expr) -> bool:
    """`Header(…)`, `Query(…)` and the like as a parameter's default."""
    if not isinstance(default, ast.Call):
        return False
    word = default.func.attr if isinstance(default.func, ast.Attribute) else getattr(default.func, "id", "")
    return (word in ("Header", "Cookie", "Query", "Path", "Body", "Form", "File") and word != "Path") or (
        word == "Path" and (any(k.arg for k in default.keywords))
    )


# Types and functions whose text has one width, whatever is sent.
_WIDTHS = ("uuid.UUID", "uuid.uuid3", "uuid.uuid5", *(f"pydantic.UUID{n}" for n in (1, 3, 4, 5)))


def of_one_width(name: str) -> bool:
    """Whether a type, or a function's result, is a UUID or a digest."""
    return name in _WIDTHS or name.startswith(("pydantic.types.UUID", "hashlib.", "hmac."))


def widened(value: Expr) -> Expr:
    """The same value, known to be of one width."""
    if isinstance(value, Concat):
        return replace(value, parts=tuple(widened(part) for part in value.parts))
    return replace(value, fixed=True) if isinstance(value, FromCaller) else value


def item(value: FromCaller, key: str, at: Location) -> FromCaller:
    """One entry of what the caller sends: "session_id of the request body", "header X-User"."""
    if value.what == "the headers":
        return FromCaller(f"header {key}", at)
    if value.what == "the cookies":
        return FromCaller(f"cookie {key}", at)
    return FromCaller(f"{key} of {value.what}", at) if value.what.count(" of ") < 2 else FromCaller(value.what, at)


def from_request(ev: Evaluator, node: ast.Attribute, scope: Scope) -> Expr | None:
    """`request.headers`, `flask.request.json` and their like."""
    if node.attr not in _PARTS or not _PARTS[node.attr]:
        return None
    at = ev.at(node, scope)
    if (isinstance(node.value, ast.Attribute) and node.value.attr in ("request", "_request")) or (
        isinstance(node.value, ast.Name)
    ):
        canonical = ev.base.canonical(node.value, scope)
        if canonical in _GLOBALS or (
            canonical.rsplit(".", 1)[-1] == "request" and isinstance(node.value, ast.Attribute)
        ):
            return FromCaller(_PARTS[node.attr], at)
        if isinstance(node.value, ast.Name) and (node.value.id in _NAMES or _request_type(ev, node.value, scope)):
            bindings = ev.base.names.find(node.value.id, scope)
            if bindings and bindings[-1].kind == "parameter" and not _own_model(ev, node.value, scope):
                return FromCaller(_PARTS[node.attr], at)
    return None


def _request_type(ev: Evaluator, node: ast.Name, scope: Scope) -> bool:
    return ev.base.type_of(node, scope) in _TYPES


def _own_model(ev: Evaluator, node: ast.Name, scope: Scope) -> bool:
    """`request: ChatRequest` is a body, not a request object."""
    return isinstance(ev.base.definition(ev.base.type_of(node, scope)), Class)


def of_caller(value: Expr) -> FromCaller | None:
    """What the value, or the first option of a fallback, gets from the caller."""
    if isinstance(value, Choice):
        return next((o for o in value.options if isinstance(o, FromCaller)), None)
    return value if isinstance(value, FromCaller) else None
