"""Conversations that live in a Python container of the process: a module-level dict of sessions, a dict on a long-lived
object, an `lru_cache`d factory of crews.

A container counts where its name (or what it holds) means conversations, sessions of a chat, or crews, and code on the
way from a handler puts entries in under a key that is not constant. Constants, registries that are filled at import,
metrics, locks and the states of jobs do not count, nor does a cache in front of a database or file that the same
function writes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from crewmem_doctor.facts.python.containers import Container, containers
from crewmem_doctor.facts.python.crewai_names import CREW, FLOW, crewai_class
from crewmem_doctor.facts.python.durable import is_cache
from crewmem_doctor.facts.python.index import Function, Scope
from crewmem_doctor.facts.python.ledger import Goal, reaches
from crewmem_doctor.facts.python.running import ends_with_its_call
from crewmem_doctor.facts.python.singletons import long_lived, reruns
from crewmem_doctor.facts.python.state import state_key
from crewmem_doctor.facts.python.survey import Survey, last_name, root
from crewmem_doctor.facts.python.wording import may_hold_crews, means_conversation
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory, Reach, Step, Store

_WRITES = frozenset({"append", "appendleft", "setdefault", "update", "insert", "extend", "add"})
_CACHES = frozenset({"functools.lru_cache", "functools.cache", "cachetools.cached", "cachetools.func.ttl_cache"})

# Classes of objects that are of use only while their connection or their process lives, wherever they come from.
_LIVE = frozenset(
    {
        "WebSocket",
        "WebSocketResponse",
        "WebSocketHandler",
        "WebSocketServerProtocol",
        "ServerConnection",
        "AsyncWebsocketConsumer",
        "VoiceClient",
        "StreamResponse",
        "Lock",
        "RLock",
        "Event",
        "Condition",
        "Semaphore",
        "BoundedSemaphore",
        "Queue",
        "Task",
        "Future",
        "Thread",
        "Timer",
        "ClientSession",
        "AsyncClient",
        "bool",
        "datetime",
    }
)
# A function that puts an entry in, where, whether a crew or flow is put in, and whether it is no conversation.
Writer = tuple[Function, Location, bool, bool]


def find_conversations(survey: Survey, entries: Mapping[Function, EntryPoint]) -> tuple[Memory, ...]:
    found: dict[object, Memory] = {}
    for container in dict.fromkeys(containers(survey)):
        # An object's index beside its history is the same cause.
        cause = container.owner or container
        if cause not in found:
            with survey.attempt(container.at):
                memory = _conversation(survey, container, entries)
                if memory is not None:
                    found[cause] = memory
    return (*found.values(), *_factories(survey, entries))


def _conversation(survey: Survey, container: Container, entries: Mapping[Function, EntryPoint]) -> Memory | None:
    named = container.holds or means_conversation(container.word)
    writers = [w for w in _writers(survey, container) if (named or w[2]) and not w[3]]
    if container.holds or may_hold_crews(container.word):
        writers = [w for w in writers if not ends_with_its_call(w[0], container.word)]
    functions = list(dict.fromkeys(writer[0] for writer in writers))
    handlers = _handlers(survey, functions, entries) if functions else ()
    if not handlers or is_cache(survey, container, functions):
        return None
    owner = container.owner
    if owner is None or container.shared:
        lasts = not reruns(container.module, entries)
    else:
        lasts = long_lived(survey, owner, entries)
    if not lasts:
        return None
    return Memory(
        "conversation",
        container.at,
        container.label,
        Store("process", container.why, None, "python", container.at),
        container.at,
        level="class" if owner is not None else "module",
        handlers=handlers,
        used_by=tuple(Step(at, "entries are put in here") for _, at, _, _ in writers[:4]),
        kept_in_object=True,
        inside=owner.qualname if owner is not None else "",
    )


def _handlers(survey: Survey, functions: list[Function], entries: Mapping[Function, EntryPoint]) -> tuple[Reach, ...]:
    """The entry points from which a writing function is reached; scripts alone do not serve anybody."""
    own = {Reach(entries[f], False) for f in functions if f in entries and entries[f].kind != "script"}
    goals: list[Goal] = [f for f in functions if f not in entries]
    found = reaches(survey.base, goals, entries, made_once=True)
    direct = {reach.entry for reach in own}
    everything = [*own, *(r for r in found if r.entry.kind != "script" and r.entry not in direct)]
    return tuple(sorted(everything, key=lambda r: (r.entry.at, r.entry.label)))


def _writers(survey: Survey, container: Container) -> Iterator[Writer]:
    """Functions that put an entry in under a key that is not constant."""
    if container.owner is not None and not container.shared:
        functions: list[Function] = [f for f in container.owner.methods.values() if f.name != "__init__"]
    else:
        modules = {m.path: m for m in (container.module, *survey.base.modules.values()) if container.word in m.text}
        functions = [f for m in modules.values() for f in m.all_functions if not f.is_body]
    for function in functions:
        for stored in function.stores:
            target = stored.target
            if isinstance(target, ast.Subscript) and not isinstance(target.slice, (ast.Constant, ast.Slice)):
                if not _is(survey, container, target.value, function):
                    continue
                yield (
                    function,
                    survey.base.location(stored.statement, function.module),
                    _is_crew(survey, stored.value, stored.scope),
                    _is_live(survey, stored.value, stored.scope),
                )
        for call in (site.node for site in function.sites):
            if isinstance(call.func, ast.Attribute) and call.func.attr in _WRITES:
                receiver = call.func.value
                keyed = isinstance(receiver, ast.Subscript) and not isinstance(receiver.slice, ast.Constant)
                if isinstance(receiver, ast.Subscript) and state_key(receiver) is None:
                    receiver = receiver.value
                if not _is(survey, container, receiver, function):
                    continue
                if (
                    call.func.attr == "setdefault"
                    and call.args
                    and isinstance(call.args[0], ast.Constant)
                    and not keyed
                ):
                    continue
                crew = any(_is_crew(survey, a, function.scope) for a in call.args)
                live = bool(call.args) and _is_live(survey, call.args[-1], function.scope)
                yield function, survey.base.location(call, function.module), crew, live
        yield from _through_names(survey, container, function)


def _through_names(survey: Survey, container: Container, function: Function) -> Iterator[Writer]:
    """`log = turns[chat]; log.append(text)`: a local name for an entry that is there already or made by being read."""
    for name, bindings in function.bindings.items():
        entry = bindings[0].value if len(bindings) == 1 and bindings[0].kind == "assign" else None
        if (
            not isinstance(entry, ast.Subscript)
            or isinstance(entry.slice, (ast.Constant, ast.Slice))
            or not _is(survey, container, entry.value, function)
        ):
            continue
        for site in function.sites:
            called = site.node.func
            if isinstance(called, ast.Attribute) and called.attr in _WRITES and _named(called.value, name):
                given = site.node.args
                live = bool(given) and _is_live(survey, given[-1], function.scope)
                yield function, site.location, False, live


def _named(node: ast.expr, name: str) -> bool:
    """`log` or `log["messages"]`"""
    inner = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(inner, ast.Name) and inner.id == name


def _is(survey: Survey, container: Container, node: ast.expr, function: Function) -> bool:
    """Whether an expression is that container."""
    if container.name.startswith("."):
        owner, key = container.name[1:].split(".", 1)
        if isinstance(node, ast.Name):
            # `store = current_app.extensions["chats"]`
            bindings = function.bindings.get(node.id, [])
            node = bindings[0].value or node if len(bindings) == 1 else node
        return state_key(node) == (owner, key)
    if last_name(node) != container.word:
        return False
    if container.owner is not None:
        if not isinstance(node, ast.Attribute):
            return False
        word = last_name(node.value)
        if isinstance(node.value, ast.Name) and word == "self":
            return function.owner is container.owner
        own = word == "cls" and function.owner is container.owner
        return container.shared and (own or survey.base.canonical(node.value, function.scope) == container.owner.dotted)
    if isinstance(node, ast.Name):
        if function.module is container.module:
            # A local of the same name hides the module's.
            return container.word not in function.bindings or container.word in function.globals
        return any(
            i.local == node.id and i.target.endswith(f".{container.word}") and i.target in _spellings(container)
            for i in function.module.imports
        )
    return survey.base.canonical(node, function.scope) == container.name


def _spellings(container: Container) -> set[str]:
    return {f"{name}.{container.word}" for name in container.module.names}


def _is_crew(survey: Survey, value: ast.expr | None, scope: Scope) -> bool:
    if value is None or isinstance(value, ast.Constant):
        return False
    name = survey.base.type_of(value, scope)
    return bool(name) and crewai_class(survey.base, name) in (CREW, FLOW)


def _is_live(survey: Survey, value: ast.expr | None, scope: Scope) -> bool:
    """A connection, a lock, a task, a flag: nothing that a conversation could be read from later."""
    if value is None:
        return False
    name = survey.base.type_of(value, scope)
    package = root(name) not in ("", "crewai") and survey.base.definition(name) is None
    if package and name.rpartition(".")[2] in _LIVE:
        return True
    return isinstance(value, ast.Constant) and isinstance(value.value, bool)


def _factories(survey: Survey, entries: Mapping[Function, EntryPoint]) -> Iterator[Memory]:
    """`@lru_cache` over a function that makes a crew or conversation for a key."""
    base = survey.base
    for function in base.functions():
        keys = [n for n in function.parameters if n not in ("self", "cls")]
        if not keys or not any(
            base.canonical(d.func if isinstance(d, ast.Call) else d, function.module.scope) in _CACHES
            for d in function.decorators
        ):
            continue
        crew = any(_is_crew(survey, r.value, function.scope) for r in function.returns)
        if not crew and not means_conversation(function.name.removeprefix("get_").removeprefix("create_")):
            continue
        handlers = _handlers(survey, [function], entries)
        if handlers:
            decorator = function.decorators[0]
            at = base.location(decorator, function.module)
            yield Memory(
                "conversation",
                at,
                function.name,
                Store("process", f"the cache of {function.name}()", None, "python", at),
                at,
                level="module",
                handlers=handlers,
                kept_in_object=True,
                inside=function.qualname,
            )
