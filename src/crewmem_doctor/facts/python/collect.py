"""One pass over a module's syntax tree that fills in its functions, classes, bindings, calls and imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.nodes import (
    Arm,
    Binding,
    BindingKind,
    CallSite,
    Class,
    Function,
    Imported,
    Module,
    Store,
    is_main_guard,
)

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_INJECTORS = {"Depends", "Security", "Provide", "Inject", "Injected"}


class Collector:
    """Walks suites by recursion (Python allows 100 levels) and expressions with a stack (they nest without limit)."""

    def __init__(self, base: CodeBase, module: Module) -> None:
        self.base = base
        self.module = module
        self.function = module.body
        self.cls: Class | None = None
        self.scope = module.scope
        self.branch: tuple[Arm, ...] = ()
        self.guarded = False
        module.all_functions.append(module.body)

    def run(self) -> None:
        self.suite(self.module.tree.body)
        for function in self.module.all_functions:
            function.sites.sort(key=_position)

    # statements

    def suite(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            handler = _STATEMENTS.get(statement.__class__)
            if handler is not None:
                handler(self, statement)
            else:
                self.expressions(ast.iter_child_nodes(statement))

    def arm(self, owner: ast.stmt, index: int, total: int, body: Sequence[ast.stmt], test: ast.expr | None = None) -> None:
        """A suite that is one of several alternatives; `total` is 0 where none of them may run."""
        if not body:
            return
        before = self.branch
        self.branch = (*before, Arm(id(owner), index, total, isinstance(body[-1], _LEAVES), test))
        self.function.arms.append((body[0].lineno, body[-1].end_lineno or body[-1].lineno, self.branch))
        self.suite(body)
        self.branch = before

    def if_(self, node: ast.If) -> None:
        arms: list[Sequence[ast.stmt]] = []
        current = node
        while True:     # an elif chain may be thousands long
            self.expression(current.test)
            arms.append(current.body)
            if len(current.orelse) == 1 and isinstance(current.orelse[0], ast.If):
                current = current.orelse[0]
                continue
            break
        arms.append(current.orelse)
        if is_main_guard(node.test) or not current.orelse and _is_type_checking(node.test):
            guarded, self.guarded = self.guarded, self.guarded or _is_type_checking(node.test)
            self.suite(node.body)
            self.guarded = guarded
            arms = arms[1:] if current.orelse else []
        total = len(arms) if current.orelse else 0
        for index, body in enumerate(arms):
            self.arm(node, index, total, body, node.test if index == 0 else None)

    def try_(self, node: ast.Try) -> None:
        guarded = self.guarded
        self.guarded = guarded or any(_catches_import_error(h) for h in node.handlers)
        total = 1 + len(node.handlers)
        if not node.handlers:
            self.suite(node.body)
        else:
            self.arm(node, 0, total, node.body)
        for index, handler in enumerate(node.handlers):
            if handler.type is not None:
                self.expression(handler.type)
            if handler.name:
                self.bind(handler.name, "enter", handler)
            self.arm(node, index + 1, total, handler.body)
        self.guarded = guarded
        self.suite(node.orelse)
        self.suite(node.finalbody)

    def for_(self, node: ast.For | ast.AsyncFor) -> None:
        self.expression(node.iter)
        self.target(node.target, None, node, "iterate")
        self.suite(node.body)
        self.suite(node.orelse)

    def while_(self, node: ast.While) -> None:
        self.expression(node.test)
        self.suite(node.body)
        self.suite(node.orelse)

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.expression(item.context_expr)
            if item.optional_vars is not None:
                self.target(item.optional_vars, item.context_expr, node, "enter")
        self.suite(node.body)

    def match_(self, node: ast.Match) -> None:
        self.expression(node.subject)
        for index, case in enumerate(node.cases):
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if isinstance(name, str):
                    self.bind(name, "unpack", case.pattern)
            if case.guard is not None:
                self.expression(case.guard)
            self.arm(node, index, 0, case.body)

    def assign(self, node: ast.Assign) -> None:
        self.expression(node.value)
        for target in node.targets:
            self.target(target, node.value, node, "assign")

    def annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.expression(node.value)
        self.expression(node.annotation)
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id, "assign", node, node.value, annotation=node.annotation)
        else:
            self.target(node.target, node.value, node, "assign", node.annotation)

    def augmented(self, node: ast.AugAssign) -> None:
        self.expression(node.value)
        self.target(node.target, node.value, node, "augment")

    def delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                continue
            self.expression(target)

    def return_(self, node: ast.Return) -> None:
        self.function.returns.append(node)
        if node.value is not None:
            self.expression(node.value)

    def global_(self, node: ast.Global | ast.Nonlocal) -> None:
        if isinstance(node, ast.Global):
            self.function.globals.update(node.names)
        else:
            self.function.nonlocals.update(node.names)

    def import_(self, node: ast.Import) -> None:
        for alias in node.names:
            local = alias.asname or alias.name.split(".", 1)[0]
            target = alias.name if alias.asname else local
            self.imported(Imported(local, target, alias.name, 0, node, alias))

    def import_from(self, node: ast.ImportFrom) -> None:
        module = self.absolute(node)
        for alias in node.names:
            target = module if alias.name == "*" else f"{module}.{alias.name}" if module else alias.name
            self.imported(Imported(alias.asname or alias.name, target, module, node.level, node, alias))

    def absolute(self, node: ast.ImportFrom) -> str:
        """The module's name; a relative one is counted from this module's unique name."""
        if not node.level:
            return node.module or ""
        parts = self.module.name.split(".") if self.module.name else []
        drop = node.level - 1 if self.module.is_package else node.level
        parts = parts[: len(parts) - drop] if drop <= len(parts) else []
        return ".".join([*parts, *([node.module] if node.module else [])])

    def imported(self, found: Imported) -> None:
        found.function = self.function if self.function.qualname else None
        found.guarded = self.guarded
        self.module.imports.append(found)
        if found.local == "*":
            self.module.stars.append(found)
        else:
            self.bind(found.local, "import", found.node, imported=found)

    # definitions

    def function_(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        inner = Function(self.module, node, self.qualified(node.name), self.cls,
                         self.function if self.function.qualname else None)
        args = node.args
        outside = [*node.decorator_list, *args.defaults, *(d for d in args.kw_defaults if d is not None)]
        annotations = [a.annotation for a in (*args.posonlyargs, *args.args, *args.kwonlyargs) if a.annotation is not None]
        self.expressions([*outside, *annotations, *([node.returns] if node.returns is not None else [])])
        inner.annotations = annotations
        inner.injected = [a for expr in (*outside, *annotations) for a in _injected(expr)]
        inner.injected.extend(a.annotation for a, d in _with_defaults(args) if a.annotation is not None and _empty_injector(d))
        self.bind(node.name, "define", node, defined=inner)
        self.module.all_functions.append(inner)
        self.module.functions.setdefault(inner.qualname, inner)
        if not _is_overload(node):
            self.module.functions[inner.qualname] = inner
        if self.cls is not None and self.in_class_body:
            if not _is_overload(node) or node.name not in self.cls.methods:
                self.cls.methods[node.name] = inner
        else:
            self.function.children.append(inner)
        before = (self.function, self.cls, self.scope, self.branch, self.guarded)
        self.function, self.cls, self.branch, self.guarded = inner, None, (), False
        self.scope = inner.scope
        for argument in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
            if argument is not None:
                self.bind(argument.arg, "parameter", argument, annotation=argument.annotation)
        self.suite(node.body)
        self.function, self.cls, self.scope, self.branch, self.guarded = before

    @property
    def in_class_body(self) -> bool:
        return self.cls is not None and self.scope.cls is self.cls

    def class_(self, node: ast.ClassDef) -> None:
        self.expressions([*node.decorator_list, *node.bases, *(k.value for k in node.keywords)])
        inner = Class(self.module, node, self.qualified(node.name),
                      self.function if self.function.qualname else None, self.cls)
        self.bind(node.name, "define", node, defined=inner)
        self.module.all_classes.append(inner)
        self.module.classes[inner.qualname] = inner
        before = (self.cls, self.scope, self.branch)
        self.cls, self.scope, self.branch = inner, inner.scope, ()
        self.suite(node.body)
        self.cls, self.scope, self.branch = before

    def qualified(self, name: str) -> str:
        around = self.cls.qualname if self.cls is not None else self.function.qualname
        return f"{around}.{name}" if around else name

    # bindings

    def bind(self, name: str, kind: BindingKind, node: ast.AST, value: ast.expr | None = None, *,
             annotation: ast.expr | None = None, index: int | None = None, imported: Imported | None = None,
             defined: Function | Class | None = None) -> None:
        line = getattr(node, "end_lineno", 0) or 0
        column = getattr(node, "end_col_offset", 0) or 0
        if kind in ("define", "iterate", "enter"):
            line, column = getattr(node, "lineno", line), getattr(node, "col_offset", column)
        found = Binding(name, kind, node, self.scope, value, (line, column), self.branch, annotation, index, imported, defined)
        if self.cls is not None:
            self.cls.attributes.setdefault(name, []).append(found)
        elif name in self.function.globals:
            self.module.body.bindings.setdefault(name, []).append(found)
        else:
            home = self.function
            while name in home.nonlocals and home.parent is not None:
                home = home.parent
            home.bindings.setdefault(name, []).append(found)

    def target(self, target: ast.expr, value: ast.expr | None, node: ast.stmt, kind: BindingKind,
               annotation: ast.expr | None = None) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, kind, node, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            values = value.elts if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts) else None
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
            self.expressions(ast.iter_child_nodes(target))
            self.function.stores.append(Store(target, value, node, self.scope, self.branch))
            owner = self.owner_of(target)
            if owner is not None and isinstance(target, ast.Attribute):
                found = Binding(target.attr, kind, node, self.scope, value,
                                (node.end_lineno or 0, node.end_col_offset or 0), self.branch, annotation)
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
        if isinstance(node, ast.NamedExpr):
            self.bind(node.target.id, "assign", node, node.value)
            stack.append(node.value)
            return
        if isinstance(node, ast.Lambda):
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                if argument.arg not in self.function.bindings:
                    self.bind(argument.arg, "unpack", argument)
        elif isinstance(node, ast.comprehension):
            self.target(node.target, None, node, "iterate")  # type: ignore[arg-type]
            stack.extend((node.iter, *node.ifs))
            return
        elif isinstance(node, ast.Subscript):
            if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                self.function.subscripts.append(node)
        elif isinstance(node, (ast.Yield, ast.YieldFrom)):
            self.function.yields.append(node)
        for name in kind._fields:
            child = getattr(node, name, None)
            if child.__class__ is list:
                stack.extend([c for c in child if isinstance(c, ast.AST)])
            elif isinstance(child, ast.AST):
                stack.append(child)


def _position(site: CallSite) -> tuple[int, int]:
    return site.node.func.end_lineno or 0, site.node.func.end_col_offset or 0


def _rooted(node: ast.AST) -> bool:
    while node.__class__ is ast.Attribute:
        node = node.value  # type: ignore[attr-defined]
    return node.__class__ is ast.Name


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING")


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(n, ast.Name) and n.id in _IMPORT_ERRORS for n in ast.walk(handler.type))


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A setter, a deleter or a typing overload does not stand for the name."""
    return any((isinstance(d, ast.Attribute) and d.attr in ("setter", "deleter", "overload"))
               or (isinstance(d, ast.Name) and d.id == "overload") for d in node.decorator_list)


