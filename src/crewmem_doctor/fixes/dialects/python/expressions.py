"""One expression for another, and scopes that end."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from typing import Union

from crewmem_doctor.fixes.dialects.python.imports import needed
from crewmem_doctor.fixes.dialects.python.syntax import Code, Splice
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import EndScope, ReplaceExpression, ReplaceText
from crewmem_doctor.model.location import Location


def apply(change: Union[ReplaceExpression, ReplaceText, EndScope], code: Code) -> Sequence[Splice]:
    if isinstance(change, EndScope):
        return [_ended(code, value_at(code, change.at), change.segment)]
    if isinstance(change, ReplaceText):
        old = _set(code, change) if change.name else value_at(code, change.at)
        if change.old:
            inner = [n for n in ast.walk(old) if isinstance(n, ast.Constant) and n.value == change.old]
            if len(inner) != 1:
                raise Refused(f"{change.old!r} does not stand at line {change.at.line} of {code.path}")
            old = inner[0]
        old = _default(code, old) if re.search(r"\b(?:getenv|environ)\b", code.source(old)) else old
        return [code.replaced(old, text(change.value, code.source(old)))]
    old = code.spanning(change.at)
    value, lines = needed(code, change.imports, change.value, code.top(old))
    return [code.replaced(old, value), *lines]


def value_at(code: Code, at: Location) -> ast.expr:
    """The expression at a place, or the value of the argument there."""
    try:
        return code.keyword(at).value
    except Refused:
        return code.spanning(at)


def text(value: str, like: str = "") -> str:
    """A constant, in the quotes that the old expression begins with."""
    plain = json.dumps(value, ensure_ascii=False)
    single = "'" in like and '"' not in like and "'" not in value and "\\" not in plain
    return f"'{value}'" if single else plain


def _default(code: Code, value: ast.expr) -> ast.expr:
    """What stands in for a variable that is not set: the variable itself still decides."""
    reads = [
        n
        for n in ast.walk(value)
        if isinstance(n, ast.Call) and len(n.args) == 2 and isinstance(n.args[1], ast.Constant)
    ]
    if len(reads) != 1:
        raise Refused(f"line {value.lineno} of {code.path} reads the place from the environment; set it there")
    return reads[0].args[1]


def _set(code: Code, change: ReplaceText) -> ast.expr:
    """The value that an assignment to `os.environ[name]`, or a call such as `setdefault(name, …)`, sets."""
    try:
        statement: ast.AST | None = code.statement_at(change.at)
    except Refused:
        statement = None
    if isinstance(statement, ast.Assign):
        return statement.value
    node = code.call(change.at) if statement is None or not isinstance(statement, ast.Expr) else statement.value
    if isinstance(node, ast.Call):
        named = next((k.value for k in node.keywords if k.arg in (change.name, "value")), None)
        if named is not None:
            return named
        if len(node.args) == 2:
            return node.args[1]
        if len(node.args) == 1 and isinstance(node.args[0], ast.Dict):
            for key, value in zip(node.args[0].keys, node.args[0].values, strict=True):
                if isinstance(key, ast.Constant) and key.value == change.name:
                    return value
    raise Refused(f"what sets {change.name} at line {change.at.line} of {code.path} is not written as expected")


def _ended(code: Code, value: ast.expr, segment: str) -> Splice:
    """`f"/user/{id}"` → `f"/user/{id}/chat"`, `"/user/" + id` → `"/user/" + id + "/chat"`. Slashes at the end go."""
    source = code.source(value)
    start, end = code.span(value)
    if isinstance(value, ast.JoinedStr) and len(_strings(source)) == 1:
        quote = 3 if source.endswith(('"""', "'''")) else 1
        body = source[:-quote].rstrip("/")
        return Splice(start + len(body), end - quote, f"/{segment}")
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        last = value.right
        if isinstance(last, ast.Constant) and isinstance(last.value, str):
            return code.replaced(last, text(f"{last.value.rstrip('/')}/{segment}", code.source(last)))
        return Splice(end, end, " + " + text(f"/{segment}", source))
    if isinstance(value, (ast.Name, ast.Attribute, ast.Subscript)):
        return Splice(end, end, " + " + text(f"/{segment}"))
    raise Refused(
        f"the scope at line {value.lineno} of {code.path} is put together in a way that is not known; "
        "end it with one more segment"
    )


def _strings(source: str) -> list[str]:
    """The string literals that a text joins by standing side by side."""
    import io
    import tokenize

    found = []
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        name = tokenize.tok_name[token.type]
        depth += (name == "FSTRING_START") - (name == "FSTRING_END")
        if (name == "FSTRING_START" and depth == 1) or (name == "STRING" and depth == 0):
            found.append(token.string)
    return found
