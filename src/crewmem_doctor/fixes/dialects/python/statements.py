"""Statements elsewhere, earlier, or once more."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Union

from crewmem_doctor.fixes.dialects.python.scopes import at_import
from crewmem_doctor.fixes.dialects.python.syntax import Code, Splice
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import MakeOnce, SetBeforeImport, WaitForSaves
from crewmem_doctor.model.location import Location

_ANSWERS = ("answer", "result", "outcome", "reply")
_SPARE = ("crew_memory", "shared_memory", "shared_crew")


def apply(change: Union[SetBeforeImport, WaitForSaves, MakeOnce], code: Code) -> Sequence[Splice]:
    if isinstance(change, SetBeforeImport):
        return _earlier(change, code)
    if isinstance(change, WaitForSaves):
        return _waited(change, code)
    return _once(change, code)


def _earlier(change: SetBeforeImport, code: Code) -> Sequence[Splice]:
    """The statement, with its comment and the imports that it needs, above the import of CrewAI."""
    statement = _of_module(code, change.at)
    importing = _importing(code, change.before)
    body = code.tree.body
    if importing.lineno >= statement.lineno:
        raise Refused(f"line {statement.lineno} of {code.path} stands above that import already")
    index = body.index(importing)
    needed = code.loads(statement) - code.bound_before(index)
    moving: list[ast.stmt] = []
    for other in body[index : body.index(statement)]:
        if isinstance(other, (ast.Import, ast.ImportFrom)):
            names = {(a.asname or a.name).partition(".")[0] for a in other.names}
            origin = (other.module or "") if isinstance(other, ast.ImportFrom) else other.names[0].name
            if (
                names & needed
                and names <= needed
                and origin.partition(".")[0] != "crewai"
                and not getattr(other, "level", 0)
            ):
                moving.append(other)
                needed -= names
    if needed:
        raise Refused(
            f"{sorted(needed)[0]}, which line {statement.lineno} of {code.path} uses, is only made after that import; "
            "set the variable in the service's environment"
        )
    taken = [(code.first_line(s), s.end_lineno or s.lineno) for s in (*moving, statement)]
    for s in (*moving, statement):
        code.indentation(s)
    lines = ["\n".join(code.lines[a:b]) for a, b in taken]
    imports, rest = "\n".join(lines[:-1]), lines[-1]
    first = code.first_line(importing)
    above = code.lines[first - 1] if first else ""
    text = (f"{imports}\n\n" if imports else "" if not above.strip() else "\n") + rest + "\n"
    return [code.before(first, text), *(_without(code, a, b) for a, b in taken)]


def _of_module(code: Code, at: Location) -> ast.stmt:
    try:
        statement = code.statement_at(at)
    except Refused:
        statement = code.statement(code.call(at))
    if statement not in code.tree.body or not isinstance(statement, (ast.Assign, ast.Expr)):
        raise Refused(
            f"line {at.line} of {code.path} does not run by itself when the module is imported; "
            "set the variable in the service's environment"
        )
    return statement


def _importing(code: Code, before: Location) -> ast.stmt:
    for statement in code.tree.body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)) and statement.lineno <= before.line <= (
            statement.end_lineno or 0
        ):
            if any(
                isinstance(s, ast.ImportFrom) and s.module == "__future__" and s.lineno >= statement.lineno
                for s in code.tree.body
            ):
                raise Refused(f"{code.path} has an import from the future behind that place")
            return statement
    raise Refused(f"the import at line {before.line} of {before.path} is no statement of {code.path} itself")


def _without(code: Code, first: int, last: int) -> Splice:
    """Whole lines, 0-based and exclusive, with an empty line that would be left over."""
    above, below = _blank(code, range(first - 1, -1, -1)), _blank(code, range(last, len(code.lines)))
    if above and below:
        first, last = (first - above, last) if above <= below else (first, last + below)
    if last < len(code.lines):
        return Splice(code.starts[first], code.starts[last], "")
    return Splice(code.starts[first] - 1 if first else 0, len(code.text), "")


def _blank(code: Code, lines: range) -> int:
    """How many of these are empty, from the first one on."""
    return next((n for n, line in enumerate(lines) if code.lines[line].strip()), len(lines))


def _waited(change: WaitForSaves, code: Code) -> Sequence[Splice]:
    call = code.call(change.at)
    name = _memory(change, code, call)
    statement = code.statement(call)
    indent = code.indentation(statement)
    wait = f"{name}.drain_writes()"
    if isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return [code.below(statement, indent + wait)]
    if isinstance(statement, ast.Return) and statement.value is not None:
        answer = next((n for n in _ANSWERS if n not in code.names), "")
        if not answer:
            raise Refused(f"every name that the answer at line {statement.lineno} of {code.path} would get is used")
        start = code.span(statement)[0]
        return [
            Splice(start, code.span(statement.value)[0], f"{answer} = "),
            code.below(statement, f"{indent}{wait}\n{indent}return {answer}"),
        ]
    raise Refused(f"the call at line {call.lineno} of {code.path} is part of a larger statement; call {wait} behind it")


def _memory(change: WaitForSaves, code: Code, call: ast.Call) -> str:
    """The name of the memory object: what the method is called on, or the variable that it was made for."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "remember_many":
        return code.source(call.func.value)
    if change.memory.path != code.path:
        raise Refused(
            f"the memory is made in {change.memory.path}; "
            f"call its drain_writes() behind line {call.lineno} of {code.path}"
        )
    made = code.statement(code.call(change.memory))
    if (
        not isinstance(made, ast.Assign)
        or len(made.targets) != 1
        or not isinstance(made.targets[0], ast.Name)
        or made.value is not code.call(change.memory)
    ):
        raise Refused(
            f"the memory at line {change.memory.line} of {code.path} has no name; "
            "make it an object of its own and wait for it"
        )
    scopes = [code.tree, *code.functions(call)]
    if code.parents[made] not in scopes or getattr(made.value.func, "attr", getattr(made.value.func, "id", "")) in (
        "Crew",
        "Agent",
    ):
        raise Refused(f"the memory at line {change.memory.line} of {code.path} is not in scope at line {call.lineno}")
    return made.targets[0].id


def _once(change: MakeOnce, code: Code) -> Sequence[Splice]:
    call = code.call(change.at)
    index = code.top(call)
    if any(isinstance(n, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)) for n in ast.walk(call)):
        raise Refused(f"the call at line {call.lineno} of {code.path} waits for something")
    local = sorted(code.loads(call) - code.bound_before(index))
    if local:
        raise Refused(f"{local[0]}, which line {call.lineno} of {code.path} uses, is only known in the request")
    name = code.free(change.variable, *_SPARE)
    return [code.replaced(call, name), *at_import(code, index, f"{name} = {_dedented(code, call)}", [])]


def _dedented(code: Code, call: ast.Call) -> str:
    """The call's text with its later lines as far out as the line that it began on."""
    statement = code.lines[call.lineno - 1]
    indent = statement[: len(statement) - len(statement.lstrip())]
    lines = code.source(call).split("\n")
    if any(line.strip() and not line.startswith(indent) for line in lines[1:]) or any(
        isinstance(n, ast.Constant) and isinstance(n.value, str) and n.end_lineno != n.lineno for n in ast.walk(call)
    ):
        raise Refused(f"the call at line {call.lineno} of {code.path} is not indented like its block")
    return "\n".join([lines[0], *(line.removeprefix(indent) for line in lines[1:])])
