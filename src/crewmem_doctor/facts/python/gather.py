"""The part of the pass over a module that reads expressions and notes what they bind, store, call and name."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.bindings import Arm, Binding, BindingKind, Imported, Store
from crewmem_doctor.facts.python.nodes import CallSite, Class, Function, Module

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

# Of the commonest expressions, the fields that hold expressions: no operators and no contexts.
_PARTS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.List: ("elts",),
    ast.Tuple: ("elts",),
    ast.Subscript: ("value", "slice"),
    ast.JoinedStr: ("values",),
    ast.FormattedValue: ("value", "format_spec"),
    ast.BinOp: ("left", "right"),
    ast.BoolOp: ("values",),
    ast.UnaryOp: ("operand",),
    ast.Compare: ("left", "comparators"),
    ast.Starred: ("value",),
}


class Gatherer:
    """Where the pass stands, and what it notes there. Expressions nest without limit, so they are walked with a
    stack."""

    def __init__(self, base: CodeBase, module: Module) -> None:
        self.base = base
        self.module = module
        self.function = module.body
        self.cls: Class | None = None
        self.scope = module.scope
        self.branch: tuple[Arm, ...] = ()
        self.guarded = False
        module.all_functions.append(module.body)

    @property
    def in_class_body(self) -> bool:
        return self.cls is not None and self.scope.cls is self.cls

    # bindings

    def bind(
        self,
        name: str,
        kind: BindingKind,
        node: ast.AST,
        value: ast.expr | None = None,
        *,
        annotation: ast.expr | None = None,
        index: int | None = None,
        imported: Imported | None = None,
        defined: Function | Class | None = None,
    ) -> None:
        if kind in ("define", "iterate", "enter"):
            pos = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
        else:
            pos = (getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0)
        found = Binding(name, kind, node, self.scope, value, pos, self.branch, annotation, index, imported, defined)
        if self.cls is not None:
            self.cls.attributes.setdefault(name, []).append(found)
        elif name in self.function.globals:
            self.module.body.bindings.setdefault(name, []).append(found)
        else:
            home = self.function
            while name in home.nonlocals and home.parent is not None:
                home = home.parent
            home.bindings.setdefault(name, []).append(found)

    def target(
        self,
        target: ast.expr,
        value: ast.expr | None,
        node: ast.AST,
        kind: BindingKind,
        annotation: ast.expr | None = None,
    ) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, kind, node, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            values = (
                value.elts if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts) else None
            )
            for index, part in enumerate(target.elts):
                if values is not None:
                    self.target(part, values[index], node, kind)
                elif isinstance(part, ast.Name):
                    self.bind(part.id, "unpack", node, value, index=index)
                elif not isinstance(part, ast.Starred):
                    self.target(part, None, node, "unpack")
                else:
                    self.target(part.value, None, node, "unpack")
        elif isinstance(target, (ast.Attribute, ast.Subscript)):
            self.expression(target.value)
            if isinstance(target, ast.Subscript):
                self.expression(target.slice)
            if not isinstance(node, ast.stmt):
                return  # a comprehension's
            self.function.stores.append(Store(target, value, node, self.scope, self.branch))
            owner = self.owner_of(target)
            if owner is not None and isinstance(target, ast.Attribute):
                found = Binding(
                    target.attr,
                    kind,
                    node,
                    self.scope,
                    value,
                    (node.end_lineno or 0, node.end_col_offset or 0),
                    self.branch,
                    annotation,
                )
                owner.fields.setdefault(target.attr, []).append(found)

    def owner_of(self, target: ast.expr) -> Class | None:
        """The class whose field `self.x` is, seen from a method or from a function nested in one."""
        if not (isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)):
            return None
        function: Function | None = self.function
        while function is not None and function.qualname:
            if function.owner is not None:
                first = next(iter(function.parameters), None)
                return function.owner if first == target.value.id else None
            function = function.parent
        return None

    # expressions

    def expressions(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.expression(node)

    def expression(self, root: ast.AST) -> None:
        stack: list[ast.AST] = [root]
        function, loads = self.function, self.function.loads
        while stack:
            node = stack.pop()
            kind = node.__class__
            if kind is ast.Constant:
                continue
            if kind is ast.Name:
                loads.append(node)  # type: ignore[arg-type]
            elif kind is ast.Attribute:
                if _rooted(node):
                    loads.append(node)  # type: ignore[arg-type]
                else:
                    stack.append(node.value)  # type: ignore[attr-defined]
            elif kind is ast.Call:
                function.sites.append(CallSite(self.base, node, self.scope))  # type: ignore[arg-type]
                called = node.func  # type: ignore[attr-defined]
                if called.__class__ is ast.Attribute:
                    stack.append(called.value)
                elif called.__class__ is not ast.Name:
                    stack.append(called)
                stack.extend(node.args)  # type: ignore[attr-defined]
                stack.extend([k.value for k in node.keywords])  # type: ignore[attr-defined]
            else:
                self.special(node, kind, stack)

    def special(self, node: ast.AST, kind: type[ast.AST], stack: list[ast.AST]) -> None:
        """The rarer expressions: those that bind names, and everything that only has children."""
        if kind in _PARTS:
            if kind is ast.Subscript:
                index = node.slice  # type: ignore[attr-defined]
                if isinstance(index, ast.Constant) and isinstance(index.value, str):
                    self.function.subscripts.append(node)  # type: ignore[arg-type]
        elif isinstance(node, ast.NamedExpr):
            self.bind(node.target.id, "assign", node, node.value)
            stack.append(node.value)
            return
        elif isinstance(node, ast.Lambda):
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                if argument.arg not in self.function.bindings:
                    self.bind(argument.arg, "unpack", argument)
        elif isinstance(node, ast.comprehension):
            self.target(node.target, None, node, "iterate")
            stack.extend((node.iter, *node.ifs))
            return
        elif isinstance(node, (ast.Yield, ast.YieldFrom)):
            self.function.yields.append(node)
        for name in _PARTS.get(kind, kind._fields):
            child = getattr(node, name, None)
            if child.__class__ is list:
                stack.extend([c for c in child if isinstance(c, ast.AST)])
            elif isinstance(child, ast.AST):
                stack.append(child)


def _rooted(node: ast.AST) -> bool:
    while node.__class__ is ast.Attribute:
        node = node.value
    return node.__class__ is ast.Name
