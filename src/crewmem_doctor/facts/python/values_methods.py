"""Methods of text, dicts, paths and of what the caller sends."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.values_paths import method_of_path
from crewmem_doctor.facts.python.values_request import item
from crewmem_doctor.model.expression import (
    Choice,
    Concat,
    EnvVar,
    Expr,
    Fresh,
    FromCaller,
    Items,
    Joined,
    Opaque,
    Place,
    Table,
    Text,
)

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.nodes import Scope
    from crewmem_doctor.facts.python.values import Evaluator

_SAME = {
    "strip",
    "lower",
    "upper",
    "rstrip",
    "lstrip",
    "replace",
    "encode",
    "decode",
    "title",
    "casefold",
    "isoformat",
    "strftime",
    "timestamp",
    "hex",
    "hexdigest",
    "digest",
    "get_secret_value",
    "copy",
    "__str__",
    "capitalize",
    "zfill",
    "removeprefix",
    "removesuffix",
    "split",
    "model_copy",
    "astimezone",
    "unicode_string",
    "render",
}
_PATHLIKE = {"joinpath", "expanduser", "absolute", "resolve", "as_posix", "with_name", "with_suffix"}
_SENT = {
    "json",
    "get_json",
    "form",
    "body",
    "text",
    "model_dump",
    "dict",
    "to_dict",
    "receive_text",
    "receive_json",
    "getlist",
    "items",
    "values",
}
METHODS = _SAME | _PATHLIKE | _SENT | {"get", "pop", "setdefault", "format", "join", "format_map"}
_TEXT = {"strip", "lower", "upper", "rstrip", "lstrip", "title", "casefold", "capitalize"}
_FIELD = re.compile(r"\{\{|\}\}|\{([\w.\[\]]*)(?:![rsa])?(?::[^{}]*)?\}")


def method(ev: Evaluator, node: ast.Call, scope: Scope) -> Expr | None:
    """The value of a method call on something that was followed; None where that says nothing."""
    func = node.func
    if not isinstance(func, ast.Attribute):
        return None
    name = func.attr
    value = ev.evaluate(func.value, scope)
    at = ev.at(node, scope)
    if name in ("get", "pop", "setdefault"):
        return _get(ev, value, node, scope)
    if isinstance(value, FromCaller):
        return FromCaller(value.what, at, value.fixed)
    if isinstance(value, Fresh):
        return value
    if name == "format" and isinstance(value, Text) and isinstance(value.value, str):
        return _format(ev, value.value, node, scope)
    if name == "join" and isinstance(value, Text):
        return _join(ev, value, node, scope)
    if name in _TEXT and isinstance(value, Text) and isinstance(value.value, str) and not node.args:
        return Text(getattr(value.value, name)(), at)
    if name == "replace" and isinstance(value, Text) and isinstance(value.value, str) and len(node.args) == 2:
        old, new = (ev.evaluate(a, scope) for a in node.args)
        if isinstance(old, Text) and isinstance(new, Text):
            return Text(value.value.replace(str(old.value), str(new.value)), at)
    if name in _SAME and isinstance(value, (EnvVar, Concat, Choice, Table, Text)):
        return value
    if isinstance(value, (Joined, Place, EnvVar, Text, Choice)):
        return method_of_path(ev, value, name, node, scope)
    return None


def _get(ev: Evaluator, value: Expr, node: ast.Call, scope: Scope) -> Expr | None:
    """`d.get(key, default)`; on what is not known the default may stand in."""
    at = ev.at(node, scope)
    if not node.args:
        return None
    key = ev.evaluate(node.args[0], scope)
    given = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "default"), None)
    default = ev.evaluate(given, scope) if given is not None else None
    text = str(key.value) if isinstance(key, Text) else ""
    if isinstance(value, Choice):
        value = next((o for o in value.options if isinstance(o, FromCaller)), value)
    if isinstance(value, FromCaller):
        sent = item(value, text, at) if text else FromCaller(value.what, at)
        return sent if default is None or _empty(default) else Choice((sent, default), True, at)
    if isinstance(value, Table) and text:
        found = value.get(text)
        if found is not None:
            return found
        if not value.open:
            return default if default is not None else Text(None, at)
    unknown = Opaque(f"{text or 'an entry'} of a dict that was not followed", at)
    return unknown if default is None else Choice((unknown, default), True, at)


def _empty(value: Expr) -> bool:
    return isinstance(value, Text) and value.value in (None, "")


def _format(ev: Evaluator, template: str, node: ast.Call, scope: Scope) -> Expr:
    """`"{} {name}".format(a, name=b)`."""
    from crewmem_doctor.facts.python.values import concat

    at = ev.at(node, scope)
    named = {k.arg: k.value for k in node.keywords if k.arg is not None}
    parts: list[Expr] = []
    position = count = 0
    for match in _FIELD.finditer(template):
        parts.append(Text(template[position : match.start()], at))
        position = match.end()
        if match[0] in ("{{", "}}"):
            parts.append(Text(match[0][0], at))
            continue
        word = re.split(r"[.\[]", match[1] or "", maxsplit=1)[0]
        given = named.get(word)
        if given is None and (not word or word.isdigit()):
            index = int(word[:6]) if word.isdigit() else count
            count += 1
            given = node.args[index] if index < len(node.args) else None
        parts.append(ev.evaluate(given, scope) if given is not None else Opaque("a formatted value", at))
    return concat([*parts, Text(template[position:], at)], at)


def _join(ev: Evaluator, separator: Text, node: ast.Call, scope: Scope) -> Expr:
    from crewmem_doctor.facts.python.values import concat

    value = ev.evaluate(node.args[0], scope) if node.args else None
    at = ev.at(node, scope)
    if not isinstance(value, Items):
        return value if isinstance(value, (FromCaller, Fresh)) else Opaque("joined text", at)
    parts: list[Expr] = []
    for entry in value.items:
        parts.extend([separator, entry] if parts else [entry])
    return concat(parts, at) if parts else Text("", at)