def _injected(expr: ast.expr) -> list[ast.expr]:
    """What `Depends(…)` inside a default, annotation or decorator names."""
    return [arg for node in ast.walk(expr) if isinstance(node, ast.Call)
            and (getattr(node.func, "id", None) or getattr(node.func, "attr", None)) in _INJECTORS
            for arg in (*node.args, *(k.value for k in node.keywords))]


def _with_defaults(args: ast.arguments) -> list[tuple[ast.arg, ast.expr | None]]:
    positional = [*args.posonlyargs, *args.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = list(zip(reversed(positional), reversed(args.defaults), strict=False))
    return [*pairs, *zip(args.kwonlyargs, args.kw_defaults, strict=False)]


def _empty_injector(default: ast.expr | None) -> bool:
    """`service: Service = Depends()` makes a Service."""
    return isinstance(default, ast.Call) and not default.args and not default.keywords and (
        getattr(default.func, "id", None) or getattr(default.func, "attr", None)) in _INJECTORS


_STATEMENTS = {
    ast.FunctionDef: Collector.function_, ast.AsyncFunctionDef: Collector.function_, ast.ClassDef: Collector.class_,
    ast.If: Collector.if_, ast.Try: Collector.try_, ast.For: Collector.for_, ast.AsyncFor: Collector.for_,
    ast.While: Collector.while_, ast.With: Collector.with_, ast.AsyncWith: Collector.with_, ast.Match: Collector.match_,
    ast.Assign: Collector.assign, ast.AnnAssign: Collector.annotated, ast.AugAssign: Collector.augmented,
    ast.Delete: Collector.delete, ast.Return: Collector.return_, ast.Global: Collector.global_,
    ast.Nonlocal: Collector.global_, ast.Import: Collector.import_, ast.ImportFrom: Collector.import_from,
}
if hasattr(ast, "TryStar"):
    _STATEMENTS[ast.TryStar] = Collector.try_


def collect(base: CodeBase, module: Module) -> None:
    """Fills `module`."""
    Collector(base, module).run()

