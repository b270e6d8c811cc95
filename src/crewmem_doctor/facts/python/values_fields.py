"""Attributes and subscripts: fields of objects, settings classes, app state."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.flow import END
from crewmem_doctor.facts.python.nodes import Assignment, Binding, Class, Function
from crewmem_doctor.facts.python.refs import External, is_property
from crewmem_doctor.facts.python.state import state_key
from crewmem_doctor.facts.python.values_env import environ_item, is_settings, settings_field
from crewmem_doctor.facts.python.values_names import of_binding, of_bindings, of_ref
from crewmem_doctor.facts.python.values_paths import path_attribute
from crewmem_doctor.facts.python.values_request import from_request, item, of_one_width, widened
from crewmem_doctor.model.expression import (
    Build,
    Choice,
    Concat,
    EnvVar,
    Expr,
    Fresh,
    FromCaller,
    Items,
    Opaque,
    Table,
    Text,
)
from crewmem_doctor.model.location import Location

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.nodes import Scope
    from crewmem_doctor.facts.python.values import Evaluator

_OF_VALUE = {"parent", "name", "hex", "int", "value", "stem", "parents", "urn", "bytes"}


def attribute(ev: Evaluator, node: ast.Attribute, scope: Scope) -> Expr:
    at = ev.at(node, scope)
    sent = from_request(ev, node, scope)
    if sent is not None:
        return sent
    if state_key(node) is not None:
        kept = _stored(ev, node, scope, at)
        if kept is not None:
            return kept
    if node.attr in _OF_VALUE:
        found = _of_value(ev.evaluate(node.value, scope), node.attr, at)
        if found is not None:
            return found
    ref = ev.base.names.resolve(node, scope)
    if isinstance(ref, Assignment):
        if ref.owner is None:
            return of_ref(ev, ref, at)
        return field(ev, ref, node, scope, at)
    if isinstance(ref, Function) and is_property(ref):
        return ev.returned(ref, at)
    if isinstance(ref, (Function, Class)):
        return Opaque(f"{ref.name} itself", at)
    value = ev.evaluate(node.value, scope) if not _of_package(ref) else None
    return _of_object(ev, value, node.attr, at) or Opaque(f".{node.attr} of something that was not followed", at)


def _of_package(ref: object) -> bool:
    return isinstance(ref, External) and not ref.name.startswith("builtins.") and ref.name.count(".") < 2


def _of_value(value: Expr, name: str, at: Location) -> Expr | None:
    if isinstance(value, (Fresh, FromCaller)) and name != "parent":
        return value
    if name == "value" and isinstance(value, (Text, EnvVar)):
        return value
    return path_attribute(value, name, at)


def _of_object(ev: Evaluator, value: Expr | None, name: str, at: Location) -> Expr | None:
    """An attribute of a value that was followed."""
    from crewmem_doctor.facts.python.values import choice

    if isinstance(value, FromCaller):
        return item(value, name, at)
    if isinstance(value, Fresh):
        return value
    if isinstance(value, Build):
        return value.argument(name)
    if isinstance(value, Choice):
        found = [f for f in (_of_object(ev, o, name, at) for o in value.options) if f is not None]
        return choice(found, at, value.fallback) if found else None
    return None


def _stored(ev: Evaluator, node: ast.expr, scope: Scope, at: Location) -> Expr | None:
    """What the project keeps in app state or a session under that name."""
    from crewmem_doctor.facts.python.values import choice

    store = ev.base.graph.stored(node, scope)
    if not store or len(store) > 6:
        return None
    values = [ev.evaluate(v, s) for v, s in store]
    real = [v for v in values if not (isinstance(v, Text) and v.value is None)]
    return choice(real or values[:1], at)


def field(ev: Evaluator, variable: Assignment, node: ast.Attribute, scope: Scope, at: Location) -> Expr:
    """A field of an object of a scanned class: what it was built with, an environment variable, or what methods
    assign."""
    from crewmem_doctor.facts.python.values import choice

    owner = variable.owner
    assert owner is not None
    made = _object(ev, node, scope, owner)
    if made is not None:
        found = _of_object(ev, made, variable.name, at)
        if found is not None and (isinstance(made, FromCaller) or "__init__" not in owner.methods):
            return widened(found) if of_one_width(ev.base.type_of(node, scope)) else found
    if is_settings(ev, owner) and variable.name in owner.attributes:
        return settings_field(ev, owner, variable.name, at)
    bindings = [
        b for cls in ev.base.names.lineage(owner) if isinstance(cls, Class) for b in cls.fields.get(variable.name, ())
    ]
    assigned = [b for b in bindings if b.value is not None]
    here = [
        b
        for b in assigned
        if b.scope.function is not None
        and b.scope.function is scope.function
        and b.pos <= (node.lineno, node.col_offset)
    ]
    first = [
        b
        for b in assigned
        if b.scope.function is not None and b.scope.function.name in ("__init__", "__post_init__", "model_post_init")
    ]
    chosen = here[-1:] or [*first, *(b for b in assigned if b not in first)]
    values = [ev.evaluate(b.value, b.scope) if b.kind != "augment" else of_binding(ev, b, at) for b in chosen[:5]]
    values = [v for v in values if not (isinstance(v, Text) and v.value is None)] or values[:1]
    if values:
        return choice(values, at)
    own = _class_attribute(ev, variable, at)
    if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
        return _overridden(ev, variable, owner, own, at)
    return own


def _overridden(ev: Evaluator, variable: Assignment, owner: Class, own: Expr, at: Location) -> Expr:
    """What `self.name` may be where subclasses set it anew: theirs, and the class's own where objects have that one."""
    from crewmem_doctor.facts.python.values import choice

    names, graph, word = ev.base.names, ev.base.graph, variable.name
    below = graph.subclasses(owner.dotted)
    if not any(word in cls.attributes for cls in below):
        return own
    kinds = [owner, *below]
    made = {site.callee for cls in kinds for site in graph.constructions(cls)}
    givers: dict[Class, None] = {}
    for cls in [k for k in kinds if k.dotted in made] or kinds:
        giver = next((c for c in names.lineage(cls) if isinstance(c, Class) and word in c.attributes), variable.owner)
        if giver is not None:
            givers[giver] = None
    if len(givers) > 4:
        return Opaque(f"{word}, which each subclass sets for itself", at)
    values = [
        own if c is variable.owner else _class_attribute(ev, Assignment(c.module, c, word, c.attributes[word]), at)
        for c in sorted(givers, key=lambda c: (c.module.path, c.node.lineno))
    ]
    return choice(values, at) if values else own


