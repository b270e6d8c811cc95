"""Where nodes and locations lie in one another."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from crewmem_doctor.model.location import Location


def holds(body: Iterable[ast.AST], at: Location) -> bool:
    return within(list(body), at)


def within(nodes: Iterable[ast.AST], at: Location) -> bool:
    for node in nodes:
        start = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
        end = (getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0)
        if start[0] < at.line < end[0] or (start[0] <= at.line <= end[0] and start <= (at.line, at.column - 1) <= end):
            return True
    return False


def clause(handler: ast.ExceptHandler, path: str) -> Location:
    end = (
        handler.type.end_col_offset if handler.type is not None and handler.type.end_lineno == handler.lineno else None
    )
    return Location(path, handler.lineno, handler.col_offset + 1, handler.lineno, (end or handler.col_offset + 6) + 1)


def targets(body: Iterable[ast.stmt], made: ast.Call) -> set[str]:
    """The names that the statement with that call assigns."""
    found: set[str] = set()
    for statement in (n for s in body for n in ast.walk(s) if isinstance(n, (ast.Assign, ast.AnnAssign))):
        if statement.value is not None and any(n is made for n in ast.walk(statement.value)):
            found |= {
                ast.unparse(t) for t in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
            }
    return found
