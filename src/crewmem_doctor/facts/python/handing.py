"""Classes that a helper function imports and hands out."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.names import Names
from crewmem_doctor.facts.python.nodes import Class, Function, Scope
from crewmem_doctor.facts.python.refs import External, Ref


def handed_out(names: Names, call: ast.Call, index: int | None, scope: Scope) -> Ref:
    """`Agent, Crew = crewai_classes()`, `memory_class()(…)`: the class, where all that the helper returns is one."""
    helper = names.resolve(call.func, scope)
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
        ref = names.resolve(value, helper.scope) if isinstance(value, (ast.Name, ast.Attribute)) else None
        found.add(ref if isinstance(ref, Class) or (isinstance(ref, External) and _is_class(ref)) else None)
    return found.pop() if len(found) == 1 else None


def _is_class(ref: External) -> bool:
    return ref.name.rpartition(".")[2][:1].isupper() and not ref.loose and not ref.name.startswith("builtins.")
