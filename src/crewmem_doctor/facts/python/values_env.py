"""Environment variables, in `os.environ` and in settings classes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.nodes import Class
from crewmem_doctor.model.expression import Choice, EnvVar, Expr, Opaque, Text
from crewmem_doctor.model.location import Location

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.nodes import Scope
    from crewmem_doctor.facts.python.values import Evaluator

_GETTERS = {
    "os.getenv",
    "os.environ.get",
    "os.environ.setdefault",
    "os.environ.pop",
    "decouple.config",
    "os.environb.get",
    "environ.get",
    "os.environ.__getitem__",
}
_READERS = ("environs.Env", "environ.Env", "starlette.config.Config", "decouple.Config", "environs.env")
_SETTINGS = {
    "pydantic_settings.BaseSettings",
    "pydantic.BaseSettings",
    "pydantic.v1.BaseSettings",
    "pydantic.env_settings.BaseSettings",
}


def environment_call(ev: Evaluator, callee: str, node: ast.Call, scope: Scope) -> Expr | None:
    """`os.getenv(name, default)` and what does the same; None for other calls."""
    if callee not in _GETTERS and not _reader(ev, callee, node, scope):
        return None
    at = ev.at(node, scope)
    keyword = next((k.value for k in node.keywords if k.arg in ("key", "name", "option")), None)
    first = node.args[0] if node.args else keyword
    if first is None:
        return Opaque("an environment variable", at)
    name = ev.evaluate(first, scope)
    given = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "default"), None)
    if given is not None and "Config" in callee and len(node.args) > 1:
        given = next((k.value for k in node.keywords if k.arg == "default"), None)
    default = ev.evaluate(given, scope) if given is not None else None
    if isinstance(default, Text) and default.value is None:
        default = None
    if isinstance(name, Text) and isinstance(name.value, str):
        return EnvVar(name.value, default, at)
    if isinstance(name, Choice) and all(isinstance(o, Text) for o in name.options):
        return Choice(tuple(EnvVar(str(o.value), default, at) for o in name.options if isinstance(o, Text)), False, at)
    return Opaque("an environment variable whose name is computed", at)


def _reader(ev: Evaluator, callee: str, node: ast.Call, scope: Scope) -> bool:
    """`env.str("X")` of environs, `config("X")` of starlette or decouple."""
    if callee.startswith(_READERS) and callee not in _READERS:
        return bool(node.args) and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    return isinstance(node.func, ast.Name) and bool(node.args) and ev.base.type_of(node.func, scope) in _READERS


def environ_item(ev: Evaluator, node: ast.Subscript, scope: Scope) -> Expr | None:
    """`os.environ[name]`."""
    if ev.base.canonical(node.value, scope) not in ("os.environ", "os.environb"):
        return None
    name = ev.evaluate(node.slice, scope)
    at = ev.at(node, scope)
    if isinstance(name, Text) and isinstance(name.value, str):
        return EnvVar(name.value, None, at)
    return Opaque("an environment variable whose name is computed", at)


def is_settings(ev: Evaluator, cls: Class) -> bool:
    """A class whose fields are read from the environment."""
    return any(b in _SETTINGS for b in ev.base.bases(cls.dotted))


def settings_field(ev: Evaluator, cls: Class, name: str, at: Location) -> Expr:
    """The variable that a settings field reads, with its default."""
    from crewmem_doctor.facts.python.values_fields import field_default

    bindings = [b for b in cls.attributes.get(name, ()) if b.kind == "assign"]
    if not bindings:
        return Opaque(f"the setting {name}", at)
    last = bindings[-1]
    default: Expr | None = None
    if last.value is not None:
        default = field_default(ev, last.value, cls.scope)
        if default is None:
            default = ev.evaluate(last.value, cls.scope)
    if isinstance(default, Opaque) or (isinstance(default, Text) and default.value is None):
        default = None
    alias = _alias(ev, last.value, cls)
    return EnvVar(alias or f"{_prefix(ev, cls)}{name}".upper(), default, last_location(ev, last.node, cls))


def last_location(ev: Evaluator, node: ast.AST, cls: Class) -> Location:
    return ev.base.location(node, cls.module)


def _alias(ev: Evaluator, value: ast.expr | None, cls: Class) -> str:
    """The name given by `env=`, `alias=` or `validation_alias=`."""
    if not isinstance(value, ast.Call):
        return ""
    for word in ("validation_alias", "env", "alias"):
        given = next((k.value for k in value.keywords if k.arg == word), None)
        if isinstance(given, ast.Call) and given.args:
            given = given.args[0]
        if isinstance(given, (ast.List, ast.Tuple)) and given.elts:
            given = given.elts[0]
        text = ev.evaluate(given, cls.scope) if given is not None else None
        if isinstance(text, Text) and isinstance(text.value, str):
            return text.value
    return ""


def _prefix(ev: Evaluator, cls: Class) -> str:
    """`env_prefix` of `model_config` or of the inner class `Config`."""
    for binding in cls.attributes.get("model_config", ()):
        if isinstance(binding.value, ast.Call):
            given = next((k.value for k in binding.value.keywords if k.arg == "env_prefix"), None)
            text = ev.evaluate(given, cls.scope) if given is not None else None
            if isinstance(text, Text):
                return str(text.value)
    inner = cls.module.classes.get(f"{cls.qualname}.Config")
    for binding in inner.attributes.get("env_prefix", ()) if inner is not None else ():
        text = ev.evaluate(binding.value, inner.scope) if inner is not None else None
        if isinstance(text, Text):
            return str(text.value)
    return ""
