"""Memories while they are being gathered, and what is joined to them at the end: uses, keys, handlers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Union

from crewmem_doctor.facts.python.deferred import level_of
from crewmem_doctor.facts.python.environment import on_script_line
from crewmem_doctor.facts.python.index import CallSite, CodeBase, Function, Scope
from crewmem_doctor.facts.python.refs import Bound
from crewmem_doctor.facts.python.survey import Survey, start_of
from crewmem_doctor.model.expression import Build, Choice, EnvVar, Expr, walk
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Kickoff, Memory, Reach, Sink, Step, TaskText, Team

Goal = Union[CallSite, Function, Scope]
Position = tuple[str, int, int]
# Steps of a chain that a person can still read.
_LONGEST = 12


@dataclass
class Draft:
    """A memory, the places whose being reached means that it is reached, and the values it was read from."""

    memory: Memory
    goals: list[Goal]
    values: list[Expr] = field(default_factory=list)
    made_once: bool = False  # made at import whatever the goals say: a decorator's argument
    uses: list[Step] = field(default_factory=list)
    sinks: list[Sink] = field(default_factory=list)
    llms: list[tuple[str, Location]] = field(default_factory=list)
    users: list[Goal] = field(default_factory=list)  # places that use the memory without making it
    kickoffs: list[Kickoff] = field(default_factory=list)
    team: Team | None = None
    tasks: list[TaskText] = field(default_factory=list)


class Ledger:
    def __init__(self, base: CodeBase) -> None:
        self.base = base
        self.drafts: dict[Position, Draft] = {}

    def add(self, draft: Draft) -> None:
        """The first record of a position stands."""
        position = start_of(draft.memory.at)
        if position is not None:
            self.drafts.setdefault(position, draft)

    def of(self, value: Expr | None) -> list[Draft]:
        """The memories that a value is, or may be."""
        if isinstance(value, Choice):
            return [draft for option in value.options for draft in self.of(option)]
        if isinstance(value, Build):
            position = start_of(value.at)
            if position is not None and position in self.drafts:
                return [self.drafts[position]]
            # A scope or slice of a memory, `memory.scope("/x")`: its records go to that memory.
            if value.callee.endswith((".scope", ".slice", ".subscope")) and value.receiver is not None:
                return self.of(value.receiver)
            inner = value.argument("memory", 0)
            if inner is not None and value.callee.endswith(("MemoryScope", "MemorySlice")):
                return self.of(inner)
        return []

    def finish(self, survey: Survey, entries: Mapping[Function, EntryPoint]) -> tuple[Memory, ...]:
        bodies = {
            module.body: EntryPoint("script", path, Location(path, 1), module.name, "")
            for path, module in self.base.modules.items()
        }
        done: list[Memory] = []
        for draft in self.drafts.values():
            memory = draft.memory
            with survey.attempt(memory.at):
                memory = self._finished(draft, entries, bodies)
            done.append(memory)
        return tuple(sorted(done, key=lambda m: (m.at, m.kind)))

    def _finished(
        self, draft: Draft, entries: Mapping[Function, EntryPoint], bodies: Mapping[Function, EntryPoint]
    ) -> Memory:
        memory = draft.memory
        handlers = reaches(self.base, draft.goals, entries, draft.made_once, draft.users)
        values = [*draft.values, memory.store.where, *(sink.value for sink in draft.sinks)]
        if memory.embedder is not None:
            values.append(memory.embedder.provider)
        names = dict.fromkeys(e.name for value in values for e in walk(value) if isinstance(e, EnvVar))
        served = [reach for reach in handlers if reach.entry.kind != "script"]
        return replace(
            memory,
            handlers=handlers,
            sinks=_unique_sinks(draft.sinks),
            llms=tuple(dict.fromkeys(draft.llms)),
            used_by=tuple(dict.fromkeys(draft.uses)),
            made_at_import=self._importers(draft, bodies) if memory.level == "function" else (),
            reads=tuple(names),
            kickoffs=tuple(sorted(draft.kickoffs, key=lambda k: k.at)),
            team=draft.team,
            tasks=tuple(draft.tasks),
            kept_in_object=memory.level == "module" or any(not reach.builds for reach in served),
        )


    def _importers(self, draft: Draft, bodies: Mapping[Function, EntryPoint]) -> tuple[str, ...]:
        """The modules whose top-level code calls its way to the construction, but for what only runs as a script."""
        found: list[str] = []
        for goal in draft.goals:
            cls = goal.scope.cls if isinstance(goal, CallSite) and goal.scope.in_class_body else None
            if cls is None:
                found += self._calling(goal, bodies)
                continue
            # What a field gets is made where the objects of its class are.
            for site in self.base.graph.constructions(cls):
                if level_of(site) == "function":
                    found += self._calling(site, bodies)
                elif not on_script_line(site.scope.module, site.node.lineno):
                    found.append(site.scope.module.path)
        return tuple(sorted(set(found)))

    def _calling(self, goal: Goal, bodies: Mapping[Function, EntryPoint]) -> Iterator[str]:
        for chain in self.base.chains(goal, bodies):
            called = bool(chain.steps) and all(step.note.startswith("calls ") for step in chain.steps)
            module = chain.functions[0].module
            if called and chain.builds and not on_script_line(module, chain.steps[0].at.line):
                yield module.path


def reaches(
    base: CodeBase,
    goals: Sequence[Goal],
    entries: Mapping[Function, EntryPoint],
    made_once: bool = False,
    users: Sequence[Goal] = (),
) -> tuple[Reach, ...]:
    """One reach per entry point, one that builds before one that uses, the shortest first. What reaches one of `users`
    only uses."""
    found: dict[EntryPoint, Reach] = {}
    for goal, once in (*((g, made_once) for g in goals), *((g, True) for g in users)):
        for chain in base.chains(goal, entries):
            reach = Reach(chain.entry, chain.builds and not once, chain.steps[:_LONGEST], chain.queued)
            known = found.get(chain.entry)
            if known is None or _rank(reach) < _rank(known):
                found[chain.entry] = reach
    return tuple(sorted(found.values(), key=lambda r: (r.entry.at, r.entry.label)))


def _rank(reach: Reach) -> tuple[bool, bool, int]:
    return (reach.queued, not reach.builds, len(reach.steps))


def _unique_sinks(sinks: Iterable[Sink]) -> tuple[Sink, ...]:
    """In order of place; the same name at the same place once."""
    unique = {(sink.name, sink.at): sink for sink in sinks}
    return tuple(sorted(unique.values(), key=lambda s: (s.at, s.name)))


def built(base: CodeBase, site: CallSite) -> Build:
    """The call as a value, whatever the class: its arguments with `**kwargs` spread."""
    value = base.evaluate(site.node, site.scope)
    if isinstance(value, Build):
        return value
    arguments = tuple((k.arg, base.evaluate(k.value, site.scope)) for k in site.node.keywords if k.arg is not None)
    positional = tuple(base.evaluate(a, site.scope) for a in site.node.args)
    return Build(site.callee, positional, arguments, site.location)


def argument_location(base: CodeBase, site: CallSite, name: str, value: Expr | None = None) -> Location:
    """The span of `name=value`, also in a `partial` that brings it; where it came through `**kwargs`, the place of the
    value."""
    keyword = site.keyword(name)
    if keyword is not None:
        return base.location(keyword, site.scope.module)
    ref = base.names.resolve(site.node.func, site.scope)
    for call, scope in reversed(ref.given) if isinstance(ref, Bound) else ():
        brought = next((k for k in call.keywords if k.arg == name), None)
        if brought is not None:
            return base.location(brought, scope.module)
    return getattr(value, "at", None) or site.location


def inside(scope: Scope) -> str:
    """The enclosing function or class within its module: "SupportCrew.crew"."""
    if scope.function is not None:
        return scope.function.qualname
    return scope.cls.qualname if scope.cls is not None else ""
