"""What memory is found by: the caller's id, or a name that stays."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Union

from crewmem_doctor.fixes.dialects.python.arguments import removed, with_argument
from crewmem_doctor.fixes.dialects.python.callers import caller, certain
from crewmem_doctor.fixes.dialects.python.expressions import text, value_at
from crewmem_doctor.fixes.dialects.python.syntax import Code, Splice
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import ConstantName, PassFlowId, UseCaller
from crewmem_doctor.model.location import Location


def apply(change: Union[UseCaller, ConstantName, PassFlowId], code: Code) -> Sequence[Splice]:
    if isinstance(change, PassFlowId):
        return [_with_id(change, code)]
    made = _whole(code, code.spanning(change.at))
    if isinstance(change, ConstantName):
        return [_constant(code, _in_text(code, made, change.named))]
    return [_sent(change, code, made)]


def _whole(code: Code, made: ast.expr) -> ast.expr:
    """`uuid4().hex[:8]` of `uuid4()`, and `str(uuid4())`."""
    while True:
        above = code.parents.get(made)
        called = isinstance(above, ast.Call) and (
            above.func is made
            or (
                isinstance(above.func, ast.Name)
                and above.func.id in ("str", "int", "hex")
                and above.args == [made]
                and not above.keywords
            )
        )
        taken = isinstance(above, (ast.Attribute, ast.Subscript)) and above.value is made
        if not (called or taken):
            return made
        assert isinstance(above, ast.expr)
        made = above


def _sent(change: UseCaller, code: Code, made: ast.expr) -> Splice:
    found = caller(code, made, change.known)
    inside = any(isinstance(n, ast.JoinedStr) for n in code.above(made))
    if found.certain:
        plain = "." not in found.expression and "[" not in found.expression and _is_text(code, made, found.expression)
        return code.replaced(made, found.expression if inside or plain else f"str({found.expression})")
    if inside:
        raise Refused(
            f"{found.expression} may be missing at line {made.lineno} of {code.path}; "
            "make an id only then, and return it"
        )
    return code.replaced(made, f"{found.expression} or {code.source(made)}")


def _is_text(code: Code, node: ast.AST, name: str) -> bool:
    """Whether a parameter is annotated as text."""
    for function in code.functions(node):
        for arg in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
            if arg.arg == name:
                return arg.annotation is not None and ast.unparse(arg.annotation).startswith(("str", "Annotated[str"))
    return False


def _in_text(code: Code, made: ast.expr, at: Location | None) -> ast.expr:
    """What stands for a value in the text at `at` of the same function, where the value has a name."""
    above = code.parents.get(made)
    target = above.targets[0] if isinstance(above, ast.Assign) else getattr(above, "target", None)
    if at is None or at.path != code.path or not isinstance(target, ast.Name):
        return made
    name, function = target.id, next(code.functions(made), None)
    uses = [n for n in ast.walk(value_at(code, at)) if isinstance(n, ast.Name) and n.id == name]
    if len(uses) != 1 or next(code.functions(uses[0]), None) is not function:
        return made
    return _whole(code, uses[0])


def _constant(code: Code, made: ast.expr) -> Splice:
    """The text without its changing part, where enough is left to be a name or a path."""
    value = code.parents.get(made)
    whole, before, after = _around(code, made, value)
    if isinstance(value, ast.Call) and whole is value:
        return removed(code, value, made)  # a part of os.path.join
    before, after = before.rstrip(" -_:#(."), after.lstrip(" -_:#)")
    kept = before + (after[1:] if before.endswith("/") and after.startswith("/") else after)
    kept = kept.rstrip("/")
    if whole is None or len(kept.strip(" ./")) < 2:
        raise Refused(
            f"nothing else than what is new each time is in the text at line {made.lineno} of {code.path}; "
            "give it a constant one"
        )
    return code.replaced(whole, text(kept, code.source(whole)))


def _around(code: Code, made: ast.expr, value: ast.AST | None) -> tuple[ast.expr | None, str, str]:
    """The text that `made` is a part of, and what stands before and behind it there."""
    if isinstance(value, ast.FormattedValue):
        whole = code.parents.get(value)
        if isinstance(whole, ast.JoinedStr) and all(isinstance(v, ast.Constant) or v is value for v in whole.values):
            index = whole.values.index(value)
            texts = [str(v.value) if isinstance(v, ast.Constant) else "" for v in whole.values]
            return whole, "".join(texts[:index]), "".join(texts[index:])
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        if isinstance(value.left, ast.Constant) and isinstance(value.left.value, str):
            return value, value.left.value, ""
        if isinstance(value.right, ast.Constant) and isinstance(value.right.value, str):
            return value, "", value.right.value
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mod) and isinstance(value.left, ast.Constant):
        parts = re.split(r"%[sdir]", str(value.left.value))
        if len(parts) == 2 and "%" not in "".join(parts):
            return value, parts[0], parts[1]
    if (
        isinstance(value, ast.Call)
        and made in value.args
        and not value.keywords
        and len(value.args) > 1
        and (getattr(value.func, "attr", "") == "join" and "path" in code.source(value.func))
    ):
        return value, "", ""
    return None, "", ""


def _with_id(change: PassFlowId, code: Code) -> Splice:
    call = code.call(change.at)
    who = certain(code, call, change.known)
    given = next((k for k in call.keywords if k.arg == "inputs"), None)
    value: ast.expr | None = given.value if given is not None else call.args[0] if call.args else None
    if value is None:
        return with_argument(code, call, "inputs", f'{{"id": {who}}}')
    if isinstance(value, ast.Dict) and not any(k is None for k in value.keys):
        start = code.span(value)[0] + 1
        if not value.keys:
            return code.replaced(value, f'{{"id": {who}}}')
        first = value.keys[0]
        assert first is not None
        begins = code.span(first)[0]
        between = code.text[start:begins]
        gap = between if "\n" in between and "#" not in between else " "
        return Splice(begins, begins, f'"id": {who},{gap}')
    if isinstance(value, ast.Name):
        return code.replaced(value, f'{{**{value.id}, "id": {who}}}')
    raise Refused(
        f"the inputs at line {call.lineno} of {code.path} are made elsewhere; "
        'put the conversation\'s id into them as "id"'
    )
