"""What the families of entry points share."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from crewmem_doctor.facts.python.entries.identity import identity
from crewmem_doctor.facts.python.entries.request import request_fields
from crewmem_doctor.facts.python.index import Function
from crewmem_doctor.facts.python.survey import Decorated, Survey, around, name_location
from crewmem_doctor.model.memory import EntryPoint

EntryKind = Literal["http", "task", "socket", "bot", "function", "ui", "script"]
Found = Iterator[tuple[Function, EntryPoint]]


def entry(
    survey: Survey, function: Function, kind: EntryKind, label: str, framework: str
) -> tuple[Function, EntryPoint]:
    at = name_location(survey.base, function)
    request = request_fields(survey, function, label.partition(" ")[2]) if kind == "http" else None
    return function, EntryPoint(
        kind, label, at, function.dotted, framework, identity(survey, function, kind, framework), request
    )


def decorated(survey: Survey) -> Iterator[Decorated]:
    """Every decorator of every function: the function, the decorator without its call, the call, the canonical name."""
    if survey.decorated is None:
        found: list[Decorated] = []
        for function in survey.base.functions():
            for decorator in function.decorators:
                call = decorator if isinstance(decorator, ast.Call) else None
                target = call.func if call is not None else decorator
                found.append((function, target, call, survey.base.canonical(target, around(function))))
                yield found[-1]
        survey.decorated = found
    else:
        yield from survey.decorated


def argument(call: ast.Call | None, *names: str, position: int | None = None) -> ast.expr | None:
    """An argument by one of its names, else by position."""
    if call is None:
        return None
    for keyword in call.keywords:
        if keyword.arg in names:
            return keyword.value
    if position is not None and position < len(call.args) and not isinstance(call.args[position], ast.Starred):
        return call.args[position]
    return None


def imports(function: Function, *packages: str) -> bool:
    """Whether the function's module imports one of those packages."""
    return any(i.target.split(".", 1)[0] in packages for i in function.module.imports)
