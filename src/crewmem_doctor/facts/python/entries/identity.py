"""What a handler knows of its caller: the names under which a memory could be kept apart."""

from __future__ import annotations

import ast
import re

from crewmem_doctor.facts.python.index import Class, Function
from crewmem_doctor.facts.python.survey import Survey, around, last_name

# A word that names a person, a conversation or a tenant. "user_input" names what is said, not who says it.
_WHO = (
    "user|session|conversation|thread|chat|tenant|customer|client|org|organi[sz]ation|account|member|visitor|patient|"
    "student|guest|sender|author|phone|workspace|channel|room|person|employee|contact|team|company"
)
IDENTITY = re.compile(
    rf"^(?:(?:{_WHO})_?(?:id|uuid|key|number|name|email)|sid|uid|username|user|email|current_user|session|tenant|customer|"
    r"visitor|x_(?:user|session|tenant|client)_id)$",
    re.IGNORECASE,
)
_AUTH = re.compile(r"user|auth|token|jwt|principal|identity|session|tenant|login", re.IGNORECASE)
# What such a dependency hands over serves every caller: a service, a repository, a setting.
_SERVICE = re.compile(
    r"service|manager|repo(?:sitory)?|store|client|factory|settings|config|limit|provider|crew|agent|engine|cache|backend$",
    re.IGNORECASE,
)
# A company, a contact or a customer by name is what a request is about, not who sends it.
_SUBJECT = re.compile(
    r"^(?:(?:customer|patient|student|guest|visitor|member)_?name|(?:company|team|org\w*|employee|person|author|contact|"
    r"phone|client|channel|room|workspace|account)_?(?:name|email|number|key))$",
    re.IGNORECASE,
)
# What a request, its session or its token is called where its parts are looked up.
_SENT = re.compile(
    r"req|data|body|payload|json|form|args|param|query|event|message|msg|session|cookie|header|user|claim|token|jwt|state|"
    r"context|ctx|input|META|POST|GET",
    re.IGNORECASE,
)
# What a handler calls the person or the conversation that it has made out itself.
_NAMED = re.compile(r"^(?:(?:user|session|conversation|chat|tenant|customer)_?(?:id|uuid|key)|sid|uid)$", re.IGNORECASE)
_DATABASE = re.compile(r"db|database|sessionlocal|get_session$|async_session", re.IGNORECASE)
_HEADER = re.compile(r"user|session|tenant|auth|conversation|thread|client", re.IGNORECASE)
_MESSAGE_IDS = {
    "effective_user": "the Telegram user",
    "effective_chat": "the Telegram chat",
    "from_user": "the sender",
    "author": "the message's author",
    "interaction": "the interaction's user",
}


def identifies(name: str) -> bool:
    """Whether something of that name says who, or which conversation, a request comes from."""
    return IDENTITY.match(name) is not None and _SUBJECT.match(name) is None


def _names_caller(header: str) -> bool:
    """`X-User-Id`, `Authorization`; `X-Guest-Id` as well as a field `guest_id`."""
    return _HEADER.search(header) is not None or identifies(re.sub(r"^x[-_]", "", header.lower()).replace("-", "_"))


def identity(survey: Survey, function: Function, kind: str, framework: str) -> tuple[str, ...]:
    """Phrases such as "session_id of the body" or "header X-User-Id", in order of appearance, without repeats."""
    found: list[str] = []
    if kind == "script":
        return ()
    _from_parameters(survey, function, found)
    _from_body(survey, function, kind, found)
    found.extend(_from_names(function, found))
    if framework == "chainlit":
        found.append("Chainlit's user session")
    return tuple(dict.fromkeys(found))


def _from_parameters(survey: Survey, function: Function, found: list[str]) -> None:
    scope = around(function)
    for name, arg in function.parameters.items():
        default = function.defaults.get(name)
        if isinstance(default, ast.Call) and last_name(default.func) in ("Depends", "Security", "Header", "Cookie"):
            _from_marker(name, default, found)
        elif identifies(name) and name not in ("session",):
            found.append(f"parameter {name}")
        elif arg.annotation is not None:
            for marker in ast.walk(arg.annotation):
                if isinstance(marker, ast.Call) and last_name(marker.func) in (
                    "Depends",
                    "Security",
                    "Header",
                    "Cookie",
                ):
                    _from_marker(name, marker, found)
            model = survey.cls(arg.annotation, scope)
            if model is not None:
                found.extend(f"{field} of the body" for field in fields_of(survey, model) if identifies(field))


def _from_marker(name: str, call: ast.Call, found: list[str]) -> None:
    """`Depends(get_current_user)`, `Header(alias="X-User-Id")`."""
    kind = last_name(call.func)
    if kind in ("Depends", "Security"):
        provider = last_name(call.args[0]) if call.args else ""
        # A database session is not a caller's session.
        known = _AUTH.search(provider) or identifies(name)
        if known and not _DATABASE.search(provider) and not _SERVICE.search(provider):
            found.append(f"{kind}({provider})")
        return
    alias = next((k.value.value for k in call.keywords if k.arg == "alias" and isinstance(k.value, ast.Constant)), None)
    header = str(alias) if alias else name.replace("_", "-")
    if _names_caller(header):
        found.append(f"{kind.lower()} {header}")


def fields_of(survey: Survey, model: Class) -> list[str]:
    """The fields of a request model, inherited ones included."""
    names = list(model.attributes)
    for base in survey.base.bases(model.dotted):
        definition = survey.base.definition(base)
        if isinstance(definition, Class):
            names.extend(definition.attributes)
    return names


def _from_body(survey: Survey, function: Function, kind: str, found: list[str]) -> None:
    """`request.headers["X-User-Id"]`, `data.get("session_id")`, `session["user_id"]`, `request.user`."""
    if isinstance(function.node, ast.Module):
        return
    for node in ast.walk(function.node):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            _looked_up(node.value, node.slice.value, found)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and node.args
        ):
            key = node.args[0]
            if isinstance(key, ast.Constant):
                _looked_up(node.func.value, key.value, found)
        elif isinstance(node, ast.Attribute):
            if node.attr == "user" and last_name(node.value) in ("request", "req") and kind in ("http", "socket"):
                found.append("request.user")
            elif kind == "bot" and node.attr in _MESSAGE_IDS:
                found.append(_MESSAGE_IDS[node.attr])
        elif isinstance(node, ast.Name) and node.id == "current_user" and "current_user" not in function.parameters:
            found.append("current_user")


def _from_names(function: Function, found: list[str]) -> list[str]:
    """`session_id = str(uuid4())`, `user_id = subject(token)`: it tells callers apart, whatever it took. A constant
    tells nobody apart."""
    if isinstance(function.node, ast.Module):
        return []
    return [
        f"{name} of its own"
        for name, bindings in function.bindings.items()
        if _NAMED.match(name)
        and not any(name in known for known in found)
        and any(b.kind == "assign" and b.value is not None and not isinstance(b.value, ast.Constant) for b in bindings)
    ]


def _looked_up(container: ast.expr, key: object, found: list[str]) -> None:
    if not isinstance(key, str):
        return
    where = last_name(container)
    if not _SENT.search(ast.unparse(container)):
        return  # a row or a result, which says nothing of the caller
    if where == "headers":
        if _names_caller(key):
            found.append(f"header {key}")
    elif identifies(key):
        found.append(
            f"{key} of the session"
            if where == "session"
            else f"cookie {key}"
            if where == "cookies"
            else f"{key} of the request"
        )
