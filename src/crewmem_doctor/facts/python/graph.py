"""Ways through the code from entry points to a place: calls, functions handed on, and objects kept for later."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.deferred import level_of
from crewmem_doctor.facts.python.holders import holders, is_cached, made_lazily
from crewmem_doctor.facts.python.nodes import CallSite, Chain, Class, Function, Scope
from crewmem_doctor.facts.python.passing import Passing
from crewmem_doctor.facts.python.state import last_word
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Step
from crewmem_doctor.model.record import dataclass

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

_LIMIT = 4000
_DEPTH = 24
_KICKOFFS = (
    "kickoff",
    "kickoff_async",
    "akickoff",
    "kickoff_for_each",
    "kickoff_for_each_async",
    "resume",
    "resume_async",
)
_BY_NAME = (
    "send_task",
    "signature",
    "enqueue",
    "enqueue_call",
    "add_job",
    "import_string",
    "add_periodic_task",
    "submit",
)

# Of these, what another process runs.
_SENDS = ("send_task", "signature", "enqueue", "enqueue_call")


@dataclass(frozen=True, slots=True)
class Edge:
    """`function` leads to the place one came from, at `at`. `builds` turns False where it only uses what was made
    before."""

    function: Function
    at: Location
    note: str
    site: CallSite | None = None
    used: bool = False
    kept: bool = False  # reads what the result is kept in, without any call that makes it
    sent: bool = False  # hands its name to a queue


@dataclass(eq=False, slots=True)
class _Stop:
    function: Function
    builds: bool
    via: Edge | None
    after: _Stop | None
    length: int
    queued: bool = False
    kept: bool = False


class Graph(Passing):
    """The call graph, walked backwards from a goal."""

    def __init__(self, base: CodeBase) -> None:
        super().__init__(base)
        self._before: dict[Function, list[Edge]] = {}
        self._anew: dict[Class, bool] = {}

    def chains(self, goal: CallSite | Function | Scope, entries: Mapping[Function, EntryPoint]) -> list[Chain]:
        if not entries:
            return []
        site = goal if isinstance(goal, CallSite) else None
        scope = goal.scope if isinstance(goal, (CallSite, Function)) else goal
        start = scope.body
        found: dict[Function, _Stop] = {}
        seen: set[tuple[Function, bool, bool, int]] = set()
        queue = deque([_Stop(start, True, None, None, 0)])
        runs = _may_run(self.base, start, entries)
        while queue and len(seen) < _LIMIT:
            stop = queue.popleft()
            made = stop.via.site if stop.via is not None else site
            key = id(made.node) if made is not None else 0
            if any((stop.function, b, q, key) in seen for b in {stop.builds, True} for q in {stop.queued, False}):
                continue
            seen.add((stop.function, stop.builds, stop.queued, key))
            if stop.function in entries and self._better(stop, found.get(stop.function)):
                found[stop.function] = stop
            if stop.length < _DEPTH:
                for edge in self._edges(stop, made, entries):
                    queued = stop.queued or _queues(edge, stop.function, entries)
                    builds, kept = stop.builds and not edge.used, stop.kept or edge.kept
                    queue.append(_Stop(edge.function, builds, edge, stop, stop.length + 1, queued, kept))
                    runs = runs or (not kept and _may_run(self.base, edge.function, entries))
        if not runs:
            return []  # nothing ever makes what the readers look for
        chains = [self._chain(stop, entries[function]) for function, stop in found.items()]
        return sorted(chains, key=lambda c: (len(c.steps), c.entry.at, c.entry.label))

    @staticmethod
    def _better(new: _Stop, old: _Stop | None) -> bool:
        return old is None or (new.builds, not new.queued, -new.length) > (old.builds, not old.queued, -old.length)

    def _chain(self, stop: _Stop, entry: EntryPoint) -> Chain:
        steps, functions = [], [stop.function]
        current: _Stop | None = stop
        while current is not None and current.via is not None:
            steps.append(Step(current.via.at, current.via.note))
            current = current.after
            if current is not None:
                functions.append(current.function)
        return Chain(entry, tuple(steps), stop.builds, tuple(functions), stop.queued)

    def _edges(self, stop: _Stop, made: CallSite | None, entries: Mapping[Function, EntryPoint]) -> Iterator[Edge]:
        """What leads to `stop`: the keepers of what is made there, then the callers."""
        function = stop.function
        kept = False
        if made is not None:
            lazily = made_lazily(self, made)
            kept = not self._made_anew(lazily, entries) if isinstance(lazily, Class) else lazily
            anew = list(self._with_objects(made))
            yield from anew or self._keepers(made)
        if is_cached(self.base, function):
            kept = True
        if function not in self._before:
            self._before[function] = list(self._reaching(function))
        for edge in self._before[function]:
            yield replace(edge, used=True, kept=False) if kept else edge

    def _made_anew(self, cls: Class, entries: Mapping[Function, EntryPoint]) -> bool:
        """Whether a request makes objects of the class, or it is not known who does."""
        if cls not in self._anew:
            self._anew[cls] = True  # for a class that makes itself
            sites = list(self.constructions(cls))
            self._anew[cls] = not sites or any(
                chain.builds and chain.entry.kind != "script" for site in sites for chain in self.chains(site, entries)
            )
        return self._anew[cls]

    def _with_objects(self, made: CallSite) -> Iterator[Edge]:
        """What makes the objects of a class whose field gets the call's result anew for each of them."""
        cls = made.scope.cls if made.scope.in_class_body else None
        if cls is None or level_of(made) != "function":
            return
        for site in self.constructions(cls):
            yield Edge(site.scope.body, site.location, f"calls {cls.name}()", site)
        for node, user in self.references(cls):
            yield Edge(user, self.base.location(node, user.module), f"hands on {cls.name}")

    def _keepers(self, made: CallSite) -> Iterator[Edge]:
        """The functions that read what the call's result is kept in."""
        for word, users in holders(self, made):
            for node, function in users:
                if function is not made.scope.body:
                    # What fills an application's state is often called by the framework.
                    kept = "." not in word
                    yield Edge(function, self.base.location(node, function.module), f"uses {word}", None, True, kept)

    def _reaching(self, function: Function) -> Iterator[Edge]:
        name = function.name
        for site in self.callers(function):
            word = last_word(site.node.func) or name
            yield Edge(site.scope.body, site.location, f"calls {word}()", site)
        if function.is_body:
            return
        for node, user in self.references(function):
            if user is not function:
                yield Edge(user, self.base.location(node, user.module), f"hands on {name}", self._around(node, user))
        if function.owner is not None and name in ("__init__", "__call__"):
            for node, user in self.references(function.owner):
                yield Edge(user, self.base.location(node, user.module), f"hands on {function.owner.name}")
        yield from self._framework(function)
        yield from self._by_name(function)

    def _around(self, node: ast.expr, user: Function) -> CallSite | None:
        """At module level, the call that is handed the function: what it returns may be kept in a variable."""
        if not user.is_body:
            return None
        place = (node.lineno, node.col_offset)
        return next(
            (
                s
                for s in user.sites
                if any(
                    (a.lineno, a.col_offset) <= place < (a.end_lineno or 0, a.end_col_offset or 0)
                    for a in (*s.node.args, *(k.value for k in s.node.keywords))
                )
            ),
            _as_site(self.base, node, user),
        )

    def _framework(self, function: Function) -> Iterator[Edge]:
        """Methods that CrewAI or a thread calls: those of flows, of `@CrewBase` classes, `Thread.run`."""
        owner = function.owner
        if owner is None or (not function.decorators and function.name not in ("run", "_run_impl")):
            return
        marks = {
            self.base.canonical(d.func if isinstance(d, ast.Call) else d, self.base.around(function))
            for d in function.decorators
        }
        if any(m.startswith("crewai.flow.") for m in marks):
            yield from self._kickoffs(owner)
        if any(m.startswith("crewai.project.") and m != "crewai.project.crew" for m in marks):
            for method in owner.methods.values():
                if any(
                    self.base.canonical(d, self.base.around(method)) == "crewai.project.crew" for d in method.decorators
                ):
                    yield Edge(method, self.base.name_location(function), f"collects {function.name}()")
        if function.name == "run" and "threading.Thread" in self.base.bases(owner.dotted):
            for site in self.constructions(owner):
                yield Edge(site.scope.body, site.location, f"starts {owner.name}", site)

    def _kickoffs(self, owner: Class) -> Iterator[Edge]:
        kinds = {owner.dotted, *(c.dotted for c in self.subclasses(owner.dotted))}
        for word in _KICKOFFS:
            for site in self.sites_named(word):
                func = site.node.func
                if isinstance(func, ast.Attribute) and self.base.type_of(func.value, site.scope) in kinds:
                    yield Edge(site.scope.body, site.location, f"calls {owner.name}.{word}()")

    def _by_name(self, function: Function) -> Iterator[Edge]:
        """`send_task("app.tasks.run")`."""
        names = {f"{m}.{function.qualname}" for m in function.module.names}
        for decorator in function.decorators:
            if isinstance(decorator, ast.Call):
                names.update(
                    k.value.value
                    for k in decorator.keywords
                    if k.arg == "name" and isinstance(k.value, ast.Constant) and isinstance(k.value.value, str)
                )
        for word in _BY_NAME:
            for site in self.sites_named(word):
                first = site.node.args[0] if site.node.args else None
                if (
                    isinstance(first, ast.Constant)
                    and isinstance(first.value, str)
                    and first.value.replace(":", ".") in names
                ):
                    sent = word in _SENDS
                    yield Edge(site.scope.body, site.location, f"sends {function.name}", sent=sent)


def _may_run(base: CodeBase, function: Function, entries: Mapping[Function, EntryPoint]) -> bool:
    """Whether something runs a function without a call in the code: an import, a decorator, the methods that a
    framework's class overrides."""
    if function in entries or function.is_body or function.decorators:
        return True
    return function.owner is not None and any(base.definition(b) is None for b in base.bases(function.owner.dotted))


def _queues(edge: Edge, function: Function, entries: Mapping[Function, EntryPoint]) -> bool:
    """Whether the edge hands a task to a queue (`run.delay(x)`, `queue.enqueue(run, x)`), so that another process
    runs it."""
    entry = entries.get(function)
    if edge.sent or entry is None or entry.kind != "task":
        return edge.sent
    # Huey puts its wrapper in the function's place, so that a plain call queues.
    return edge.note != f"calls {function.name}()" or entry.framework == "huey"


def _as_site(base: CodeBase, node: ast.expr, user: Function) -> CallSite:
    """A reference that stands for itself: `TASKS = {"a": run_a}`."""
    call = ast.Call(func=node, args=[], keywords=[])
    ast.copy_location(call, node)
    return CallSite(base, call, user.scope)
