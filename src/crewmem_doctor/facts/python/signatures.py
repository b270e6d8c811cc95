"""What decorators, defaults and annotations of a function say."""

from __future__ import annotations

import ast

_INJECTORS = {"Depends", "Security", "Provide", "Inject", "Injected"}


def is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A setter, a deleter or a typing overload does not stand for the name."""
    return any(
        (isinstance(d, ast.Attribute) and d.attr in ("setter", "deleter", "overload"))
        or (isinstance(d, ast.Name) and d.id == "overload")
        for d in node.decorator_list
    )


def injected(args: ast.arguments, outside: list[ast.expr], annotations: list[ast.expr]) -> list[ast.expr]:
    """What `Depends(…)` in the defaults, decorators and annotations names; for an empty one, the annotation."""
    found = [a for expr in (*outside, *annotations) for a in _given(expr)]
    found.extend(a.annotation for a, d in _with_defaults(args) if a.annotation is not None and _empty_injector(d))
    return found


def _given(expr: ast.expr) -> list[ast.expr]:
    if isinstance(expr, (ast.Name, ast.Constant, ast.Attribute)):
        return []
    return [
        arg
        for node in ast.walk(expr)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) or getattr(node.func, "attr", None)) in _INJECTORS
        for arg in (*node.args, *(k.value for k in node.keywords))
    ]


def _with_defaults(args: ast.arguments) -> list[tuple[ast.arg, ast.expr | None]]:
    positional = [*args.posonlyargs, *args.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = list(
        zip(reversed(positional), reversed(args.defaults), strict=False)
    )
    return [*pairs, *zip(args.kwonlyargs, args.kw_defaults, strict=False)]


def _empty_injector(default: ast.expr | None) -> bool:
    """`service: Service = Depends()` makes a Service."""
    return (
        isinstance(default, ast.Call)
        and not default.args
        and not default.keywords
        and (getattr(default.func, "id", None) or getattr(default.func, "attr", None)) in _INJECTORS
    )
