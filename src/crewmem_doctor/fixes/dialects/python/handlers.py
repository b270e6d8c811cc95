"""Exception handlers that swallow what memory raises."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Union

from crewmem_doctor.fixes.dialects.python.imports import added, name_of
from crewmem_doctor.fixes.dialects.python.syntax import Code, Splice
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import RaiseAgain, RaiseInstead

_LOGGERS = ("logger", "log", "LOGGER", "LOG", "_logger", "_log")
_MAKERS = ("getLogger", "get_logger", "bind")
_GOES = (ast.Return, ast.Pass, ast.Continue, ast.Break, ast.Assign, ast.AnnAssign, ast.AugAssign)


def apply(change: Union[RaiseAgain, RaiseInstead], code: Code) -> Sequence[Splice]:
    if isinstance(change, RaiseInstead):
        return [_instead(change, code)]
    node = code.beginning(change.at, ast.ExceptHandler, ast.With, ast.AsyncWith)
    if isinstance(node, ast.ExceptHandler):
        return _handler(change, code, node)
    assert isinstance(node, (ast.With, ast.AsyncWith))
    return _suppressed(change, code, node)


def _instead(change: RaiseInstead, code: Code) -> Splice:
    value = code.spanning(change.at)
    statement = code.parents[value]
    branch = code.parents.get(statement)
    alone = isinstance(branch, ast.If) and [statement] in (branch.body, branch.orelse)
    if not alone or not isinstance(statement, (ast.Assign, ast.Return)) or statement.value is not value:
        raise Refused(f"line {change.at.line} of {code.path} does more than to choose another store; let it stop there")
    code.indentation(statement)
    return code.replaced(statement, f'raise RuntimeError("{change.message}")')


def _handler(change: RaiseAgain, code: Code, handler: ast.ExceptHandler) -> Sequence[Splice]:
    """What it logs and cleans up stays; what it goes on with gives way to `raise`."""
    if any(isinstance(n, (ast.For, ast.AsyncFor, ast.While)) for n in _own(code, handler)):
        raise Refused(
            f"the handler at line {handler.lineno} of {code.path} lets a loop go on with the next one; "
            "count what failed there, and raise behind the loop"
        )
    body = handler.body
    for statement in body:
        constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not (isinstance(statement, (ast.Expr, *_GOES)) or constant):
            raise Refused(
                f"the handler at line {handler.lineno} of {code.path} does more than to log and go on; "
                "let it raise in the end"
            )
    kept = [s for s in body if isinstance(s, ast.Expr) and not isinstance(s.value, ast.Constant)]
    lines = [] if kept else [""]
    moved: list[Splice] = []
    if not kept:
        call, moved = _log(code, change.message, code.top(handler))
        lines = [call]
    lines.append("raise")
    if body[0].lineno == handler.lineno or "\n" not in code.text[code.span(handler)[0] : code.span(body[0])[0]]:
        raise Refused(f"the handler at line {handler.lineno} of {code.path} stands on one line")
    indent = code.indentation(body[0])
    gone = [s for s in body if s not in kept]
    if not gone:
        return [code.below(kept[-1], f"{indent}raise"), *moved]
    if kept and body.index(gone[0]) < body.index(kept[-1]):
        raise Refused(
            f"the handler at line {handler.lineno} of {code.path} goes on before it logs; let it raise in the end"
        )
    for statement in gone:
        code.indentation(statement)
    return [Splice(code.span(gone[0])[0], code.span(gone[-1])[1], f"\n{indent}".join(lines)), *moved]


def _own(code: Code, node: ast.AST) -> Iterator[ast.AST]:
    """What a node stands in inside its function."""
    for above in code.above(node):
        if isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return
        yield above


def _suppressed(change: RaiseAgain, code: Code, block: ast.With | ast.AsyncWith) -> Sequence[Splice]:
    """`with suppress(X):` → `try:` … `except X:` that logs and raises."""
    item = block.items[0].context_expr if len(block.items) == 1 else None
    name = getattr(item.func, "attr", getattr(item.func, "id", "")) if isinstance(item, ast.Call) else ""
    if not isinstance(item, ast.Call) or name != "suppress" or isinstance(block, ast.AsyncWith) or not item.args:
        raise Refused(f"line {block.lineno} of {code.path} is no plain suppress")
    indent = code.indentation(block)
    if block.body[0].lineno == block.lineno:
        raise Refused(f"line {block.lineno} of {code.path} holds more than one statement")
    what = code.source(item.args[0]) if len(item.args) == 1 else f"({', '.join(code.source(a) for a in item.args)})"
    call, moved = _log(code, change.message, code.top(block))
    step = code.indentation(block.body[0])
    start, end = code.span(block)[0], code.span(item)[1]
    colon = code.text.index(":", end) + 1
    return [
        Splice(start, colon, "try:"),
        code.below(block, f"{indent}except {what}:\n{step}{call}\n{step}raise"),
        *moved,
    ]


def _log(code: Code, message: str, index: int) -> tuple[str, list[Splice]]:
    """A line that logs the exception as the module logs, and the import that it needs."""
    for statement in code.tree.body:
        for target in statement.targets if isinstance(statement, ast.Assign) else ():
            made = statement.value if isinstance(statement, ast.Assign) else None
            maker = getattr(made.func, "attr", getattr(made.func, "id", "")) if isinstance(made, ast.Call) else ""
            if isinstance(target, ast.Name) and maker in _MAKERS:
                return f'{target.id}.exception("{message}")', []
        if isinstance(statement, ast.ImportFrom):
            found = next((a.asname or a.name for a in statement.names if (a.asname or a.name) in _LOGGERS), None)
            if found is not None:
                return f'{found}.exception("{message}")', []
    local, line = name_of(code, "logging", "", index)
    return f'{local}.getLogger(__name__).exception("{message}")', added(code, [line] if line else [], index)
