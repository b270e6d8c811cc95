"""The class of a value, as far as annotations, constructions and returns tell."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.makers import CREW_PARTS, DISPLAYS, RUNNERS, WRAPPERS, made_by
from crewmem_doctor.facts.python.nodes import Assignment, Binding, Class, Function, Scope
from crewmem_doctor.facts.python.refs import Bound, External, Local, Ref, is_property
from crewmem_doctor.facts.python.spelling import normalise
from crewmem_doctor.facts.python.state import state_key

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

_DEPTH = 30


class Kinds:
    """Types of expressions; "" where nothing tells."""

    def __init__(self, base: CodeBase) -> None:
        self.base = base
        self._memos: tuple[dict[int, tuple[ast.expr, str]], dict[int, tuple[ast.expr, str]]] = ({}, {})
        self._returns: dict[tuple[Function, bool], str] = {}
        self._depth = 0

    def of(self, node: ast.expr, scope: Scope) -> str:
        memo = self._memos[self.base.shallow]
        known = memo.get(id(node))
        if known is not None:
            return known[1]
        if self._depth > _DEPTH:
            return ""
        memo[id(node)] = (node, "")
        self._depth += 1
        try:
            found = self._of(node, scope)
        finally:
            self._depth -= 1
        memo[id(node)] = (node, found)
        return found

    def _of(self, node: ast.expr, scope: Scope) -> str:
        if isinstance(node, ast.Call):
            return self._call(node, scope)
        if isinstance(node, (ast.Name, ast.Attribute)):
            if isinstance(node, ast.Name) and scope.function is not None:
                local = self._own(node.id, scope.function)
                if local:
                    return local
            if state_key(node) is not None:
                found = self._element(node, scope)
                if found:
                    return found
            return self._ref(self.base.names.resolve(node, scope))
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return self.of(node.value, scope)
        if isinstance(node, ast.IfExp):
            return self.of(node.body, scope) or self.of(node.orelse, scope)
        if isinstance(node, ast.BoolOp):
            return next((t for t in (self.of(v, scope) for v in node.values[:6]) if t), "")
        if isinstance(node, ast.Subscript):
            return self._element(node, scope)
        if isinstance(node, ast.Constant):
            return "" if node.value is None else f"builtins.{type(node.value).__name__}"
        return DISPLAYS.get(type(node), "")

    def _own(self, name: str, function: Function) -> str:
        """`self` and `cls`, also from functions nested in a method."""
        current: Function | None = function
        while current is not None and name not in current.bindings:
            current = current.parent
        if current is None or current.owner is None or next(iter(current.parameters), None) != name:
            return ""
        if any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in current.decorators):
            return ""
        return current.owner.dotted

    def _ref(self, ref: Ref) -> str:
        if isinstance(ref, Assignment):
            return self._bindings(ref.bindings) or self._kept_by(ref)
        if isinstance(ref, Local):
            return self._bindings(ref.bindings)
        if isinstance(ref, Function) and is_property(ref):
            return self.returned(ref)
        return ""

    def _kept_by(self, variable: Assignment) -> str:
        """`cls._instance = cls()` in a method of the class whose attribute it is."""
        cls = variable.owner
        for method in cls.methods.values() if cls is not None else ():
            for stored in method.stores:
                target = stored.target
                if isinstance(target, ast.Attribute) and target.attr == variable.name and stored.value is not None:
                    found = self.of(stored.value, stored.scope)
                    if found:
                        return found
        return ""

    def _bindings(self, bindings: Sequence[Binding]) -> str:
        for binding in reversed(bindings[-6:]):
            found = self._binding(binding)
            if found:
                return found
        return ""

    def _binding(self, binding: Binding) -> str:
        if binding.kind == "parameter":
            return self._parameter(binding)
        if binding.annotation is not None:
            found = self.annotation(binding.annotation, binding.scope)
            if found:
                return found
        if binding.value is None or binding.index is not None or binding.kind not in ("assign", "enter"):
            return ""
        return self.of(binding.value, binding.scope)

    def _parameter(self, binding: Binding) -> str:
        function = binding.scope.function
        if function is None:
            return ""
        around = self.base.around(function)
        if binding.annotation is not None:
            found = self.annotation(binding.annotation, around)
            if found:
                return found
        default = function.defaults.get(binding.name)
        if default is not None:
            found = self._injected(default, around)
            if found:
                return found
        if binding.name not in function.parameters:
            return ""
        given = self.base.graph.passed_directly(function, binding.name)
        return next((t for t in (self.of(v, s) for v, s in given[:3]) if t), "")

    def _injected(self, default: ast.expr, scope: Scope) -> str:
        """The type that `Depends(get_x)` provides, or that of an ordinary default."""
        if isinstance(default, ast.Call) and default.args and isinstance(default.func, (ast.Name, ast.Attribute)):
            word = default.func.id if isinstance(default.func, ast.Name) else default.func.attr
            if word in ("Depends", "Security", "Provide", "Inject"):
                given = self.base.names.resolve(default.args[0], scope)
                if isinstance(given, Function):
                    return self.returned(given)
                return self._class(given)
        return self.of(default, scope)

    def annotation(self, node: ast.expr, scope: Scope) -> str:
        """The class an annotation names, looking through Optional, unions, Annotated and quotes."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            parsed = self.base.quoted(node)
            return self.annotation(parsed, scope) if parsed is not None else ""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self.annotation(node.left, scope) or self.annotation(node.right, scope)
        if isinstance(node, ast.Subscript):
            word = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if word in WRAPPERS:
                parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                parts = parts[-1:] if word == "Coroutine" else parts
                return next((t for t in (self.annotation(p, scope) for p in parts[:4]) if t), "")
            return self.annotation(node.value, scope)
        if isinstance(node, (ast.Name, ast.Attribute)):
            ref = self.base.names.resolve(node, scope)
            if isinstance(ref, Assignment) and isinstance(ref.value, ast.Subscript):
                return self.annotation(ref.value, ref.module.scope)
            found = self._class(ref)
            return "" if found in ("typing.Any", "builtins.object", "builtins.None") else found
        return ""

    def _class(self, ref: Ref) -> str:
        if isinstance(ref, Class):
            return ref.dotted
        return normalise(ref.name) if isinstance(ref, External) and not ref.name.startswith("typing.") else ""

    def _call(self, node: ast.Call, scope: Scope) -> str:
        ref = self.base.names.resolve(node.func, scope)
        if isinstance(ref, Bound):
            return self._class(ref.target)
        if isinstance(ref, Class):
            return ref.dotted
        if isinstance(ref, Function):
            return self._result(ref, node, scope)
        if isinstance(ref, External) and normalise(ref.name) != "builtins.dict.get":
            return self._external(normalise(ref.name), node, scope)
        if isinstance(ref, Assignment) and isinstance(ref.value, ast.Call):
            return self._provided(ref.value, ref.bindings[-1].scope if ref.bindings else ref.module.scope)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
            return self._element(ast.Subscript(value=node.func.value, slice=node.args[0], ctx=ast.Load()), scope)
        if isinstance(node.func, ast.Name) and node.func.id == "cls" and scope.function is not None:
            return self._own("cls", scope.function)
        return ""

    def _provided(self, provider: ast.Call, scope: Scope) -> str:
        """What `container.service()` gives: `service = providers.Singleton(Service)`."""
        made_by = self.base.canonical(provider.func, scope)
        if not provider.args or not made_by.startswith("dependency_injector.providers."):
            return ""
        given = self.base.names.resolve(provider.args[0], scope)
        return self.returned(given) if isinstance(given, Function) else self._class(given)

    def _result(self, function: Function, node: ast.Call, scope: Scope) -> str:
        made = self.returned(function)
        if made or function.owner is None or not isinstance(node.func, ast.Attribute):
            return made
        # A fluent or inherited factory: `return self`, `return cls()`.
        if any(isinstance(r.value, ast.Name) and r.value.id == "self" for r in function.returns):
            return self.of(node.func.value, scope)
        return ""

    def _external(self, name: str, node: ast.Call, scope: Scope) -> str:
        if name in RUNNERS and node.args:
            return self.of(node.args[-1] if name == "typing.cast" else node.args[0], scope)
        if name == "builtins.super" and scope.function is not None and scope.function.owner is not None:
            bases = self.base.bases(scope.function.owner.dotted)
            return bases[0] if bases else ""
        return made_by(name)

    def returned(self, function: Function) -> str:
        """The class of what a function returns or, for a generator dependency, yields."""
        key = (function, self.base.shallow)
        if key not in self._returns:
            self._returns[key] = ""
            self._returns[key] = self._returned(function)
        return self._returns[key]

    def _returned(self, function: Function) -> str:
        node = function.node
        if isinstance(node, ast.Module):
            return ""
        around = self.base.around(function)
        for decorator in function.decorators:
            part = CREW_PARTS.get(self.base.canonical(decorator, around))
            if part:
                return part
        if node.returns is not None:
            found = self.annotation(node.returns, around)
            if found and not found.startswith("builtins."):
                return found
        values = [r.value for r in function.returns] + [y.value for y in function.yields]
        return next((t for t in (self.of(v, function.scope) for v in values[:6] if v is not None) if t), "")

    def _element(self, node: ast.expr, scope: Scope) -> str:
        """`CREWS[key]`, `app.state.manager`: what some place of the project stores there."""
        store = self.base.graph.stored(node, scope) or self.base.graph.shown(node, scope)
        return next((t for t in (self.of(v, s) for v, s in store[:4]) if t), "")
