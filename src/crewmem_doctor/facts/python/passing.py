"""What callers pass for a parameter, also where they hand the function on and its arguments with it."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.keeping import Keeping
from crewmem_doctor.facts.python.nodes import CallSite, Function, Scope

_TASK_CALLS = ("delay", "apply_async", "s", "si", "send", "remote", "spawn", "submit", "call", "defer")
_MAX = 8


class Passing(Keeping):
    """Parameters followed to their callers."""

    def passed_directly(self, function: Function, name: str) -> list[tuple[ast.expr, Scope]]:
        """The expressions that direct calls give for the parameter, with where they stand."""
        found = [
            (argument(s.node, function, name, self._bound(s, function)), s.scope) for s in self.callers(function)[:_MAX]
        ]
        return [(given, scope) for given, scope in found if given is not None]

    def arguments(self, function: Function, name: str) -> list[tuple[ast.expr | None, Scope]]:
        """What callers pass, also those that hand the function on; None for each that leaves it to the default."""
        found: list[tuple[ast.expr | None, Scope]] = []
        for site in self.callers(function)[:_MAX]:
            given = argument(site.node, function, name, self._bound(site, function))
            found.append((given if given is not None else spread_entry(site.node, function, name), site.scope))
        for node, user in self.references(function):
            if len(found) >= _MAX:
                break
            given = self._handed(node, user, function, name)
            if given is not None:
                found.append((given, user.scope))
        return found

    def _bound(self, site: CallSite, function: Function) -> bool:
        """Whether the first parameter is not among the arguments: a method of an object, a constructor."""
        if function.owner is None or is_static(function):
            return False
        func = site.node.func
        if isinstance(func, ast.Attribute) and not function.name.startswith("__"):
            return self.base.canonical(func.value, site.scope) != function.owner.dotted or is_classmethod(function)
        return True

    def _handed(self, node: ast.expr, user: Function, function: Function, name: str) -> ast.expr | None:
        """`to_thread(f, x)`, `Thread(target=f, args=(x,))`, `partial(f, x)`, `f.delay(x)`,
        `f.apply_async(kwargs={…})`."""
        place = (node.end_lineno or 0, node.end_col_offset or 0)
        bound = function.owner is not None and not is_static(function)
        for site in user.sites:
            call = site.node
            func = call.func
            if isinstance(func, ast.Attribute) and func.attr in _TASK_CALLS and _end(func.value) == place:
                return _spread(call, function, name, bound) or argument(call, function, name, bound)
            for index, given in enumerate(call.args):
                if _end(given) == place and given.lineno == node.lineno:
                    rest = ast.Call(func=func, args=call.args[index + 1 :], keywords=call.keywords)
                    return _spread(rest, function, name, bound) or argument(rest, function, name, bound)
            if any(k.arg in ("target", "func", "fn", "job_func") and _end(k.value) == place for k in call.keywords):
                return _spread(call, function, name, bound)
        return None


def _end(node: ast.expr) -> tuple[int, int]:
    return node.end_lineno or 0, node.end_col_offset or 0


def _spread(call: ast.Call, function: Function, name: str, bound: bool) -> ast.expr | None:
    """`args=(…)` and `kwargs={…}` of the call."""
    args: list[ast.expr] = []
    keywords: list[ast.keyword] = []
    for keyword in call.keywords:
        if keyword.arg in ("args", "kwargs") and isinstance(keyword.value, (ast.Tuple, ast.List)):
            args = keyword.value.elts
        elif keyword.arg == "kwargs" and isinstance(keyword.value, ast.Dict):
            keywords = [
                ast.keyword(arg=k.value, value=v)
                for k, v in zip(keyword.value.keys, keyword.value.values, strict=True)
                if isinstance(k, ast.Constant) and isinstance(k.value, str)
            ]
    if not args and not keywords:
        return None
    return argument(ast.Call(func=call.func, args=args, keywords=keywords), function, name, bound)


def argument(call: ast.Call, function: Function, name: str, bound: bool) -> ast.expr | None:
    """The expression that a call gives for a parameter."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if isinstance(function.node, ast.Module):
        return None
    positional = [a.arg for a in (*function.node.args.posonlyargs, *function.node.args.args)]
    if bound and positional:
        positional = positional[1:]
    if name not in positional:
        return None
    index = positional.index(name)
    before = call.args[: index + 1]
    if index >= len(before) or any(isinstance(a, ast.Starred) for a in before):
        return None
    return before[index]


def spread_entry(call: ast.Call, function: Function, name: str) -> ast.expr | None:
    """The entry of `**kwargs` that a parameter takes, as an expression; None where the call spreads nothing."""
    spread = next((k.value for k in call.keywords if k.arg is None), None)
    if spread is None:
        return None
    key, default = ast.copy_location(ast.Constant(name), spread), function.defaults.get(name)
    if default is None:
        return ast.copy_location(ast.Subscript(value=spread, slice=key, ctx=ast.Load()), spread)
    getter = ast.copy_location(ast.Attribute(value=spread, attr="get", ctx=ast.Load()), spread)
    return ast.copy_location(ast.Call(func=getter, args=[key, default], keywords=[]), spread)


def _decorated(function: Function, name: str) -> bool:
    return any(isinstance(d, ast.Name) and d.id == name for d in function.decorators)


def is_static(function: Function) -> bool:
    return _decorated(function, "staticmethod")


def is_classmethod(function: Function) -> bool:
    return _decorated(function, "classmethod")
