"""What the code makes for its tests only: `if os.environ.get("APP_ENV") == "test": return Memory(storage="/tmp/x")`."""

from __future__ import annotations

import ast
import re

from crewmem_doctor.facts.python.nodes import CallSite
from crewmem_doctor.facts.python.within import holds, statement_around

_TESTS = frozenset(("test", "tests", "testing", "unittest", "pytest", "ci"))
# What chooses the stage, and what says by itself that tests run.
_STAGE = re.compile(r"(?:\w+_)?(?:ENV|ENVIRONMENT|STAGE|MODE|PROFILE)", re.IGNORECASE)
_TESTING = re.compile(
    r"(?:\w+_)?TESTING|TEST_MODE|(?:IS|IN|UNDER|RUNNING)_TESTS?|PYTEST(?:_CURRENT_TEST|_VERSION)?", re.IGNORECASE
)


def for_tests(site: CallSite) -> bool:
    """Whether the call stands in an arm that only tests take."""
    statement = statement_around(site)
    return statement is not None and any(_taken_by_tests(node, site.node) for node in ast.walk(statement))


def _taken_by_tests(node: ast.AST, call: ast.Call) -> bool:
    if not isinstance(node, (ast.If, ast.IfExp)):
        return False
    body: list[ast.stmt] | list[ast.expr] = node.body if isinstance(node, ast.If) else [node.body]
    other: list[ast.stmt] | list[ast.expr] = node.orelse if isinstance(node, ast.If) else [node.orelse]
    if any(holds(part, call) for part in body):
        return _means_tests(node.test, True)
    return any(holds(part, call) for part in other) and _means_tests(node.test, False)


def _means_tests(test: ast.expr, holds: bool) -> bool:
    """Whether tests run for sure where the condition holds, or where it does not."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _means_tests(test.operand, not holds)
    if isinstance(test, ast.BoolOp):
        every = any if isinstance(test.op, ast.And) is holds else all
        return every(_means_tests(value, holds) for value in test.values)
    if isinstance(test, ast.Compare):
        return len(test.ops) == 1 and _compares(test.left, test.ops[0], test.comparators[0], holds)
    return holds and _names(_TESTING, test)


def _compares(left: ast.expr, operator: ast.cmpop, right: ast.expr, holds: bool) -> bool:
    equal = isinstance(operator, (ast.Eq, ast.In) if holds else (ast.NotEq, ast.NotIn))
    if isinstance(left, ast.Constant) and isinstance(operator, ast.In):
        return holds and left.value in ("pytest", "PYTEST_CURRENT_TEST")  # in sys.modules, in os.environ
    said = {n.value for n in ast.walk(right) if isinstance(n, ast.Constant)}
    if not equal or not said:
        return False
    if said <= _TESTS:
        # A stage that is the tests' unless someone says otherwise is everybody's.
        default = any(isinstance(n, ast.Constant) and n.value in _TESTS for n in ast.walk(left))
        return not default and _names(_STAGE, left)
    return said <= {True, "1", "true", "True", "yes"} and _names(_TESTING, left)


def _names(pattern: re.Pattern[str], node: ast.expr) -> bool:
    """Whether one of the words in it, names and texts alike, fits."""
    words = [getattr(n, "id", None) or getattr(n, "attr", None) or getattr(n, "value", None) for n in ast.walk(node)]
    return any(isinstance(word, str) and pattern.fullmatch(word) for word in words)
