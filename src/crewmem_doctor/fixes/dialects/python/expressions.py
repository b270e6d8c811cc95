"""One expression for another."""

from __future__ import annotations

from crewmem_doctor.fixes.dialects.python.syntax import Code, expression, with_imports
from crewmem_doctor.model.changes.code import ReplaceExpression


def apply(change: ReplaceExpression, code: Code) -> str:
    old = code.spanning(change.at)
    return with_imports(code.replaced((old, expression(change.value))), change.imports).code
