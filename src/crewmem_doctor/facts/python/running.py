"""Entries that live no longer than the call that makes them: a dict of the flows that run just now."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.facts.python.index import Function
from crewmem_doctor.facts.python.survey import last_name


def ends_with_its_call(function: Function, word: str) -> bool:
    """Whether a function takes out again, whatever happens in between but an error, each entry that it puts into the
    container called `word`."""
    if isinstance(function.node, ast.Module):
        return False
    put = {
        ast.unparse(s.target.slice)
        for s in function.stores
        if isinstance(s.target, ast.Subscript) and last_name(s.target.value) == word
    }
    taken = {key for statement in function.node.body for key in _taken(statement, word)}
    return bool(put) and put <= taken


def _taken(statement: ast.stmt, word: str) -> Iterator[str]:
    """The keys that are removed on the way through; what only one arm or a handler removes does not count."""
    if isinstance(statement, ast.Delete):
        for target in statement.targets:
            if isinstance(target, ast.Subscript) and last_name(target.value) == word:
                yield ast.unparse(target.slice)
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == "pop"
            and last_name(call.func.value) == word
            and call.args
        ):
            yield ast.unparse(call.args[0])
    inner: list[ast.stmt] = []
    if isinstance(statement, ast.Try):
        inner = [*statement.body, *statement.orelse, *statement.finalbody]
    elif isinstance(statement, (ast.With, ast.AsyncWith)) or (
        isinstance(statement, ast.If) and _asks_whether_it_is_there(statement.test, word)
    ):
        inner = statement.body
    for part in inner:
        yield from _taken(part, word)


def _asks_whether_it_is_there(test: ast.expr, word: str) -> bool:
    return (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.In)
        and last_name(test.comparators[0]) == word
    )
