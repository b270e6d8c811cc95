"""The expression by which a function knows who calls it.

An entry point says in phrases what it knows ("parameter user_id", "session_id of the body", "header X-User-Id"). Here
the phrase is found again as something that is in scope: a parameter, a field of one, or a variable that was read from
the request in a statement that surely ran before.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from crewmem_doctor.fixes.dialects.python.syntax import Code, FunctionNode
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.record import dataclass

_PHRASE = re.compile(
    r"(?:parameter|header|cookie) (?P<given>\S+)|(?P<field>\w+) of (?:the|its) |Depends\((?P<dependency>\w+)\)"
)
_REQUEST = frozenset(("request", "req", "session", "cl", "st", "websocket", "ws", "event", "g"))
_MADE = re.compile(r"\b(?:uuid\d?|time|random|secrets|token_\w+|getpid|now|utcnow|id)\s*\(")
_FIELDS = ("id", "user_id", "sub", "uid", "username", "email")
_IDS = re.compile(r"(?:id|uuid|key|number|name|email|sid|uid)$", re.IGNORECASE)  # else it may be an object
_PLAIN = ("str", "int", "UUID", "Annotated[str", "Annotated[int")


@dataclass(frozen=True, slots=True)
class Caller:
    """`expression` is the caller's id, `certain` False where it may be missing."""

    expression: str
    certain: bool


def caller(code: Code, node: ast.AST, known: tuple[str, ...]) -> Caller:
    """Raises Refused where nothing in scope at `node` says who calls."""
    for function in code.functions(node):
        for phrase in known:
            found = next(_candidates(code, function, node, phrase), None)
            if found is not None:
                return found
    raise Refused(
        f"nothing in scope at line {getattr(node, 'lineno', 0)} of {code.path} says who calls; "
        "pass the caller's id to it"
    )


def certain(code: Code, node: ast.AST, known: tuple[str, ...]) -> str:
    """The same, and the id is always there."""
    found = caller(code, node, known)
    if not found.certain:
        raise Refused(
            f"{found.expression} may be missing at line {getattr(node, 'lineno', 0)} of {code.path}; "
            "decide there what holds then"
        )
    return found.expression


def _candidates(code: Code, function: FunctionNode, node: ast.AST, phrase: str) -> Iterator[Caller]:
    match = _PHRASE.match(phrase)
    if match is None:
        return
    given, field, dependency = match["given"], match["field"], match["dependency"]
    names = [
        n
        for n in (
            given,
            (given or "").lower().replace("-", "_"),
            (given or "").lower().replace("-", "_").removeprefix("x_"),
            field,
        )
        if n
    ]
    for name in names:
        yield from _parameter(function, name)
        yield from _variable(code, function, node, name)
    if field and _IDS.search(field):
        yield from _attribute(code, function, field)
    if dependency:
        yield from _depended(code, function, dependency)


def _parameters(function: FunctionNode) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + list(given.defaults)
    yield from zip(positional, defaults, strict=True)
    yield from zip(given.kwonlyargs, given.kw_defaults, strict=True)


def _parameter(function: FunctionNode, name: str) -> Iterator[Caller]:
    for arg, default in _parameters(function):
        plain = arg.annotation is not None and ast.unparse(arg.annotation).startswith(_PLAIN)
        if arg.arg == name and (plain or _IDS.search(name)):
            yield Caller(name, not _optional(arg.annotation, default))


def _optional(annotation: ast.expr | None, default: ast.expr | None) -> bool:
    """Whether it may be None or empty. `Header(...)` must be sent."""
    text = ast.unparse(annotation) if annotation is not None else ""
    if "Optional" in text or "None" in text:
        return True
    if isinstance(default, ast.Call):
        first = (
            default.args[0] if default.args else next((k.value for k in default.keywords if k.arg == "default"), None)
        )
        return first is not None and not (isinstance(first, ast.Constant) and first.value is ...)
    return default is not None


def _variable(code: Code, function: FunctionNode, node: ast.AST, name: str) -> Iterator[Caller]:
    """A variable that a statement of the function itself, above the node's, reads from what was sent."""
    own = next((s for s in function.body if s is node or any(n is s for n in code.above(node))), None)
    sent = {arg.arg for arg, _ in _parameters(function)} | _REQUEST
    found: ast.expr | None = None
    for statement in function.body:
        if statement is own:
            break
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
            if any(
                isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id == name for n in ast.walk(statement)
            ):
                found = None  # set again on some way
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        bound = {t.id for t in targets if isinstance(t, ast.Name)}
        if code.loads(statement.value) & sent and not _MADE.search(code.source(statement.value)):
            sent |= bound
            found = statement.value if name in bound else found
        else:
            sent -= bound
            found = None if name in bound else found
    if found is not None and _IDS.search(name):
        yield Caller(name, not _may_miss(found))


def _may_miss(value: ast.expr) -> bool:
    """`data.get("user_id")` may give None; `data["user_id"]` and an attribute do not."""
    inner = value
    while (
        isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Name)
        and inner.func.id in ("str", "int")
        and inner.args
    ):
        inner = inner.args[0]
    if isinstance(inner, ast.Await):
        inner = inner.value
    return isinstance(inner, (ast.Call, ast.BoolOp, ast.IfExp, ast.Constant))


def _attribute(code: Code, function: FunctionNode, field: str) -> Iterator[Caller]:
    """A field of a parameter whose class stands in the same module, or that the function reads already."""
    classes = {n.name: n for n in ast.walk(code.tree) if isinstance(n, ast.ClassDef)}
    for arg, _ in _parameters(function):
        kind = classes.get(arg.annotation.id) if isinstance(arg.annotation, ast.Name) else None
        declared = (
            next(
                (
                    s
                    for s in kind.body
                    if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name) and s.target.id == field
                ),
                None,
            )
            if kind is not None
            else None
        )
        read = any(
            isinstance(n, ast.Attribute) and n.attr == field and isinstance(n.value, ast.Name) and n.value.id == arg.arg
            for n in ast.walk(function)
        )
        if declared is not None:
            yield Caller(f"{arg.arg}.{field}", not _optional(declared.annotation, declared.value))
        elif read and kind is None:
            yield Caller(f"{arg.arg}.{field}", False)


def _depended(code: Code, function: FunctionNode, dependency: str) -> Iterator[Caller]:
    """What a dependency returns: itself where it is annotated as text, else the id that the function reads of it."""
    for arg, default in _parameters(function):
        text = " ".join(ast.unparse(n) for n in (arg.annotation, default) if n is not None)
        if f"({dependency})" not in text:
            continue
        annotation = ast.unparse(arg.annotation) if arg.annotation is not None else ""
        if annotation.startswith(_PLAIN):
            yield Caller(arg.arg, True)
        for node in ast.walk(function):
            if (
                isinstance(node, (ast.Attribute, ast.Subscript))
                and isinstance(node.value, ast.Name)
                and node.value.id == arg.arg
            ):
                key = node.attr if isinstance(node, ast.Attribute) else getattr(node.slice, "value", None)
                if key in _FIELDS:
                    yield Caller(code.source(node), True)


def scope_text(expression: str, prefix: str, suffix: str) -> str:
    """The scope as an f-string, or put together where the id's own text does not fit into one."""
    if re.fullmatch(r"\w+(?:\.\w+)*", expression):
        return f'f"{prefix}{{{expression}}}{suffix}"'
    return f'"{prefix}" + str({expression}) + "{suffix}"'
