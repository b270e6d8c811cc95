"""Values as the code computes them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python import values_calls, values_fields, values_names, values_ops
from crewmem_doctor.facts.python.nodes import Function, Scope
from crewmem_doctor.model.expression import Choice, Concat, EnvVar, Expr, FromCaller, Items, Opaque, Table, Text
from crewmem_doctor.model.location import Location

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

_DEPTH = 26
_OPTIONS = 8
_BUDGET = 4000  # evaluations for one question; what lies beyond is Opaque


class Evaluator:
    """Turns expressions of the source into `Expr`.

    While a call of a scanned function is being followed, its arguments stand in `frames`, so that parameters mean
    what this call passes; elsewhere they mean what any caller passes.
    """

    def __init__(self, base: CodeBase) -> None:
        self.base = base
        self.frames: list[tuple[Function, ast.Call, Scope]] = []
        self.active: set[tuple[int, ...]] = set()
        self._memo: dict[tuple[int, ...], tuple[Expr, ast.expr, tuple[ast.Call, ...]]] = {}
        self._depth = 0
        self._spent = 0
        self._cuts = 0

    def evaluate(self, node: ast.expr | None, scope: Scope) -> Expr:
        if node is None:
            return Opaque("no value")
        calls = tuple([call for _, call, _ in self.frames]) if self.frames else ()
        key = (id(node), *map(id, calls))
        known = self._memo.get(key)
        if known is not None:
            return known[0]
        if self._depth == 0:
            self._spent = 0
        self._spent += 1
        if self._depth > _DEPTH or self._spent > _BUDGET or key in self.active:
            self._cuts += 1
            return Opaque("too deep to follow", self.at(node, scope))
        cuts = self._cuts
        self._depth += 1
        self.active.add(key)
        try:
            found = self._evaluate(node, scope)
        finally:
            self._depth -= 1
            self.active.discard(key)
        if self._depth == 0 or cuts == self._cuts:
            self._memo[key] = (found, node, calls)  # the nodes stay alive, so their ids stay theirs
        return found

    def at(self, node: ast.AST, scope: Scope) -> Location:
        return self.base.location(node, scope.module)

    def _evaluate(self, node: ast.expr, scope: Scope) -> Expr:
        at = self.at(node, scope)
        if isinstance(node, ast.Constant):
            value = node.value
            return (
                Text(value, at)
                if isinstance(value, (str, int, float, bool, bytes)) or value is None
                else Opaque("…", at)
            )
        if isinstance(node, ast.Name):
            return values_names.name(self, node, scope)
        if isinstance(node, ast.Attribute):
            return values_fields.attribute(self, node, scope)
        if isinstance(node, ast.Call):
            return values_calls.call(self, node, scope)
        if isinstance(node, (ast.Await, ast.NamedExpr, ast.Starred, ast.FormattedValue)):
            return self.evaluate(node.value, scope)
        if isinstance(node, ast.JoinedStr):
            return values_ops.f_string(self, node, scope)
        if isinstance(node, ast.Dict):
            return values_ops.table(self, node, scope)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return Items(tuple(self.evaluate(e, scope) for e in node.elts[:200]), at)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            return Items((self.evaluate(node.elt, scope),), at)
        if isinstance(node, ast.DictComp):
            return Table((), True, at)
        if isinstance(node, ast.IfExp):
            return values_ops.conditional(self, node, scope)
        if isinstance(node, ast.BoolOp):
            return values_ops.boolean(self, node, scope)
        if isinstance(node, ast.BinOp):
            return values_ops.binary(self, node, scope)
        if isinstance(node, ast.Compare):
            return values_ops.compare(self, node, scope)
        if isinstance(node, ast.UnaryOp):
            return values_ops.unary(self, node, scope)
        if isinstance(node, ast.Subscript):
            return values_fields.subscript(self, node, scope)
        return Opaque("a lambda" if isinstance(node, ast.Lambda) else "an expression that was not followed", at)

    def called(self, function: Function, node: ast.Call, scope: Scope) -> Expr:
        """What a scanned function returns for that call: its one value, or the choice of a few."""
        if len(self.frames) > 8 or any(f is function for f, _, _ in self.frames):
            return Opaque(f"{function.name}() calls itself", self.at(node, scope))
        self.frames.append((function, node, scope))
        try:
            return self.returned(function, self.at(node, scope))
        finally:
            self.frames.pop()

    def returned(self, function: Function, at: Location) -> Expr:
        values = [r.value for r in function.returns if r.value is not None]
        if not values and function.yields:
            values = [y.value for y in function.yields if y.value is not None]
        if not values or len(values) > 6:
            return Opaque(f"{function.name}() returns nothing that can be followed", at)
        return choice([self.evaluate(v, function.scope) for v in values], at)


def choice(options: Sequence[Expr], at: Location | None = None, fallback: bool = False) -> Expr:
    """The options without repetitions; one alone is itself."""
    flat: list[Expr] = []
    for option in options:
        parts = option.options if isinstance(option, Choice) and option.fallback == fallback else (option,)
        flat.extend(p for p in parts if not any(_same(p, f) for f in flat))
        if len(flat) >= _OPTIONS:
            break
    return flat[0] if len(flat) == 1 else Choice(tuple(flat[:_OPTIONS]), fallback, at)


def _same(one: Expr, other: Expr) -> bool:
    if one is other:
        return True
    if isinstance(one, Text) and isinstance(other, Text):
        return type(one.value) is type(other.value) and one.value == other.value
    if isinstance(one, EnvVar) and isinstance(other, EnvVar):
        return one.name == other.name and one.default == other.default
    if isinstance(one, FromCaller) and isinstance(other, FromCaller):
        return one.what == other.what
    return one == other


def concat(parts: Sequence[Expr], at: Location | None = None) -> Expr:
    """Text put together; constants that stand side by side become one."""
    merged: list[Expr] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Concat) else (part,):
            last = merged[-1] if merged else None
            if isinstance(piece, Text) and isinstance(last, Text):
                merged[-1] = Text(f"{_show(last)}{_show(piece)}", at)
            else:
                merged.append(piece)
    if len(merged) == 1 and isinstance(merged[0], Text):
        return Text(_show(merged[0]), at)
    return Concat(tuple(merged), at)


def _show(text: Text) -> str:
    return str(text.value)
