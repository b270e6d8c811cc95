"""What stands inside what, by its place in the source."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.nodes import CallSite


def statement_around(site: CallSite) -> ast.stmt | None:
    """The statement of its module's top level in which a call stands."""
    line = site.node.lineno
    found = (s for s in site.scope.module.tree.body if s.lineno <= line <= (s.end_lineno or 0))
    return next(found, None)


def holds(outer: ast.stmt | ast.expr, inner: ast.expr) -> bool:
    start, end = (outer.lineno, outer.col_offset), (outer.end_lineno or 0, outer.end_col_offset or 0)
    return start <= (inner.lineno, inner.col_offset) < end
