"""Where the result of a call is kept beyond the call: module variables, app state, class attributes, fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.keeping import Keeping
from crewmem_doctor.facts.python.nodes import Assignment, Binding, CallSite, Class, Function, Store
from crewmem_doctor.facts.python.state import last_word, state_key
from crewmem_doctor.facts.python.usage import Load

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

_CACHES = {
    "lru_cache",
    "cache",
    "cached_property",
    "cache_resource",
    "singleton",
    "cached",
    "alru_cache",
    "experimental_singleton",
}


def is_cached(base: CodeBase, function: Function) -> bool:
    """A factory that runs once for each process (or each key)."""
    return any(last_word(d.func if isinstance(d, ast.Call) else d) in _CACHES for d in function.decorators)


def holders(usage: Keeping, site: CallSite) -> Iterator[tuple[str, list[Load]]]:
    """What the call's result is kept in, with the places that read it."""
    function = site.scope.body
    names = _locals(function, site.node)
    for binding in _kept_names(site, names):
        owner = binding.scope.cls if binding.scope.in_class_body else None
        variable = Assignment(binding.scope.module, owner, binding.name, [binding])
        yield binding.name, list(usage.users(variable))
    for store in function.stores:
        if store.value is not None and _holds(store.value, site.node, names):
            yield from _of_store(usage, store, function)


def _of_store(usage: Keeping, store: Store, function: Function) -> Iterator[tuple[str, list[Load]]]:
    key = state_key(store.target)
    if key is not None:
        yield ".".join(key), list(usage.state_users(key))
        return
    place = store.target.value if isinstance(store.target, ast.Subscript) else store.target
    found = usage.base.names.resolve(place, store.scope)
    if not isinstance(found, Assignment):
        return
    if found.owner is not None and function.name == "__init__" and usage.callers(function):
        return  # the constructions of the object lead on
    yield found.name, list(usage.users(found))


def made_lazily(usage: Keeping, site: CallSite) -> bool:
    """`if _crew is None: _crew = build()`: whoever calls the function gets what is already there."""
    function = site.scope.body
    if function.is_body:
        return False
    names = _locals(function, site.node)
    for binding in _kept_names(site, names):
        if binding.scope.function is function and _guarded(function, binding.name, binding.branch, binding.pos[0]):
            return True
    for store in function.stores:
        if store.value is None or not _holds(store.value, site.node, names):
            continue
        place = store.target.value if isinstance(store.target, ast.Subscript) else store.target
        word = state_key(store.target)
        if not _guarded(function, word[0] if word else last_word(place), store.branch, store.statement.lineno):
            continue
        found = usage.base.names.resolve(place, store.scope)
        if word is not None or (
            isinstance(found, Assignment) and (found.owner is None or _lives_on(usage, found.owner))
        ):
            return True
    return False


def _lives_on(usage: Keeping, cls: Class) -> bool:
    """Objects of the class are made at import only, or kept by a cached factory."""
    sites = list(usage.constructions(cls))
    return bool(sites) and all(
        s.scope.function is None or is_cached(usage.base, s.scope.function) or any(True for _ in _kept_names(s, set()))
        for s in sites
    )


def _guarded(function: Function, name: str, branch: tuple[object, ...], line: int) -> bool:
    """The name is looked at before it is given a value in an arm, or after an arm that returned."""
    looked = any(load.lineno <= line and any(w == name for w in _words(load)) for load in function.loads)
    return looked and (bool(branch) or any(arm[2][-1].leaves for arm in function.arms if arm[1] < line))


def _words(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Attribute):
        yield node.attr
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _kept_names(site: CallSite, names: set[str]) -> Iterator[Binding]:
    """The module-level and class-level bindings whose value holds the call."""
    function, body = site.scope.body, site.scope.module.body
    if site.scope.in_class_body and site.scope.cls is not None:
        pools = [site.scope.cls.attributes]
    elif function.is_body:
        pools = [body.bindings]
    else:
        pools = [{name: body.bindings.get(name, []) for name in function.globals}]
    for pool in pools:
        for bindings in pool.values():
            for binding in bindings:
                same = binding.scope.function is site.scope.function
                if same and binding.value is not None and _holds(binding.value, site.node, names):
                    yield binding


def _locals(function: Function, node: ast.expr) -> set[str]:
    """The local names that hold the call's result, directly or through another name."""
    names: set[str] = set()
    if function.is_body:
        return names
    for _ in range(2):
        for name, bindings in function.bindings.items():
            if any(b.value is not None and _holds(b.value, node, names) for b in bindings):
                names.add(name)
    return names


def _holds(value: ast.expr, node: ast.expr, names: set[str]) -> bool:
    start, end = (value.lineno, value.col_offset), (value.end_lineno or 0, value.end_col_offset or 0)
    if start <= (node.lineno, node.col_offset) and (node.end_lineno or 0, node.end_col_offset or 0) <= end:
        return True
    if not names:
        return False
    if isinstance(value, ast.Name):
        return value.id in names
    return isinstance(value, ast.Call) and any(
        isinstance(a, ast.Name) and a.id in names for a in (*value.args, *(k.value for k in value.keywords))
    )
