"""Calls at module or class level that an import does not make yet: those of lambdas, and the defaults of fields."""

from __future__ import annotations

import ast
from typing import Literal

from crewmem_doctor.facts.python.nodes import CallSite

Level = Literal["module", "class", "function"]
FACTORIES = ("default_factory", "factory")


def level_of(site: CallSite) -> Level:
    """Where the call is made: that of a lambda is made when the lambda is called, as in a function."""
    level = site.scope.level
    if level == "function":
        return level
    line = site.node.lineno
    for statement in site.scope.module.tree.body:
        if statement.lineno <= line <= (statement.end_lineno or 0):
            return "function" if any(_defers(node, site) for node in ast.walk(statement)) else level
    return level


def _defers(node: ast.AST, site: CallSite) -> bool:
    if isinstance(node, ast.Lambda):
        body = node.body
    elif isinstance(node, ast.keyword) and node.arg in FACTORIES:
        body = node.value
        if isinstance(body, ast.Call):
            return False  # the call gives the factory
    else:
        return False
    start = (site.node.lineno, site.node.col_offset)
    return (body.lineno, body.col_offset) <= start < (body.end_lineno or 0, body.end_col_offset or 0)
