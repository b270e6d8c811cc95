"""Keys made anew that whoever asked is told, so that the next request may bring them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from crewmem_doctor.facts.python.index import Function
from crewmem_doctor.facts.python.survey import Survey, last_name
from crewmem_doctor.model.expression import Build, Expr, Fresh, FromCaller, walk
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory

# Calls that answer, or leave something with the caller.
_ANSWERS = frozenset(
    {"set_cookie", "send", "send_json", "send_str", "send_text", "emit", "reply", "reply_text", "answer", "say"}
)
# What a memory is called by: an id among its arguments is used, not told.
_USES = frozenset({"remember", "recall", "scope", "slice", "search", "get", "get_all"})
# Where an id stays with the caller: `session["thread"] = thread_id`.
_KEPT = frozenset({"session", "session_state", "cookies", "headers", "user_data", "chat_data", "user_session"})


def told_keys(
    survey: Survey, memories: Iterable[Memory], entries: Mapping[Function, EntryPoint]
) -> tuple[Location, ...]:
    """The places of such values. Only those count that a memory is keyed by beside one that a caller sends."""
    wanted: set[Location] = set()
    uses: set[Location] = set()
    for memory in memories:
        sent = {s.name for s in memory.sinks if any(isinstance(e, FromCaller) for e in walk(s.value))}
        for sink in memory.sinks:
            fresh = _places(sink.value) if sink.name in sent else set()
            wanted |= fresh
            uses |= {sink.at, *fresh}
    if not wanted:
        return ()
    handlers = {f for f, entry in entries.items() if entry.kind != "script"}
    near = {f for at in uses if (f := _around(survey, at)) is not None}
    found: set[Location] = set()
    for function in sorted(handlers | near, key=lambda f: f.dotted):
        with survey.attempt(function.module):
            for node in _told(function):
                found |= _told_in(survey.base.evaluate(node, function.scope)) & wanted
    return tuple(sorted(found))


def _places(value: Expr) -> set[Location]:
    return {e.at for e in walk(value) if isinstance(e, Fresh) and e.at is not None}


def _told_in(value: Expr) -> set[Location]:
    """As `_places`, without what a memory's or a crew's answer was only made with."""
    if isinstance(value, Build) and (value.callee.startswith("crewai.") or _is_use(value.callee.rpartition(".")[2])):
        return set()
    parts = (*value.args, *(v for _, v in value.kwargs)) if isinstance(value, Build) else ()
    return set().union(*map(_told_in, parts)) if parts else _places(value)


def _is_use(word: str) -> bool:
    return word in _USES or word.startswith(("kickoff", "akickoff"))


def _around(survey: Survey, at: Location) -> Function | None:
    """The innermost function that a place stands in."""
    module = survey.base.module(at.path)
    inside = [
        f
        for f in (module.all_functions if module is not None else ())
        if not isinstance(f.node, ast.Module) and f.node.lineno <= at.line <= (f.node.end_lineno or 0)
    ]
    return max(inside, key=lambda f: f.qualname.count("."), default=None)


def _told(function: Function) -> Iterator[ast.expr]:
    """The names that stand in what a function answers or keeps for its caller."""
    answers: list[ast.expr] = [r.value for r in function.returns if r.value is not None]
    answers += [y.value for y in function.yields if y.value is not None]
    for site in function.sites:
        if last_name(site.node.func) in _ANSWERS:
            answers += [*site.node.args, *(k.value for k in site.node.keywords)]
    for store in function.stores:
        kept = isinstance(store.target, ast.Subscript) and last_name(store.target.value) in _KEPT
        if kept and store.value is not None:
            answers.append(store.value)
    for answer in answers:
        yield from _names(answer)


def _names(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call) and _is_use(last_name(node.func)):
        return
    if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _names(child)
