"""One memory, made at import, and a scope of it for each caller."""

from __future__ import annotations

import libcst as cst

from crewmem_doctor.fixes.dialects.python.syntax import Code, expression, with_imports
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import ScopeMemory

_SPARE = ("crew_memory", "shared_memory")


def apply(change: ScopeMemory, code: Code) -> str:
    argument = code.argument(change.at)
    caller = _caller(argument.value, change, code)
    name = _free(change, code)
    scope = expression(f"{name}.scope({_text(caller, change, code)})")
    top = code.top(argument)
    changed = top.deep_replace(argument, argument.with_changes(value=scope))
    module = _with_memory(code.module, top, changed, f"{name} = {change.memory_import[1]}()")
    return with_imports(module, (change.memory_import,)).code


def _caller(value: cst.BaseExpression, change: ScopeMemory, code: Code) -> cst.BaseExpression:
    """The dict's value under one of the keys."""
    if not isinstance(value, cst.Dict):
        raise Refused(f"what line {change.at.line} of {code.path} hands over is made elsewhere")
    for element in value.elements:
        if isinstance(element, cst.DictElement) and isinstance(element.key, cst.SimpleString) \
                and element.key.evaluated_value in change.keys:
            return element.value
    raise Refused(f"the dict at line {change.at.line} of {code.path} names no caller")


def _text(caller: cst.BaseExpression, change: ScopeMemory, code: Code) -> str:
    """The scope as an f-string, or put together where the id's own text does not fit into one."""
    source = code.source(caller)
    if isinstance(caller, (cst.Name, cst.Attribute)) and "\n" not in source:
        return f'f"{change.prefix}{{{source}}}{change.suffix}"'
    return f'"{change.prefix}" + str({source}) + "{change.suffix}"'


def _free(change: ScopeMemory, code: Code) -> str:
    taken = code.names()
    for name in (change.variable, *_SPARE):
        if name not in taken:
            return name
    raise Refused(f"{code.path} uses every name that a memory would get")


def _with_memory(module: cst.Module, top: cst.CSTNode, changed: cst.CSTNode, line: str) -> cst.Module:
    """The memory right before the statement that uses it, so behind whatever the module sets up before."""
    index = next(i for i, statement in enumerate(module.body) if statement is top)
    made = cst.parse_statement(line)
    blank = [cst.EmptyLine(indent=False)]
    lines = list(getattr(changed, "leading_lines", ()))
    compound = not isinstance(changed, cst.SimpleStatementLine)
    own = [entry for entry in lines if entry.comment is not None]
    changed = changed.with_changes(leading_lines=[*(blank * 2 if compound else []), *own])
    made = made.with_changes(leading_lines=blank if index else [])
    return module.with_changes(body=[*module.body[:index], made, changed, *module.body[index + 1:]])
