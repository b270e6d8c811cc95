"""One memory, and a scope of it for each caller."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Union

from crewmem_doctor.fixes.dialects.python.arguments import with_argument
from crewmem_doctor.fixes.dialects.python.callers import certain, scope_text
from crewmem_doctor.fixes.dialects.python.imports import added, name_of
from crewmem_doctor.fixes.dialects.python.syntax import Code, Splice
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import ScopeCall, ScopeMemory

_SPARE = ("crew_memory", "shared_memory")


def apply(change: Union[ScopeMemory, ScopeCall], code: Code) -> Sequence[Splice]:
    if isinstance(change, ScopeCall):
        return [_scoped_call(change, code)]
    call, argument = code.argument(change.at)
    value = argument.value if isinstance(argument, ast.keyword) else argument
    scope = scope_text(_caller(value, change, code), change.prefix, change.suffix)
    if isinstance(value, (ast.Name, ast.Attribute)):
        return [code.replaced(value, f"{code.source(value)}.scope({scope})")]
    if not isinstance(value, ast.Dict) and not (isinstance(value, ast.Constant) and value.value is True):
        raise Refused(f"what line {change.at.line} of {code.path} hands over is made elsewhere")
    index = code.top(call)
    local, line = name_of(code, *change.memory_import, index)
    made, moved = f"{local}({_embedder(code, call, index)})", added(code, [line] if line else [], index)
    if not change.variable:
        return [code.replaced(value, f"{made}.scope({scope})"), *moved]
    name = code.free(change.variable, *_SPARE)
    return [code.replaced(value, f"{name}.scope({scope})"), *at_import(code, index, f"{name} = {made}", moved)]


def _caller(value: ast.expr, change: ScopeMemory, code: Code) -> str:
    """The dict's value under one of the keys, else what is known of the caller."""
    if not change.keys or not isinstance(value, ast.Dict):
        if change.keys and not (change.caller or change.known):
            raise Refused(f"what line {change.at.line} of {code.path} hands over is made elsewhere")
        return change.caller or certain(code, value, change.known)
    for key, found in zip(value.keys, value.values, strict=True):
        if isinstance(key, ast.Constant) and key.value in change.keys:
            return code.source(found)
    raise Refused(f"the dict at line {change.at.line} of {code.path} names no caller")


def _embedder(code: Code, call: ast.Call, index: int) -> str:
    """A crew's embedder does not reach a memory object that it is handed: the object needs it itself."""
    given = next((k for k in call.keywords if k.arg == "embedder"), None)
    if given is None or (isinstance(given.value, ast.Constant) and given.value.value is None):
        return ""
    if not code.loads(given.value) <= code.bound_before(index):
        raise Refused(
            f"the embedder at line {given.lineno} of {code.path} is only known where the crew is made; "
            "give it to the memory too"
        )
    return f"embedder={code.source(given.value)}"


def at_import(code: Code, index: int, line: str, moved: list[Splice]) -> list[Splice]:
    """The memory right before the statement that uses it, so behind whatever the module sets up before."""
    statement = code.tree.body[index]
    first = code.first_line(statement)
    while first and code.lines[first - 1].startswith("#"):
        first -= 1  # its own comment
    compound = not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr))
    above = code.lines[first - 1] if first else ""
    lead = "\n" if above.strip() else ""
    start = first
    while compound and start and not code.lines[start - 1].strip():
        start -= 1  # two empty lines stay between the memory and the function
    place = code.starts[start]
    if compound and index:
        if any(s.start == place - 1 for s in moved):  # the import's line goes right above
            joined = Splice(place - 1, place - 1, f"{moved[0].text}\n\n{line}")
            return [joined]
        return [*moved, Splice(place - 1, place - 1, f"\n\n{line}")]
    gap = "\n\n" if compound else ""
    made = Splice(code.starts[first], code.starts[first], f"{lead}{line}\n{gap}")
    return (
        [Splice(made.start, made.end, moved[0].text + made.text)]
        if moved and moved[0].start == made.start
        else [*moved, made]
    )


def _scoped_call(change: ScopeCall, code: Code) -> Splice:
    call = code.call(change.at)
    who = certain(code, call, change.known)
    given = next((k for k in call.keywords if k.arg == "scope"), None)
    if given is None:
        return with_argument(code, call, "scope", scope_text(who, change.prefix, change.suffix))
    if not isinstance(given.value, ast.Constant) or not isinstance(given.value.value, str):
        raise Refused(f"the scope at line {given.lineno} of {code.path} is made elsewhere")
    below = given.value.value.strip("/")
    if any(c in below for c in '{}"\\'):
        raise Refused(f"the scope at line {given.lineno} of {code.path} cannot be put into another one")
    return code.replaced(given.value, scope_text(who, change.prefix, f"/{below}" if below else change.suffix))
