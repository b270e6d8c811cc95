"""What memory is given to key its records by."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.facts.python.index import CallSite, CodeBase
from crewmem_doctor.facts.python.ledger import Ledger, argument_location, built
from crewmem_doctor.facts.python.survey import Survey, root
from crewmem_doctor.model.expression import Build, Choice, Expr, Items, Table, Text
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Sink, SinkName

# Arguments of third-party memories → what they key by.
_KEYS: dict[str, SinkName] = {
    "user_id": "user_id",
    "run_id": "run_id",
    "agent_id": "agent_id",
    "session_id": "session_id",
    "thread_id": "thread_id",
    "peer_id": "user_id",
    "root_scope": "root_scope",
    "scope": "scope",
    "source": "source",
    "scope_path": "scope",
    "conversation_id": "thread_id",
    "entity_id": "user_id",
    "graph_id": "user_id",
    "bank_id": "user_id",
    "app_id": "agent_id",
    "chat_id": "thread_id",
    "group_id": "user_id",
}
_SCOPED = ("scope", "remember", "recall", "remember_many", "forget", "slice", "list_records", "aremember", "arecall")
_MEM0 = ("add", "search", "get_all", "delete_all", "update")
_ZEP = (
    "add",
    "get",
    "add_messages",
    "create",
    "get_user_context",
    "add_session",
    "search",
    "message",
    "session",
    "peer",
    "retain",
    "recall",
    "reflect",
)
# What is handed a client's method with its arguments, to call it later or in another thread.
_HANDED_TO = ("partial", "to_thread", "run_sync", "run_in_threadpool", "submit")


def key_sinks(base: CodeBase, site: CallSite, value: Build, *names: str) -> Iterator[Sink]:
    """The keyword arguments among `names` that key records."""
    for name in names:
        given = value.argument(name)
        if is_given(given) and given is not None:
            yield Sink(_KEYS[name], given, argument_location(base, site, name, given))


def table_sinks(table: Table, at: Location) -> Iterator[Sink]:
    """The keys inside a configuration dict, one level of `config` deep."""
    for name, value in table.items:
        if name in _KEYS and is_given(value):
            yield Sink(_KEYS[name], value, getattr(value, "at", None) or at)
        elif name in ("config", "user_memory", "filters") and isinstance(value, Table):
            yield from table_sinks(value, at)


def is_given(value: Expr | None) -> bool:
    return value is not None and not (isinstance(value, Text) and value.value is None)


def names_of(site: CallSite, value: Build) -> tuple[str, ...]:
    return tuple(name for name, _ in value.kwargs if name in _KEYS)


def attach_scopes(survey: Survey, ledger: Ledger) -> None:
    """`memory.scope("/user/1")`, `memory.remember(…, scope=…)`, `MemoryScope(memory=…, root_path=…)`."""
    base = survey.base
    for site in survey.calls(*_SCOPED):
        func = site.node.func
        receiver = getattr(func, "value", None)
        if receiver is None or not site.callee.startswith("crewai."):
            continue
        value = built(base, site)
        sinks = list(key_sinks(base, site, value, "scope", "source"))
        if site.callee.endswith(".scope") and site.node.args:
            sinks.append(
                Sink(
                    "scope",
                    base.evaluate(site.node.args[0], site.scope),
                    base.location(site.node.args[0], site.scope.module),
                )
            )
        if site.callee.endswith(".slice"):
            sinks.extend(_scopes(base, site, value))
        for draft in ledger.of(base.evaluate(receiver, site.scope)):
            draft.sinks.extend(sinks)
    for site in survey.calls("MemoryScope", "MemorySlice"):
        value = built(base, site)
        for draft in ledger.of(value.argument("memory", 0)):
            for name in ("root_path", "path", "scope", "scopes"):
                given = value.argument(name)
                if given is not None and is_given(given):
                    draft.sinks.append(Sink("scope", given, argument_location(base, site, name, given)))


def _scopes(base: CodeBase, site: CallSite, value: Build) -> Iterator[Sink]:
    """Every scope of `memory.slice(scopes=["/a", "/b"])`."""
    given = value.argument("scopes", 0)
    at = argument_location(base, site, "scopes", given)
    for scope in given.items if isinstance(given, Items) else (given,):
        if scope is not None and is_given(scope):
            yield Sink("scope", scope, getattr(scope, "at", None) or at)


def attach_clients(survey: Survey, ledger: Ledger) -> None:
    """The ids handed to mem0, Zep, Honcho and other clients when they write and read."""
    base = survey.base
    for site, receiver in _asked(survey):
        if not any(k.arg in _KEYS or k.arg in ("filters", None) for k in site.node.keywords):
            continue
        drafts = ledger.of(_origin(base.evaluate(receiver, site.scope)))
        if not drafts and root(site.callee) != "mem0":
            continue
        value = built(base, site)
        sinks = list(key_sinks(base, site, value, *names_of(site, value)))
        filters = value.argument("filters")
        if isinstance(filters, Table):
            sinks.extend(table_sinks(filters, argument_location(base, site, "filters", filters)))
        if not drafts:
            drafts = [d for d in ledger.drafts.values() if d.memory.callee.startswith("mem0.")]
            drafts = drafts if len(drafts) == 1 else []
        for draft in drafts:
            draft.sinks.extend(sinks)


def _asked(survey: Survey) -> Iterator[tuple[CallSite, ast.expr]]:
    """The calls that ask a client, with the client: `client.add(…)`, `partial(client.add, …)`."""
    methods = dict.fromkeys((*_MEM0, *_ZEP))
    for site in survey.calls(*methods):
        if isinstance(site.node.func, ast.Attribute):
            yield site, site.node.func.value
    for site in survey.calls(*_HANDED_TO):
        for given in site.node.args[:2]:
            if isinstance(given, ast.Attribute) and given.attr in methods:
                yield site, given.value


def _origin(value: Expr) -> Expr:
    """The client behind `client.thread` or `Memory.from_config(…)`; a fallback's first object."""
    if isinstance(value, Choice):
        found = [option for option in value.options if isinstance(option, Build)]
        return found[0] if len(found) == 1 else value
    return value
