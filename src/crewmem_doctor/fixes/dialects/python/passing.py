"""The caller's id on its way from a handler to the function that makes a memory."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Union

from crewmem_doctor.fixes.dialects.python.arguments import with_argument
from crewmem_doctor.fixes.dialects.python.callers import certain
from crewmem_doctor.fixes.dialects.python.syntax import Code, FunctionNode, Splice
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import AddParameter, PassCaller


def apply(change: Union[AddParameter, PassCaller], code: Code) -> Sequence[Splice]:
    if isinstance(change, PassCaller):
        call = code.call(change.at)
        return [with_argument(code, call, change.name, certain(code, call, change.known))]
    node = code.argument(change.at)[0]
    function = next(code.functions(node), None)
    if function is None:
        raise Refused(f"line {change.at.line} of {code.path} stands in no function")
    return [_parameter(code, function, change.name)]


def _parameter(code: Code, function: FunctionNode, name: str) -> Splice:
    """Behind the last parameter; behind one with a default, as a keyword."""
    given = function.args
    where = f"{function.name} at line {function.lineno} of {code.path}"
    if function.decorator_list or isinstance(code.parents.get(function), ast.ClassDef):
        raise Refused(f"{where} is called by a framework or as a method; hand it the caller's id")
    if name in {n.arg for n in ast.walk(given) if isinstance(n, ast.arg)} or any(
        isinstance(n, ast.Name) and n.id == name for n in ast.walk(function)
    ):
        raise Refused(f"{where} uses the name {name} already")
    if given.kwarg is not None:
        raise Refused(f"{where} takes any argument")
    new = (
        f"{name}: str"
        if any(a.annotation for a in ast.walk(given) if isinstance(a, ast.arg)) or not given.args
        else name
    )
    last: list[ast.AST] = [
        *given.posonlyargs,
        *given.args,
        *([given.vararg] if given.vararg else []),
        *given.kwonlyargs,
    ]
    last += [d for d in (*given.defaults, *given.kw_defaults) if d is not None]
    keyword = bool(given.defaults) and not given.kwonlyargs and given.vararg is None
    if not last:
        close = code.text.index("(", code.text.index(function.name, code.span(function)[0])) + 1
        return Splice(close, close, new)
    end = max(code.span(node)[1] for node in last)
    return Splice(end, end, ", *, " + new if keyword else ", " + new)
