"""Exception handlers around memory: which of them leave nobody any the wiser."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Union

from crewmem_doctor.facts.python.failures.telling import How, how_of, is_log, mentions, tells
from crewmem_doctor.facts.python.failures.touches import Touches, What
from crewmem_doctor.facts.python.index import CallSite, Function
from crewmem_doctor.facts.python.ledger import reaches
from crewmem_doctor.facts.python.survey import last_name
from crewmem_doctor.model.failure import Guarded, Swallow
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory
from crewmem_doctor.model.record import dataclass

Around = Union[ast.Try, ast.With, ast.AsyncWith]
# What a store that cannot be reached or written raises; narrower kinds are about something else.
_BROAD = frozenset(
    {
        "Exception",
        "BaseException",
        "RuntimeError",
        "OSError",
        "IOError",
        "EnvironmentError",
        "PermissionError",
        "ConnectionError",
        "ConnectionRefusedError",
        "TimeoutError",
    }
)
_STORAGE = re.compile(
    r"(?:Operational|Database|Redis|Chroma|Qdrant|Lance|Storage|Memory|Connect\w*|Interface|Persist\w*)Error$"
)
_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Catch:
    """A handler, the function it stands in, and what it does."""

    node: ast.ExceptHandler | ast.withitem
    function: Function
    around: Around
    how: How | None  # None: it tells somebody


class Catches:
    """The handlers of functions, looked up by what they stand around."""

    def __init__(self) -> None:
        self._around: dict[Function, list[Around]] = {}

    def of(self, function: Function, node: ast.AST) -> Catch | None:
        """The innermost handler that an exception raised at `node` ends in; one that raises again lets it pass."""
        for around in self._enclosing(function, node):
            if isinstance(around, ast.Try):
                handler = next((h for h in around.handlers if catches_storage(h)), None)
                if handler is not None and not _raises(handler.body):
                    return Catch(handler, function, around, how_of(handler, function))
            else:
                item = next((i for i in around.items if _suppresses(i.context_expr)), None)
                if item is not None:
                    return Catch(item, function, around, "silent")
        return None

    def tries(self, function: Function) -> list[Around]:
        if function not in self._around:
            self._around[function] = (
                list(_blocks(function))
                if "except" in function.module.text or ("suppress" in function.module.text)
                else []
            )
        return self._around[function]

    def _enclosing(self, function: Function, node: ast.AST) -> list[Around]:
        """Innermost first."""
        line = getattr(node, "lineno", 0)
        holding = [a for a in self.tries(function) if a.body[0].lineno <= line <= (a.body[-1].end_lineno or 0)]
        return sorted(holding, key=lambda a: -a.lineno)


def _blocks(function: Function) -> Iterator[Around]:
    """The try statements and `with suppress(…)` of a function, without those of functions inside it."""
    stack: list[ast.AST] = list(function.node.body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            yield node  # type: ignore[misc]
        elif isinstance(node, (ast.With, ast.AsyncWith)) and any(_suppresses(i.context_expr) for i in node.items):
            yield node
        if isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            stack.extend(ast.iter_child_nodes(node))


def catches_storage(handler: ast.ExceptHandler) -> bool:
    """Whether a failing store ends up in that handler."""
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(last_name(k) in _BROAD or _STORAGE.search(last_name(k)) for k in kinds)


def _suppresses(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and last_name(node.func) == "suppress"
        and any(last_name(a) in ("Exception", "BaseException") for a in node.args)
    )


def _raises(body: Iterable[ast.stmt]) -> bool:
    return any(isinstance(n, ast.Raise) for s in body for n in ast.walk(s))


def find_swallows(touches: Touches, catches: Catches, entries: Mapping[Function, EntryPoint]) -> tuple[Swallow, ...]:
    """One for each handler, with everything of memory that it stands around."""
    found: dict[int, tuple[Catch, dict[Guarded, None]]] = {}
    for site, what, memories in touches.sites:
        for catch in _catching(touches, catches, site.scope.body, site.node, _DEPTH if what != "save" else 0, set()):
            if catch.how is not None and not _is_asked(touches, catch.function):
                kept = found.setdefault(id(catch.node), (catch, {}))[1]
                kept.update(dict.fromkeys(_guarded(site, what, memories)))
    return tuple(
        sorted((_swallow(touches, catch, kept, entries) for catch, kept in found.values()), key=lambda s: s.at)
    )


def _is_asked(touches: Touches, function: Function) -> bool:
    """Whether a caller takes an empty result for a failure: `if crew is None: raise …`."""
    for caller in touches.base.callers(function):
        names = {
            t.id
            for n in ast.walk(caller.scope.body.node)
            if isinstance(n, ast.Assign) and _calls(n.value, caller.node)
            for t in n.targets
            if isinstance(t, ast.Name)
        }
        for node in ast.walk(caller.scope.body.node) if names else ():
            if (
                isinstance(node, ast.If)
                and mentions(node.test, names)
                and (_raises(node.body) or any(tells(s, set()) for s in node.body if not is_log(s)))
            ):
                return True
    return False


def _calls(value: ast.expr, call: ast.Call) -> bool:
    return value is call or (isinstance(value, ast.Await) and value.value is call)


def _guarded(site: CallSite, what: What, memories: Iterable[Memory]) -> list[Guarded]:
    return [Guarded(what, site.location, memory.at) for memory in memories]


def _catching(
    touches: Touches, catches: Catches, function: Function, node: ast.AST, depth: int, seen: set[Function]
) -> Iterator[Catch]:
    """The handler that an exception at `node` ends in: in that function, or in those that call it."""
    catch = catches.of(function, node)
    if catch is not None:
        yield catch
    elif depth and function not in seen and not function.is_body:
        seen.add(function)
        for caller in touches.base.callers(function):
            yield from _catching(touches, catches, caller.scope.body, caller.node, depth - 1, seen)


def _swallow(
    touches: Touches, catch: Catch, kept: Mapping[Guarded, None], entries: Mapping[Function, EntryPoint]
) -> Swallow:
    module = catch.function.module
    node = catch.node if isinstance(catch.node, ast.ExceptHandler) else catch.around
    at = Location(module.path, node.lineno, node.col_offset + 1, node.lineno, _end(node) + 1)
    ways = reaches(touches.base, [catch.function], entries)
    return Swallow(at, catch.how or "silent", tuple(kept), catch.function.qualname, ways)


def _end(node: ast.AST) -> int:
    """The end of `except X as e`, without its body."""
    kind = getattr(node, "type", None)
    return int(kind.end_col_offset) if kind is not None else int(getattr(node, "col_offset", 0)) + 6
