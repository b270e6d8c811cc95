"""One pass over a module's syntax tree that fills in its functions, classes, bindings, calls and imports."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.bindings import Arm, Imported
from crewmem_doctor.facts.python.gather import Gatherer
from crewmem_doctor.facts.python.nodes import CallSite, Class, Function, Module, is_main_guard
from crewmem_doctor.facts.python.signatures import injected, is_overload

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Collector(Gatherer):
    """Walks suites by recursion (Python allows 100 levels) and expressions with a stack (they nest without limit)."""

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

    def arm(
        self, owner: ast.stmt, index: int, total: int, body: Sequence[ast.stmt], test: ast.expr | None = None
    ) -> None:
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
        while True:  # an elif chain may be thousands long
            self.expression(current.test)
            arms.append(current.body)
            if len(current.orelse) == 1 and isinstance(current.orelse[0], ast.If):
                current = current.orelse[0]
                continue
            break
        arms.append(current.orelse)
        if is_main_guard(node.test) or (not current.orelse and _is_type_checking(node.test)):
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

    def lone(self, node: ast.Expr) -> None:
        self.expression(node.value)

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
        inner = Function(
            self.module, node, self.qualified(node.name), self.cls, self.function if self.function.qualname else None
        )
        args = node.args
        outside = [*node.decorator_list, *args.defaults, *(d for d in args.kw_defaults if d is not None)]
        annotations = [
            a.annotation for a in (*args.posonlyargs, *args.args, *args.kwonlyargs) if a.annotation is not None
        ]
        self.expressions([*outside, *annotations, *([node.returns] if node.returns is not None else [])])
        inner.annotations = annotations
        inner.injected = injected(args, outside, annotations)
        self.bind(node.name, "define", node, defined=inner)
        self.module.all_functions.append(inner)
        self.module.functions.setdefault(inner.qualname, inner)
        if not is_overload(node):
            self.module.functions[inner.qualname] = inner
        if self.cls is not None and self.in_class_body:
            if not is_overload(node) or node.name not in self.cls.methods:
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

    def class_(self, node: ast.ClassDef) -> None:
        self.expressions([*node.decorator_list, *node.bases, *(k.value for k in node.keywords)])
        inner = Class(
            self.module, node, self.qualified(node.name), self.function if self.function.qualname else None, self.cls
        )
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


def _position(site: CallSite) -> tuple[int, int]:
    return site.node.func.end_lineno or 0, site.node.func.end_col_offset or 0


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(n, ast.Name) and n.id in _IMPORT_ERRORS for n in ast.walk(handler.type))


_STATEMENTS: dict[type[ast.AST], Callable[..., None]] = {
    ast.FunctionDef: Collector.function_,
    ast.AsyncFunctionDef: Collector.function_,
    ast.ClassDef: Collector.class_,
    ast.If: Collector.if_,
    ast.Try: Collector.try_,
    ast.For: Collector.for_,
    ast.AsyncFor: Collector.for_,
    ast.While: Collector.while_,
    ast.With: Collector.with_,
    ast.AsyncWith: Collector.with_,
    ast.Match: Collector.match_,
    ast.Expr: Collector.lone,
    ast.Assign: Collector.assign,
    ast.AnnAssign: Collector.annotated,
    ast.AugAssign: Collector.augmented,
    ast.Delete: Collector.delete,
    ast.Return: Collector.return_,
    ast.Global: Collector.global_,
    ast.Nonlocal: Collector.global_,
    ast.Import: Collector.import_,
    ast.ImportFrom: Collector.import_from,
}
if hasattr(ast, "TryStar"):
    _STATEMENTS[ast.TryStar] = Collector.try_


def collect(base: CodeBase, module: Module) -> None:
    """Fills `module`."""
    Collector(base, module).run()
