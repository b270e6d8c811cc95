"""Calls whose result is an object: constructors, and functions that are not looked into."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.nodes import Class
from crewmem_doctor.model.expression import Build, Choice, Expr, Opaque, Table

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.nodes import Scope
    from crewmem_doctor.facts.python.values import Evaluator


def build(
    ev: Evaluator,
    callee: str,
    node: ast.Call,
    scope: Scope,
    cls: Class | None,
    bound: Sequence[tuple[ast.Call, Scope]] = (),
) -> Expr:
    """A constructor's or an unknown function's call, with `**kwargs` spread. `bound` are calls of `partial` that bring
    arguments: theirs stand first, and what the call gives by name stands for theirs."""
    args: list[Expr] = []
    kwargs: dict[str, Expr] = {}
    for given, home in bound:
        args.extend(ev.evaluate(a, home) for a in given.args[1:30])
        kwargs.update(_keywords(ev, given, home))
    args.extend(ev.evaluate(a, scope) for a in node.args[:30])
    kwargs.update(_keywords(ev, node, scope))
    path = cls.module.path if cls is not None else ""
    bases = ev.base.bases(callee) if cls is not None else ()
    receiver = None if bound else _receiver(ev, callee, node, scope)
    return Build(callee, tuple(args), tuple(kwargs.items()), ev.at(node, scope), path, bases, receiver)


def _keywords(ev: Evaluator, node: ast.Call, scope: Scope) -> Iterator[tuple[str, Expr]]:
    for keyword in node.keywords[:80]:
        value = ev.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            yield keyword.arg, value
            continue
        if isinstance(value, Table):
            yield from dict(value.items).items()
        if not isinstance(value, Table) or value.open:
            yield "**", Opaque("keyword arguments that were not followed", value.at)


def _receiver(ev: Evaluator, callee: str, node: ast.Call, scope: Scope) -> Expr | None:
    """The object whose method is called, where it is one that was built: the memory in `memory.scope("/x")`."""
    if not callee.startswith(("crewai.", "mem0.")) or not isinstance(node.func, ast.Attribute):
        return None
    value = ev.evaluate(node.func.value, scope)
    return value if isinstance(value, (Build, Choice)) else None
