"""Classes that a helper function imports and hands out, and classes with some of their arguments bound."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.names import Names
from crewmem_doctor.facts.python.nodes import Class, Function, Scope
from crewmem_doctor.facts.python.refs import Bound, External, Ref
from crewmem_doctor.facts.python.spelling import normalise
from crewmem_doctor.facts.python.state import last_word


def handed_out(names: Names, call: ast.Call, index: int | None, scope: Scope) -> Ref:
    """`Agent, Crew = crewai_classes()`, `memory_class()(…)`: the class, where all that the helper returns is one. Of
    `partial(Crew, memory=True)` the class with its arguments."""
    helper = names.resolve(call.func, scope)
    if isinstance(helper, External):
        return _bound(names, call, scope) if helper.name == "functools.partial" and index is None else None
    if not isinstance(helper, Function) or helper.is_body:
        return None
    found: set[Ref] = set()
    for given in helper.returns:
        value = given.value
        if isinstance(value, ast.Tuple):
            value = value.elts[index] if index is not None and index < len(value.elts) else ast.Tuple([], ast.Load())
        elif index is not None:
            return None
        if value is None or (isinstance(value, ast.Constant) and value.value is None):
            continue  # the helper's "not installed"
        plain = isinstance(value, (ast.Name, ast.Attribute)) or _is_partial(value)
        ref = names.resolve(value, helper.scope) if plain else None
        known = isinstance(ref, (Class, Bound)) or (isinstance(ref, External) and _is_class(ref))
        found.add(ref if known else None)
    return found.pop() if len(found) == 1 else None


def _is_partial(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and last_word(value.func) == "partial"


def _bound(names: Names, call: ast.Call, scope: Scope) -> Bound | None:
    """A class of CrewAI, of mem0 or of the tree. Others are read from the call alone, which would not be all."""
    if not call.args:
        return None
    inner = names.resolve(call.args[0], scope)
    if isinstance(inner, Bound):
        return Bound(inner.target, (*inner.given, (call, scope)))
    if isinstance(inner, Class) or (isinstance(inner, External) and _is_class(inner) and _is_ours(inner)):
        return Bound(inner, ((call, scope),))
    return None


def _is_ours(ref: External) -> bool:
    return normalise(ref.name).startswith(("crewai.", "mem0."))


def _is_class(ref: External) -> bool:
    return ref.name.rpartition(".")[2][:1].isupper() and not ref.loose and not ref.name.startswith("builtins.")
