"""Calls: known functions, scanned functions, constructors, methods of text and dicts."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from crewmem_doctor.facts.python.nodes import Class, Function
from crewmem_doctor.facts.python.refs import Bound, External
from crewmem_doctor.facts.python.values_build import build
from crewmem_doctor.facts.python.values_env import environment_call
from crewmem_doctor.facts.python.values_methods import METHODS, method
from crewmem_doctor.facts.python.values_paths import path_call
from crewmem_doctor.facts.python.values_request import from_request, of_one_width, widened
from crewmem_doctor.model.expression import Choice, Concat, Expr, Fresh, Items, Opaque, Table, Text

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.nodes import Scope
    from crewmem_doctor.facts.python.values import Evaluator

_RANDOM = {
    "uuid.uuid1",
    "uuid.uuid4",
    "uuid.uuid6",
    "uuid.uuid7",
    "uuid6.uuid7",
    "uuid6.uuid6",
    "nanoid.generate",
    "shortuuid.uuid",
    "shortuuid.ShortUUID.uuid",
    "shortuuid.random",
    "os.urandom",
    "bson.ObjectId",
    "bson.objectid.ObjectId",
    "cuid.cuid",
    "cuid2.cuid_wrapper",
    "ksuid.Ksuid",
    "xid.Xid",
}
_RANDOM_MODULES = ("secrets.", "random.", "numpy.random.", "ulid.")
_TIME = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.perf_counter",
    "time.strftime",
    "time.localtime",
    "time.gmtime",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "django.utils.timezone.now",
    "pendulum.now",
    "arrow.utcnow",
    "arrow.now",
    "pandas.Timestamp.now",
    "time.ctime",
}
_PROCESS = {
    "os.getpid",
    "os.getppid",
    "threading.get_ident",
    "threading.current_thread",
    "multiprocessing.current_process",
    "builtins.id",
    "asyncio.current_task",
    "threading.get_native_id",
}
_HOST = {"socket.gethostname", "socket.getfqdn", "platform.node", "os.uname", "uuid.getnode"}
_NATURES: tuple[tuple[set[str], Literal["random", "time", "process", "host"]], ...] = (
    (_RANDOM, "random"),
    (_TIME, "time"),
    (_PROCESS, "process"),
    (_HOST, "host"),
)
_FIRST = {
    "builtins.str",
    "builtins.repr",
    "builtins.format",
    "asyncio.run",
    "asyncio.shield",
    "copy.copy",
    "copy.deepcopy",
    "uuid.UUID",
    "builtins.iter",
    "builtins.next",
    "builtins.reversed",
    "builtins.sorted",
    "asyncio.wait_for",
    "builtins.int",
    "builtins.float",
    "builtins.bool",
    "typing.cast",
    "builtins.bytes",
    "pydantic.SecretStr",
    "urllib.parse.quote",
    "urllib.parse.quote_plus",
    "hashlib.md5",
    "hashlib.sha1",
    "hashlib.sha256",
    "json.dumps",
    "asgiref.sync.sync_to_async",
    "asgiref.sync.async_to_sync",
    "asyncio.create_task",
    "slugify.slugify",
}


def call(ev: Evaluator, node: ast.Call, scope: Scope) -> Expr:
    ref = ev.base.names.resolve(node.func, scope)
    callee = ev.base.names.canonical(ref)
    at = ev.at(node, scope)
    if isinstance(ref, Bound):
        return build(ev, callee, node, scope, ref.target if isinstance(ref.target, Class) else None, ref.given)
    if isinstance(ref, Function):
        return ev.called(ref, node, scope)
    if isinstance(node.func, ast.Attribute):
        sent = from_request(ev, node.func, scope)
        if sent is not None:
            return sent
    if isinstance(ref, Class):
        return build(ev, callee, node, scope, ref)
    for found in (
        fresh(ev, callee, node, scope),
        environment_call(ev, callee, node, scope),
        path_call(ev, callee, node, scope),
        _builtin(ev, callee, node, scope),
    ):
        if found is not None:
            return found
    if (
        isinstance(node.func, ast.Attribute)
        and (node.func.attr in METHODS or not callee)
        and not _of_package(ref, callee)
    ):
        found = method(ev, node, scope)
        if found is not None:
            return found
    if callee and isinstance(ref, External) and not callee.startswith("builtins."):
        return build(ev, callee, node, scope, None)
    kind = ev.base.type_of(node, scope)
    if kind and not kind.startswith("builtins."):
        return build(ev, kind, node, scope, None)
    return Opaque(f"a call of {_word(node.func)}()", at)


def _word(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "something")


def _of_package(ref: object, callee: str) -> bool:
    """`requests.get` is no `dict.get`."""
    if not isinstance(ref, External) or ref.loose or callee.startswith("builtins."):
        return False
    owner = callee.rpartition(".")[0].rsplit(".", 1)[-1]
    return owner.islower() and owner not in (
        "json",
        "args",
        "form",
        "headers",
        "cookies",
        "session",
        "request",
        "values",
    )


def fresh(ev: Evaluator, callee: str, node: ast.Call, scope: Scope) -> Expr | None:
    """A value that is new each time it is computed."""
    if not callee:
        return None
    nature = next((n for names, n in _NATURES if callee in names), None)
    if (
        nature is None
        and callee.startswith(_RANDOM_MODULES)
        and callee.count(".") < 4
        and not callee.endswith(("seed", "Random", "SystemRandom"))
    ):
        nature = "random"
    at = ev.at(node, scope)
    if nature is None:
        if callee in ("uuid.uuid5", "uuid.uuid3") and len(node.args) == 2:
            return Concat((widened(ev.evaluate(node.args[1], scope)),), at)
        return None
    if callee == "time.strftime" and len(node.args) > 1:
        return ev.evaluate(node.args[1], scope)
    return Fresh(f"{_word(node.func)}()", nature, at, scope.function is None)


def _builtin(ev: Evaluator, callee: str, node: ast.Call, scope: Scope) -> Expr | None:
    at = ev.at(node, scope)
    if callee in _FIRST:
        if not node.args:
            return Text("", at) if callee == "builtins.str" else None
        value = ev.evaluate(node.args[-1 if callee == "typing.cast" else 0], scope)
        return widened(value) if of_one_width(callee) else _converted(callee, value)
    if callee == "builtins.dict":
        return _dict(ev, node, scope)
    if callee in ("builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset"):
        value = ev.evaluate(node.args[0], scope) if node.args else Items((), at)
        return value if isinstance(value, Items) else Opaque("a collection", at)
    if callee == "builtins.getattr" and len(node.args) >= 2:
        return _getattr(ev, node, scope)
    if (
        callee
        in (
            "asyncio.to_thread",
            "anyio.to_thread.run_sync",
            "starlette.concurrency.run_in_threadpool",
            "fastapi.concurrency.run_in_threadpool",
        )
        and node.args
    ):
        inner = ast.copy_location(ast.Call(func=node.args[0], args=node.args[1:], keywords=node.keywords), node)
        return ev.evaluate(inner, scope)
    return None


def _converted(callee: str, value: Expr) -> Expr:
    """`int("4")`, `bool("")` of constants; everything else keeps its origin."""
    if not isinstance(value, Text):
        return value
    try:
        if callee == "builtins.int" and isinstance(value.value, (str, float)):
            return Text(int(value.value), value.at)
        if callee == "builtins.float" and isinstance(value.value, (str, int)):
            return Text(float(value.value), value.at)
        if callee == "builtins.bool":
            return Text(bool(value.value), value.at)
        if callee == "builtins.str" and not isinstance(value.value, bytes):
            return Text(str(value.value), value.at)
    except (ValueError, OverflowError):
        return Opaque("a text that is no number", value.at)
    return value


def _dict(ev: Evaluator, node: ast.Call, scope: Scope) -> Expr:
    items: list[tuple[str, Expr]] = []
    is_open = False
    for arg in (*node.args[:1], *(k.value for k in node.keywords if k.arg is None)):
        inner = ev.evaluate(arg, scope)
        if isinstance(inner, Table):
            items.extend(inner.items)
        is_open = is_open or not isinstance(inner, Table) or inner.open
    items.extend((k.arg, ev.evaluate(k.value, scope)) for k in node.keywords if k.arg is not None)
    return Table(tuple(items), is_open, ev.at(node, scope))


def _getattr(ev: Evaluator, node: ast.Call, scope: Scope) -> Expr:
    name = ev.evaluate(node.args[1], scope)
    at = ev.at(node, scope)
    if not isinstance(name, Text) or not isinstance(name.value, str) or not name.value.isidentifier():
        return Opaque("an attribute whose name is computed", at)
    read = ast.copy_location(ast.Attribute(value=node.args[0], attr=name.value, ctx=ast.Load()), node)
    value = ev.evaluate(read, scope)
    if len(node.args) > 2 and isinstance(value, Opaque):
        return Choice((value, ev.evaluate(node.args[2], scope)), True, at)
    return value
