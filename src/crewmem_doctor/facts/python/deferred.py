"""Calls at module or class level that an import does not make yet: those of lambdas, and the defaults of fields."""

from __future__ import annotations

import ast
from typing import Literal

from crewmem_doctor.facts.python.nodes import CallSite
from crewmem_doctor.facts.python.within import holds, statement_around

Level = Literal["module", "class", "function"]
FACTORIES = ("default_factory", "factory")


def level_of(site: CallSite) -> Level:
    """Where the call is made: that of a lambda is made when the lambda is called, as in a function."""
    level = site.scope.level
    if level == "function":
        return level
    statement = statement_around(site)
    deferred = statement is not None and any(_defers(node, site) for node in ast.walk(statement))
    return "function" if deferred else level


def _defers(node: ast.AST, site: CallSite) -> bool:
    if isinstance(node, ast.Lambda):
        body = node.body
    elif isinstance(node, ast.keyword) and node.arg in FACTORIES:
        body = node.value
        if isinstance(body, ast.Call):
            return False  # the call gives the factory
    else:
        return False
    return holds(body, site.node)
