"""What a name of the source stands for."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.nodes import Assignment, Binding, Class, Function, Imported, Module, Scope
from crewmem_doctor.facts.python.refs import Bound, External, Folder, Local, Ref, canonical, is_property
from crewmem_doctor.facts.python.state import last_word, state_key

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

_BUILTINS = frozenset(dir(builtins))
_DEPTH = 40


class Names:
    """Resolution of names and dotted names. Answers are remembered for each syntax node."""

    canonical = staticmethod(canonical)

    def __init__(self, base: CodeBase) -> None:
        self.base = base
        self._memos: tuple[dict[int, tuple[ast.expr, Ref]], dict[int, tuple[ast.expr, Ref]]] = ({}, {})
        self._variables: dict[tuple[int, str], Assignment] = {}
        self._depth = 0
        self._bases: dict[str, tuple[str, ...]] = {}

    def resolve(self, node: ast.expr, scope: Scope) -> Ref:
        memo = self._memos[self.base.shallow]
        known = memo.get(id(node))
        if known is not None:
            return known[1]
        if self._depth > _DEPTH:
            return None
        memo[id(node)] = (node, None)  # a cycle finds nothing
        self._depth += 1
        try:
            found = self._resolve(node, scope)
        finally:
            self._depth -= 1
        memo[id(node)] = (node, found)
        return found

    def _resolve(self, node: ast.expr, scope: Scope) -> Ref:
        if isinstance(node, ast.Name):
            return self.entity(self.find(node.id, scope, (node.lineno, node.col_offset)), node.id, scope)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, scope)
        if isinstance(node, ast.Subscript):
            inner = self.resolve(node.value, scope)
            if isinstance(inner, Class) or (
                isinstance(inner, External) and inner.name.rsplit(".", 1)[-1][:1].isupper()
            ):
                return inner
            return None
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return self.resolve(node.value, scope)
        if isinstance(node, ast.IfExp):
            return self.resolve(node.body, scope) or self.resolve(node.orelse, scope)
        if isinstance(node, ast.BoolOp):
            return self.resolve(node.values[0], scope)
        if isinstance(node, ast.Call):
            return self._handed_out(node, None, scope)
        return None

    def _handed_out(self, call: ast.Call, index: int | None, scope: Scope) -> Ref:
        from crewmem_doctor.facts.python.handing import handed_out

        return handed_out(self, call, index, scope)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Ref:
        depth, inner = 0, node.value
        while isinstance(inner, ast.Attribute):
            depth, inner = depth + 1, inner.value
        if depth > _DEPTH:
            return None
        if state_key(node.value) is not None:
            kept = self.of_instance(self.base.type_of(node.value, scope), node.attr)
            if kept is not None:
                return kept
        owner = self.resolve(node.value, scope)
        if isinstance(owner, (Module, Class, Folder)):
            return self.member(owner, node.attr)
        if isinstance(owner, External):
            return External(f"{owner.name}.{node.attr}", owner.loose)
        if isinstance(owner, Function) and not is_property(owner):
            return External(f"{owner.dotted}.{node.attr}")
        if isinstance(owner, Assignment) and owner.owner is None and not self._typed(node.value, scope):
            return External(f"{owner.module.name}.{owner.name}.{node.attr}", True)
        return self.of_instance(self.base.type_of(node.value, scope), node.attr)

    def _typed(self, node: ast.expr, scope: Scope) -> bool:
        return bool(self.base.type_of(node, scope))

    def find(self, name: str, scope: Scope, pos: tuple[int, int] = (0, 0)) -> list[Binding]:
        """The bindings of the name in the innermost scope that has it; empty for builtins and unknown names. A class
        body sees of its own names those before `pos`: the `@crew` above `def crew` is not that method."""
        if scope.in_class_body and scope.cls is not None and name in scope.cls.attributes:
            earlier = [b for b in scope.cls.attributes[name] if b.pos < pos]
            if earlier:
                return earlier
        function = scope.function
        while function is not None and name not in function.globals:
            if name in function.bindings and name not in function.nonlocals:
                return function.bindings[name]
            function = function.parent
        return scope.module.body.bindings.get(name, [])

    def entity(self, bindings: Sequence[Binding], name: str, scope: Scope) -> Ref:
        """What those bindings make of the name: an import or a definition before a variable."""
        if not bindings:
            if name in _BUILTINS and not self._starred(scope.module, name):
                return External(f"builtins.{name}")
            return self._starred(scope.module, name)
        imports = [b.imported for b in bindings if b.imported is not None]
        if imports:
            refs = [self.imported(i, scope.module) for i in imports]
            return next((r for r in refs if r is not None and not isinstance(r, (External, Folder))), refs[0])
        defined = [b.defined for b in bindings if b.defined is not None]
        if defined:
            return defined[-1]
        last = bindings[-1]
        if (
            last.kind == "assign"
            and isinstance(last.value, (ast.Name, ast.Attribute, ast.Subscript))
            and last.index is None
            and not _annotated(last.value)
        ):
            target = self.resolve(last.value, last.scope)
            if isinstance(target, (Class, Function, Module, External, Bound)) and len(bindings) == 1:
                return target
        if last.kind in ("assign", "unpack") and isinstance(last.value, ast.Call) and len(bindings) == 1:
            handed = self._handed_out(last.value, last.index, last.scope)
            if handed is not None:
                return handed
        if last.scope.function is None or name in last.scope.function.globals:
            return self.variable(scope, last, name, list(bindings))
        return Local(bindings)

    def variable(self, scope: Scope, binding: Binding, name: str, bindings: list[Binding]) -> Assignment:
        owner = binding.scope.cls if binding.scope.in_class_body else None
        module = binding.scope.module
        key = (id(owner or module), name)
        if key not in self._variables:
            self._variables[key] = Assignment(module, owner, name, bindings)
        return self._variables[key]

    def _starred(self, module: Module, name: str) -> Ref:
        for star in module.stars:
            found = self.module_of(star, module)
            if isinstance(found, Module) and found is not module:
                ref = self.member(found, name)
                if ref is not None:
                    return ref
            elif found is None and star.module.split(".", 1)[0] in ("crewai", "mem0") and name[:1].isupper():
                return External(f"{star.module}.{name}")
        return None

    def module_of(self, imported: Imported, importer: Module) -> Ref:
        path = self.base.import_path(imported, importer)
        if not path:
            return None
        return self.base.module(path) if path.endswith(".py") else Folder(path.rstrip("/"))

    def imported(self, imported: Imported, importer: Module) -> Ref:
        """What an import brings in."""
        if isinstance(imported.node, ast.Import):
            path = self.base.locator.find(imported.target, importer.path)
            return self._at(path) if path else External(imported.target)
        home = self.module_of(imported, importer)
        found = self.member(home, imported.alias.name) if isinstance(home, (Module, Folder)) else None
        if found is not None:
            return found
        return External(imported.target)

    def _at(self, path: str) -> Ref:
        return self.base.module(path) if path.endswith(".py") else Folder(path.rstrip("/"))

    def member(self, owner: Module | Class | Folder, name: str) -> Ref:
        """An attribute of a module, a class or a namespace folder."""
        if isinstance(owner, Class):
            return self.class_member(owner, name)
        folder = owner.path
        if isinstance(owner, Module):
            self._depth += 1
            try:
                bindings = owner.body.bindings.get(name, ())
                if bindings and self._depth <= _DEPTH:
                    return self.entity(bindings, name, owner.scope)
                found = self._starred(owner, name) if self._depth <= _DEPTH else None
            finally:
                self._depth -= 1
            if found is not None or not owner.is_package:
                return found
            folder = owner.path.rpartition("/")[0]
        path = self.base.locator.inside(folder, name)
        return self._at(path) if path else None

    def class_member(self, cls: Class, name: str) -> Ref:
        for current in self.lineage(cls):
            if isinstance(current, External):
                return External(f"{current.name}.{name}")
            if name in current.methods:
                return current.methods[name]
            if name in current.attributes:
                bindings = current.attributes[name]
                return self.entity(bindings, name, current.scope)
            if name in current.fields:
                return self._field(current, name)
        return None

    def _field(self, cls: Class, name: str) -> Ref:
        bindings = cls.fields[name]
        first = bindings[0]
        if len(bindings) == 1 and isinstance(first.value, ast.Call) and last_word(first.value.func) == "partial":
            bound = self.resolve(first.value, first.scope)
            if isinstance(bound, Bound):
                return bound
        return self.variable(cls.scope, _in_class(cls, first), name, bindings)

    def of_instance(self, type_name: str, name: str) -> Ref:
        """An attribute of an object of that class."""
        if not type_name:
            return None
        cls = self.base.definition(type_name)
        return self.class_member(cls, name) if isinstance(cls, Class) else External(f"{type_name}.{name}")

    def lineage(self, cls: Class) -> list[Class | External]:
        """The class and its bases, nearest first, depth first; external ones last."""
        scanned: list[Class] = []
        external: list[External] = []
        stack: list[Class] = [cls]
        while stack:
            current = stack.pop(0)
            if current in scanned:
                continue
            scanned.append(current)
            inner: list[Class] = []
            for base in current.node.bases:
                ref = self.resolve(base, current.outside)
                if isinstance(ref, Class):
                    inner.append(ref)
                elif isinstance(ref, External) and ref.name not in ("builtins.object", "abc.ABC", "typing.Generic"):
                    external.append(ref)
            stack = inner + stack
        return [*scanned, *external]

    def bases(self, name: str) -> tuple[str, ...]:
        if name not in self._bases:
            cls = self.base.definition(name)
            lineage = self.lineage(cls)[1:] if isinstance(cls, Class) else []
            self._bases[name] = tuple(dict.fromkeys(self.canonical(c) for c in lineage))
        return self._bases[name]


def _in_class(cls: Class, binding: Binding) -> Binding:
    """The binding of a field as if the class body had made it, so that its variable is named after the class."""
    return Binding(binding.name, binding.kind, binding.node, cls.scope, binding.value, binding.pos)


def _annotated(node: ast.expr) -> bool:
    """`Annotated[Crew, Depends(get_crew)]` under a name of its own: the marks matter, not `Annotated`."""
    word = node.value if isinstance(node, ast.Subscript) else None
    return (word.attr if isinstance(word, ast.Attribute) else getattr(word, "id", "")) == "Annotated"
