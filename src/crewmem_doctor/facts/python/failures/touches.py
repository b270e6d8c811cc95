"""Which memories a call touches: it makes one, runs a crew that has one, or saves into one."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal

from crewmem_doctor.facts.python.calls import KICKOFFS
from crewmem_doctor.facts.python.index import CallSite, Class
from crewmem_doctor.facts.python.ledger import Position
from crewmem_doctor.facts.python.survey import Survey, last_name, start_of
from crewmem_doctor.model.expression import Build, Expr, walk
from crewmem_doctor.model.memory import Memory

What = Literal["kickoff", "build", "save", "recall"]
SAVES = frozenset(
    {"remember", "remember_many", "aremember", "aremember_many", "save", "asave", "add", "retain", "add_messages"}
)
READS = frozenset({"recall", "arecall", "search", "asearch", "get_all", "get_user_context"})
_OBJECTS = ("memory", "short_term", "long_term", "entity", "external", "third_party")


class Touches:
    def __init__(self, survey: Survey, memories: Iterable[Memory]) -> None:
        self.survey = survey
        self.base = survey.base
        self.memories = tuple(m for m in memories if m.kind not in ("conversation", "checkpoint"))
        self.made: dict[Position, Memory] = {}
        self.users: dict[Position, list[Memory]] = {}
        for memory in self.memories:
            position = start_of(memory.at)
            if position is not None:
                self.made[position] = memory
            for step in memory.used_by:
                used = start_of(step.at)
                if used is not None:
                    self.users.setdefault(used, []).append(memory)

    @cached_property
    def sites(self) -> tuple[tuple[CallSite, What, tuple[Memory, ...]], ...]:
        """Every call that touches a memory, in the order of the code."""
        words = [*KICKOFFS]
        if any(m.kind in _OBJECTS for m in self.memories):
            words += [*SAVES, *READS]
        asked = {id(site.node) for site in self.survey.calls(*words)}
        found = []
        for site in self.base.calls:
            if id(site.node) in asked or self._on_line(site):
                what = self._of(site)
                if what is not None:
                    found.append((site, *what))
        return tuple(found)

    def _of(self, site: CallSite) -> tuple[What, tuple[Memory, ...]] | None:
        word = last_name(site.node.func)
        receiver = site.node.func.value if isinstance(site.node.func, ast.Attribute) else None
        made = self._made_by(site)
        if made:
            return "build", made
        if receiver is None:
            return None
        if word in KICKOFFS:
            run = self.run_by(receiver, site)
            return ("kickoff", run) if run else None
        if word in SAVES or word in READS:
            memory = self.of(self.base.evaluate(receiver, site.scope))
            if memory is not None and memory.kind in _OBJECTS:
                return ("save" if word in SAVES else "recall"), (memory,)
        return None

    def _made_by(self, site: CallSite) -> tuple[Memory, ...]:
        if not self._on_line(site):
            return ()
        position = start_of(site.location)
        if position is None:
            return ()
        made = self.made.get(position)
        return (made,) if made is not None else tuple(self.users.get(position, ()))

    def _on_line(self, site: CallSite) -> bool:
        """The call's place is only worked out where a memory stands on its line."""
        lines = self._lines.get(site.scope.module.path)
        return lines is not None and (site.node.func.end_lineno in lines or site.node.lineno in lines)

    @cached_property
    def _lines(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for path, line, _ in (*self.made, *self.users):
            found.setdefault(path, set()).add(line)
        return found

    def of(self, value: Expr | None) -> Memory | None:
        """The memory that a value is."""
        if isinstance(value, Build):
            position = start_of(value.at)
            found = self.made.get(position) if position is not None else None
            if found is None and value.callee.endswith((".scope", ".slice", ".subscope", ".chat", ".thread")):
                return self.of(value.receiver)
            return found
        options = getattr(value, "options", ())
        return next((found for found in map(self.of, options) if found is not None), None)

    def run_by(self, receiver: ast.expr, site: CallSite) -> tuple[Memory, ...]:
        """The memories of the crew, agent or flow that is started there."""
        value = self.base.evaluate(receiver, site.scope)
        found = list(self._within(value))
        kind = self.base.type_of(receiver, site.scope)
        flow = self.base.definition(kind) if kind else None
        if isinstance(flow, Class):
            found += [m for m in self.memories if m.at.path == flow.module.path and m.inside == flow.qualname]
        if not found and kind in ("", "crewai.Crew") and not isinstance(value, Build):
            found += self._neighbours(site)
        return tuple(dict.fromkeys(found))

    def _within(self, value: Expr) -> Iterator[Memory]:
        for part in walk(value):
            position = start_of(part.at) if isinstance(part, Build) else None
            if position is not None:
                if position in self.made:
                    yield self.made[position]
                yield from self.users.get(position, ())

    def _neighbours(self, site: CallSite) -> Iterator[Memory]:
        """An object that could not be followed, in a class that builds exactly one crew with memory itself."""
        owner = site.scope.cls or (site.scope.function.owner if site.scope.function is not None else None)
        if owner is None:
            return
        inside = [
            m
            for m in self.memories
            if m.kind == "crew" and m.at.path == owner.module.path and m.inside.startswith(f"{owner.qualname}.")
        ]
        if len(inside) == 1:
            yield inside[0]
