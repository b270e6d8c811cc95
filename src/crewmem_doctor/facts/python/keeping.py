"""What the project keeps in places that outlive a function: app state, sessions, module-level dicts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from crewmem_doctor.facts.python.nodes import Assignment, Scope, Store
from crewmem_doctor.facts.python.state import last_word, state_key
from crewmem_doctor.facts.python.usage import Load, Usage, same_variable


class Keeping(Usage):
    """Stores and reads of such places, matched by their names."""

    def stored(self, node: ast.expr, scope: Scope) -> list[tuple[ast.expr, Scope]]:
        """What the project stores in such a place: `app.state.x`, `st.session_state["x"]`, `CREWS[key]`."""
        key = state_key(node)
        if key is not None:
            return [(s.value, s.scope) for s in self.stores(key) if s.value is not None]
        if isinstance(node, ast.Subscript):
            place = self.base.names.resolve(node.value, scope)
            if isinstance(place, Assignment):
                return [(s.value, s.scope) for s in self.kept(place) if s.value is not None]
        return []

    def shown(self, node: ast.expr, scope: Scope) -> list[tuple[ast.expr, Scope]]:
        """What a module-level `{"chat": …}` holds under a key; under any, where the key is not constant."""
        if not isinstance(node, ast.Subscript):
            return []
        key, place = node.slice, self.base.names.resolve(node.value, scope)
        if not (isinstance(place, Assignment) and place.owner is None and isinstance(place.value, ast.Dict)):
            return []
        pairs = [(k, v) for k, v in zip(place.value.keys, place.value.values, strict=True) if k is not None]
        if isinstance(key, ast.Constant):
            pairs = [(k, v) for k, v in pairs if isinstance(k, ast.Constant) and k.value == key.value]
        return [(v, place.module.scope) for _, v in pairs]

    def kept(self, variable: Assignment) -> list[Store]:
        """The `variable[key] = …` of the project."""
        found = []
        for store in self._filled.get(variable.name, ()):
            if isinstance(store.target, ast.Subscript):
                place = self.base.names.resolve(store.target.value, store.scope)
                if isinstance(place, Assignment) and same_variable(place, variable):
                    found.append(store)
        return found

    @cached_property
    def _filled(self) -> dict[str, list[Store]]:
        """The `x[key] = …` by the last word of `x`."""
        found: dict[str, list[Store]] = {}
        for function in self._everything():
            for store in function.stores:
                if isinstance(store.target, ast.Subscript):
                    found.setdefault(last_word(store.target.value), []).append(store)
        return found

    @cached_property
    def _by_key(self) -> dict[tuple[str, str], list[Store]]:
        found: dict[tuple[str, str], list[Store]] = {}
        for function in self._everything():
            for store in function.stores:
                where = state_key(store.target)
                if where is not None:
                    found.setdefault(where, []).append(store)
        return found

    def stores(self, key: tuple[str, str]) -> list[Store]:
        return self._by_key.get(key, [])

    def state_users(self, key: tuple[str, str]) -> Iterator[Load]:
        for node, function in self.loads_named(key[1]):
            if state_key(node) == key:
                yield node, function
        for module in self.base.modules.values():
            if key[1] in module.text and key[0] in module.text:
                for function in module.all_functions:
                    yield from ((s, function) for s in function.subscripts if state_key(s) == key)

