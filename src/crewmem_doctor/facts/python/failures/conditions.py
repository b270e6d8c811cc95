"""Tests for a setting: `if url: … else: …`, `a if os.getenv("X") else b`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Union

from crewmem_doctor.facts.python.index import Module, Scope
from crewmem_doctor.facts.python.survey import Survey
from crewmem_doctor.model.expression import EnvVar, walk

Test = Union[ast.If, ast.IfExp]
# A variable that names a place or its key; one that chooses a mode or is a switch is a decision, not a setting.
_SETTING = re.compile(
    r"(?:^|_)(?:URL|URI|DSN|HOST|HOSTNAME|ENDPOINT|ADDRESS|CONNECTION|CONN|DATABASE|POSTGRES\w*|REDIS\w*|QDRANT\w*|"
    r"MONGO\w*|CHROMA\w*|WEAVIATE\w*|PINECONE\w*|MEM0\w*|ZEP\w*|HONCHO\w*|DIR|PATH|KEY|TOKEN|SECRET)(?:$|_)"
)
_SWITCH = re.compile(
    r"(?:^|_)(?:ENABLE\w*|USE|DISABLE\w*|MODE|ENV|ENVIRONMENT|DEBUG|TEST\w*|STAGE|PROVIDER|BACKEND|TYPE|DEV|LOCAL|CI)"
    r"(?:$|_)"
)


def is_setting(name: str) -> bool:
    return bool(_SETTING.search(name.upper())) and not _SWITCH.search(name.upper())


def settings_in(survey: Survey, test: ast.expr, scope: Scope) -> tuple[str, ...]:
    """The settings whose presence a test asks for. One that compares with a text or calls something else asks more."""
    names: list[str] = []
    for part in _presence(test):
        for expr in walk(survey.base.evaluate(part, scope)):
            if isinstance(expr, EnvVar):
                names.append(expr.name)
    return tuple(dict.fromkeys(names)) if names and all(is_setting(n) for n in names) else ()


def _presence(test: ast.expr) -> list[ast.expr]:
    if isinstance(test, ast.BoolOp):
        return [p for v in test.values for p in _presence(v)]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _presence(test.operand)
    if isinstance(test, ast.Compare):
        other = test.comparators[0]
        if isinstance(other, ast.Constant) and other.value in (None, ""):
            return [test.left]
        if isinstance(test.left, ast.Constant) and isinstance(test.ops[0], (ast.In, ast.NotIn)):
            return [ast.copy_location(ast.Subscript(value=other, slice=test.left, ctx=ast.Load()), test)]
        return []
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "bool":
        return list(test.args)
    return [test]


def arms(test: Test) -> tuple[list[ast.stmt] | list[ast.expr], list[ast.stmt] | list[ast.expr]]:
    """What runs where the setting is missing, and where it is given."""
    body: list[ast.stmt] | list[ast.expr] = test.body if isinstance(test, ast.If) else [test.body]
    other: list[ast.stmt] | list[ast.expr] = test.orelse if isinstance(test, ast.If) else [test.orelse]
    return (body, other) if _negative(test.test) else (other, body)


def _negative(test: ast.expr) -> bool:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return True
    if isinstance(test, ast.BoolOp):
        return all(_negative(v) for v in test.values)
    return isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Is, ast.Eq, ast.NotIn))


def tests(module: Module) -> Iterator[Test]:
    if (
        "environ" not in module.text
        and "getenv" not in module.text
        and "settings" not in module.text.lower()
        and ("config" not in module.text.lower())
    ):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.If, ast.IfExp)):
            yield node


def scope_at(module: Module, node: ast.AST) -> Scope:
    line = getattr(node, "lineno", 0)
    inner = [f for f in module.all_functions if not f.is_body and f.node.lineno <= line <= (f.node.end_lineno or 0)]  # type: ignore[union-attr]
    return max(inner, key=lambda f: f.node.lineno).scope if inner else module.scope  # type: ignore[union-attr]


def leaves_with(arm: Iterable[ast.AST]) -> bool:
    return any(isinstance(last, (ast.Return, ast.Raise)) for last in list(arm)[-1:])


def end_of(arm: Iterable[ast.AST]) -> int:
    return max((getattr(n, "end_lineno", 0) or 0 for n in arm), default=0)