def _object(ev: Evaluator, node: ast.Attribute, scope: Scope, owner: Class) -> Expr | None:
    """The object, where it is worth knowing how it was built."""
    if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
        return None
    return ev.evaluate(node.value, scope)


def _class_attribute(ev: Evaluator, variable: Assignment, at: Location) -> Expr:
    bindings = [b for b in variable.bindings if b.value is not None]
    if not bindings:
        return Opaque(f"{variable.name} is given no value that can be read", at)
    last: Binding = bindings[-1]
    default = field_default(ev, last.value, last.scope)
    return default if default is not None else of_bindings(ev, bindings, END, (), at)


def field_default(ev: Evaluator, value: ast.expr | None, scope: Scope) -> Expr | None:
    """The default in `Field(default=…)`, `field(default_factory=…)`, `Column(default=…)`."""
    if not isinstance(value, ast.Call):
        return None
    word = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
    if word not in ("Field", "field", "attrib", "PrivateAttr", "Factory"):
        return None
    for keyword in value.keywords:
        if keyword.arg == "default":
            return ev.evaluate(keyword.value, scope)
        if keyword.arg in ("default_factory", "factory"):
            made = keyword.value
            if isinstance(made, ast.Lambda):
                return ev.evaluate(made.body, scope)
            call = ast.copy_location(ast.Call(func=made, args=[], keywords=[]), made)
            found = ev.evaluate(call, scope)
            return Fresh(found.source, found.nature, found.at) if isinstance(found, Fresh) else found
    if value.args and not (isinstance(value.args[0], ast.Constant) and value.args[0].value is ...):
        return ev.evaluate(value.args[0], scope)
    return Opaque("a field without a default", ev.at(value, scope))


def subscript(ev: Evaluator, node: ast.Subscript, scope: Scope) -> Expr:
    at = ev.at(node, scope)
    if isinstance(node.slice, ast.Slice):
        return _slice(ev, node, scope, at)
    found = environ_item(ev, node, scope)
    if found is not None:
        return found
    value, key = ev.evaluate(node.value, scope), ev.evaluate(node.slice, scope)
    if isinstance(value, FromCaller):
        return item(value, str(key.value), at) if isinstance(key, Text) else value
    if isinstance(value, Table) and isinstance(key, Text):
        inside = value.get(str(key.value))
        if inside is not None:
            return inside
    if (
        isinstance(value, Items)
        and isinstance(key, Text)
        and type(key.value) is int
        and -len(value.items) <= key.value < len(value.items)
    ):
        return value.items[key.value]
    kept = _stored(ev, node, scope, at)
    return kept if kept is not None else Opaque("an entry that was not followed", at)


def _slice(ev: Evaluator, node: ast.Subscript, scope: Scope, at: Location) -> Expr:
    """A part of a text: of a fresh or sent value it is as fresh or sent."""
    value = ev.evaluate(node.value, scope)
    if isinstance(value, (Fresh, FromCaller, Choice)):
        return value
    if isinstance(value, Concat) and any(isinstance(p, (Fresh, FromCaller)) for p in value.parts):
        return value
    lower, upper = (_bound(b) for b in (getattr(node.slice, "lower", None), getattr(node.slice, "upper", None)))
    if isinstance(value, Text) and isinstance(value.value, str) and not getattr(node.slice, "step", None):
        return Text(value.value[lower:upper], at)
    return Opaque("a part of a text", at)


def _bound(node: ast.expr | None) -> int | None:
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None
