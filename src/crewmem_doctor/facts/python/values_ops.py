"""Operators, displays and formatted text."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.truth import FALSE_WORDS, truth
from crewmem_doctor.model.expression import Choice, EnvVar, Expr, Items, Joined, Opaque, Place, Table, Text
from crewmem_doctor.model.known import Known

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.nodes import Scope
    from crewmem_doctor.facts.python.values import Evaluator

_TRUE_WORDS = {"1", "true", "yes", "on", "y", "t", "enabled"}
_PERCENT = re.compile(r"%(?:\((\w+)\))?[-#0 +]*\d*(?:\.\d+)?([sdrifxX%])")


def f_string(ev: Evaluator, node: ast.JoinedStr, scope: Scope) -> Expr:
    from crewmem_doctor.facts.python.values import concat

    return concat([ev.evaluate(part, scope) for part in node.values[:60]], ev.at(node, scope))


def table(ev: Evaluator, node: ast.Dict, scope: Scope) -> Expr:
    """`{**base, "memory": True}`; keys that are not constant text leave the table open."""
    items: list[tuple[str, Expr]] = []
    is_open = False
    for key, value in zip(node.keys[:300], node.values, strict=False):
        if key is None:
            inner = ev.evaluate(value, scope)
            if isinstance(inner, Table):
                items.extend(inner.items)
                is_open = is_open or inner.open
            else:
                is_open = True
            continue
        name = ev.evaluate(key, scope)
        if isinstance(name, Text) and isinstance(name.value, str):
            items.append((name.value, ev.evaluate(value, scope)))
        else:
            is_open = True
    return Table(tuple(items), is_open, ev.at(node, scope))


def conditional(ev: Evaluator, node: ast.IfExp, scope: Scope) -> Expr:
    """`a if a else b` is a fallback; a constant test decides; anything else is a choice."""
    from crewmem_doctor.facts.python.values import choice

    body, orelse = ev.evaluate(node.body, scope), ev.evaluate(node.orelse, scope)
    decided = ev.evaluate(node.test, scope)
    if isinstance(decided, Text):
        return body if decided.value else orelse
    tested = ast.dump(node.test)
    negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
    if _tests(node.test, node.body) or (not negated and ast.dump(node.body) in tested and _short(node.body)):
        return choice([body, orelse], ev.at(node, scope), fallback=True)
    if _tests(node.test, node.orelse) or (negated and ast.dump(node.orelse) in tested and _short(node.orelse)):
        return choice([orelse, body], ev.at(node, scope), fallback=True)
    answer = truth(decided)
    if isinstance(answer, Known) and isinstance(decided, (EnvVar, Choice)):
        first, second = (body, orelse) if answer.value else (orelse, body)
        return choice([first, second], ev.at(node, scope), fallback=isinstance(first, Text))
    return choice([body, orelse], ev.at(node, scope))


def _tests(test: ast.expr, value: ast.expr) -> bool:
    return ast.dump(test) == ast.dump(value)


def _short(node: ast.expr) -> bool:
    return isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Call))


def boolean(ev: Evaluator, node: ast.BoolOp, scope: Scope) -> Expr:
    """`a or b` falls back; of `a and b` what is constantly true is left out, and a constant false decides."""
    from crewmem_doctor.facts.python.values import choice

    at = ev.at(node, scope)
    values = [ev.evaluate(v, scope) for v in node.values[:12]]
    if isinstance(node.op, ast.Or):
        kept: list[Expr] = []
        for value in values:
            if isinstance(value, Text) and not value.value and value is not values[-1]:
                continue
            kept.append(value)
            if isinstance(value, Text) and value.value:
                break
        return choice(kept, at, fallback=True)
    for value in values:
        if isinstance(value, Text) and not value.value:
            return value
    rest = [v for v in values[:-1] if not isinstance(v, Text)] + [values[-1]]
    answers = [truth(v) for v in rest]
    if len(rest) > 1 and any(isinstance(a, Known) and not a.value for a in answers):
        return Choice((Text(False, at), *rest), True, at) if len(rest) < 2 else _off(rest, at)
    return rest[0] if len(rest) == 1 else choice(rest, at)


def _off(rest: list[Expr], at: object) -> Expr:
    """By default the whole is false; the variable that could turn it on stands first."""
    name = next((v for v in rest if isinstance(v, EnvVar) and not _on(v)), None)
    return name if name is not None else Opaque("several settings decide", rest[0].at)


def _on(value: EnvVar) -> bool:
    answer = truth(value)
    return isinstance(answer, Known) and answer.value


def binary(ev: Evaluator, node: ast.BinOp, scope: Scope) -> Expr:
    at = ev.at(node, scope)
    if isinstance(node.op, ast.Add):
        return _add(ev, node, scope)
    if isinstance(node.op, ast.Div):
        return _divide(ev, node, scope)
    if isinstance(node.op, ast.Mod):
        return _percent(ev, node, scope)
    left, right = ev.evaluate(node.left, scope), ev.evaluate(node.right, scope)
    if isinstance(node.op, ast.BitOr) and isinstance(left, Table):
        extra = right.items if isinstance(right, Table) else ()
        return Table((*left.items, *extra), left.open or not isinstance(right, Table) or right.open, at)
    if isinstance(left, Text) and isinstance(right, Text) and type(left.value) is int and type(right.value) is int:
        if isinstance(node.op, ast.Mult) and abs(left.value) < 1 << 40 and abs(right.value) < 1 << 40:
            return Text(left.value * right.value, at)
        if isinstance(node.op, ast.Sub):
            return Text(left.value - right.value, at)
    return Opaque("a computed value", at)


def _spine(node: ast.expr, kind: type[ast.operator]) -> list[ast.expr]:
    """The operands of a long chain of one operator, without recursion."""
    parts: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, kind):
        parts.append(node.right)
        node = node.left
    parts.append(node)
    return parts[::-1][:80]


def _add(ev: Evaluator, node: ast.BinOp, scope: Scope) -> Expr:
    from crewmem_doctor.facts.python.values import concat

    parts = [ev.evaluate(p, scope) for p in _spine(node, ast.Add)]
    at = ev.at(node, scope)
    if any(isinstance(p, Items) for p in parts):
        return Items(tuple(i for p in parts for i in (p.items if isinstance(p, Items) else (p,))), at)
    numbers = [p.value for p in parts if isinstance(p, Text) and isinstance(p.value, (int, float))]
    if len(numbers) == len(parts):
        return Text(sum(numbers), at)
    return concat(parts, at)


def _divide(ev: Evaluator, node: ast.BinOp, scope: Scope) -> Expr:
    from crewmem_doctor.facts.python.values_paths import joined

    parts = [ev.evaluate(p, scope) for p in _spine(node, ast.Div)]
    if all(isinstance(p, Text) and isinstance(p.value, (int, float)) for p in parts):
        return Opaque("a computed number", ev.at(node, scope))
    return joined(parts, ev.at(node, scope))


def _percent(ev: Evaluator, node: ast.BinOp, scope: Scope) -> Expr:
    from crewmem_doctor.facts.python.values import concat

    left, right = ev.evaluate(node.left, scope), ev.evaluate(node.right, scope)
    at = ev.at(node, scope)
    if not isinstance(left, Text) or not isinstance(left.value, str):
        return Opaque("a computed value", at)
    given = list(right.items) if isinstance(right, Items) else [right]
    parts: list[Expr] = []
    position = 0
    for match in _PERCENT.finditer(left.value):
        parts.append(Text(left.value[position : match.start()], at))
        position = match.end()
        if match[2] == "%":
            parts.append(Text("%", at))
        elif match[1]:
            named = right.get(match[1]) if isinstance(right, Table) else None
            parts.append(named or Opaque("a formatted value", at))
        else:
            parts.append(given.pop(0) if given else Opaque("a formatted value", at))
    return concat([*parts, Text(left.value[position:], at)], at)


def compare(ev: Evaluator, node: ast.Compare, scope: Scope) -> Expr:
    """`os.getenv("X", "true").lower() == "true"` is a switch named X with the answer of its default."""
    at = ev.at(node, scope)
    if len(node.ops) != 1:
        return Opaque("a comparison", at)
    left, right = ev.evaluate(node.left, scope), ev.evaluate(node.comparators[0], scope)
    op = node.ops[0]
    wanted = (
        [i.value for i in right.items if isinstance(i, Text)]
        if isinstance(right, Items)
        else ([right.value] if isinstance(right, Text) else None)
    )
    if wanted is None or not isinstance(op, (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)):
        return Opaque("a comparison", at)
    equal = isinstance(op, (ast.Eq, ast.In, ast.Is))
    if isinstance(left, Text):
        return Text((left.value in wanted) == equal, at)
    if isinstance(left, EnvVar) and (left.default is None or isinstance(left.default, Text)):
        unset = _matches(left.default.value if isinstance(left.default, Text) else None, wanted) == equal
        words = {str(w).strip().lower() for w in wanted}
        if equal and words <= _TRUE_WORDS:
            return EnvVar(left.name, Text(unset, at), at)
        if not equal and words <= FALSE_WORDS and None not in wanted:
            return EnvVar(left.name, Text(unset, at), at)
        return Choice((Text(unset, at), Opaque(f"{left.name} decides", at)), True, at)
    if isinstance(left, (Place, Joined)) and wanted == [None]:
        return Text(not equal, at)
    return Opaque("a comparison", at)


def _matches(value: object, wanted: Sequence[object]) -> bool:
    """Whether the default is among them; its case is forgiven, for `.lower()` has been looked through."""
    return value in wanted or (isinstance(value, str) and value.lower() in wanted)


def unary(ev: Evaluator, node: ast.UnaryOp, scope: Scope) -> Expr:
    value = ev.evaluate(node.operand, scope)
    at = ev.at(node, scope)
    if isinstance(node.op, ast.Not):
        if isinstance(value, Text):
            return Text(not value.value, at)
        answer = truth(value)
        if isinstance(answer, Known):
            name = value.name if isinstance(value, EnvVar) else "a setting"
            return Choice((Text(not answer.value, at), Opaque(f"{name} decides", at)), True, at)
        return Opaque("a negated value", at)
    if isinstance(node.op, ast.USub) and isinstance(value, Text) and isinstance(value.value, (int, float)):
        return Text(-value.value, at)
    return Opaque("a computed value", at)
