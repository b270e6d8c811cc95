"""Lesser stores that stand in for the one that was meant, after an exception or for want of a setting."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import partial

from crewmem_doctor.facts.python.crewai_names import AGENTS, CREW, crewai_class, sites_of
from crewmem_doctor.facts.python.failures.conditions import (
    arms,
    end_of,
    is_setting,
    leaves_with,
    scope_at,
    settings_in,
    tests,
)
from crewmem_doctor.facts.python.failures.handlers import Catches, catches_storage
from crewmem_doctor.facts.python.failures.options import Option, To, crew_option, in_ram, leaves, store_option, worse
from crewmem_doctor.facts.python.failures.spans import clause, holds, targets, within
from crewmem_doctor.facts.python.failures.touches import Touches
from crewmem_doctor.facts.python.index import CallSite, Function
from crewmem_doctor.facts.python.ledger import built
from crewmem_doctor.facts.python.survey import Survey, start_of
from crewmem_doctor.model.expression import Choice, Concat, EnvVar, Expr, Joined, Text, walk
from crewmem_doctor.model.failure import Fallback
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory


def find_fallbacks(touches: Touches, catches: Catches) -> tuple[Fallback, ...]:
    found: dict[tuple[str, int, Location], Fallback] = {}
    finder = _Finder(touches, catches)
    for fallback in (*finder.by_value(), *finder.by_handler()):
        found.setdefault((fallback.at.path, fallback.at.line, fallback.memory), fallback)
    return tuple(sorted(found.values(), key=lambda f: (f.at, f.memory)))


class _Finder:
    def __init__(self, touches: Touches, catches: Catches) -> None:
        self.touches = touches
        self.survey: Survey = touches.survey
        self.base = touches.base
        self.catches = catches

    # values that a crew's or a memory's argument may have

    def by_value(self) -> Iterator[Fallback]:
        """`Crew(memory=…)`, `Memory(storage=…)` and paths of which one option is given where the other one failed."""
        for site, _ in sites_of(self.base, CREW, *AGENTS):
            node = site.argument("memory")
            if node is not None and not isinstance(node, ast.Constant):
                value = self.base.evaluate(node, site.scope)
                yield from self._judge(value, self._memory_of(site, value), partial(crew_option, self.touches))
        for site, what, memories in self.touches.sites:
            if what == "build" and crewai_class(self.base, site.callee) not in (CREW, *AGENTS):
                for _, value in (*((None, a) for a in built(self.base, site).args), *built(self.base, site).kwargs):
                    yield from self._judge(value, memories[0], partial(store_option, self.touches))
        for memory in self.touches.memories:
            if memory.store.where is not None:
                yield from self._judge(memory.store.where, memory, partial(store_option, self.touches))

    def _memory_of(self, site: CallSite, value: Expr) -> Memory | None:
        """The memory that is meant: one that the crew is handed, else its own."""
        places = {start_of(getattr(part, "at", None)) for part in walk(value)}
        handed = [m for m in self.touches.memories if start_of(m.at) in places]
        own = [m for m in self.touches.memories if m.at == site.location]
        return next(iter((*handed, *own)), None)

    def _judge(
        self, value: Expr, memory: Memory | None, classify: Callable[[Expr], Option | None]
    ) -> Iterator[Fallback]:
        if memory is None:
            return
        parts = {
            id(part)
            for path in walk(value)
            if isinstance(path, (Concat, Joined))
            for part in walk(path)
            if part is not path
        }
        for choice in walk(value):
            if isinstance(choice, Choice):
                options = [o for o in map(classify, leaves(choice)) if o is not None]
                if id(choice) in parts:
                    # A piece of a path is no store: what could not be followed is a directory too.
                    options = [o for o in options if o.to != "unknown"]
                yield from self._between(options, memory)
            elif isinstance(choice, EnvVar) and choice.at and is_setting(choice.name) and in_ram(choice.default):
                yield Fallback(choice.at, "ram", memory.at, choice.at, choice.at, (choice.name,), memory.inside)

    def _between(self, options: list[Option], memory: Memory) -> Iterator[Fallback]:
        """The pairs of options of which one is taken where the other one cannot be had."""
        for lesser in options:
            if lesser.to not in ("ram", "off", "local"):
                continue
            for meant in options:
                if meant.at == lesser.at or not worse(lesser, meant):
                    continue
                cause = self._caught(lesser, meant)
                if cause is None and (lesser.to, meant.to) != (
                    "local",
                    "local",
                ):  # a path by default is plain configuration
                    cause = self._unset(lesser, meant)
                if cause is not None:
                    at, settings = cause
                    yield Fallback(lesser.at, lesser.to, memory.at, meant.at, at, settings, memory.inside)
                    break

    # what leads from the one to the other

    def _caught(self, lesser: Option, meant: Option) -> tuple[Location, tuple[str, ...]] | None:
        """Whether `lesser` stands in a handler of a try that would have given `meant`."""
        module = self.base.module(lesser.at.path)
        for function in module.all_functions if module is not None else ():
            for around in self.catches.tries(function):
                for handler in getattr(around, "handlers", ()):
                    if (
                        holds(handler.body, lesser.at)
                        and not (meant.at.path == lesser.at.path and holds(handler.body, meant.at))
                        and _catches(handler)
                    ):
                        return clause(handler, lesser.at.path), ()
        return None

    def _unset(self, lesser: Option, meant: Option) -> tuple[Location, tuple[str, ...]] | None:
        """Whether a test for a setting lies between the two: `if url: … else: …`."""
        module = self.base.module(lesser.at.path)
        if module is None or meant.at.path != lesser.at.path:
            return None
        for test in tests(module):
            missing, given = arms(test)
            if not (
                within(missing, lesser.at) or (not missing and leaves_with(given) and lesser.at.line > end_of(given))
            ):
                continue
            if not within(given, meant.at):
                continue
            scope = scope_at(module, test)
            names = settings_in(self.survey, test.test, scope)
            if names:
                return self.base.location(test.test, module), names
        return None

    # handlers that turn it off, or build a crew without it

    def by_handler(self) -> Iterator[Fallback]:
        for site, what, memories in self.touches.sites:
            if what != "build" or memories[0].kind not in (
                "crew",
                "memory",
                "third_party",
                "short_term",
                "long_term",
                "entity",
                "external",
            ):
                continue
            function = site.scope.body
            for around in self.catches.tries(function):
                if isinstance(around, ast.Try) and around.body[0].lineno <= site.node.lineno <= (
                    around.body[-1].end_lineno or 0
                ):
                    yield from self._handled(site, memories[0], around, function)

    def _handled(self, site: CallSite, memory: Memory, around: ast.Try, function: Function) -> Iterator[Fallback]:
        assigned = targets(around.body, site.node)
        returned = self._returned(site, memory, around, function)
        module = function.module
        for handler in around.handlers:
            if not catches_storage(handler) or any(isinstance(n, ast.Raise) for s in handler.body for n in ast.walk(s)):
                continue
            for statement in handler.body:
                if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
                    names = {
                        ast.unparse(t)
                        for t in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
                    }
                    to = self._instead(statement.value, memory, function)
                    if names & assigned and to is not None:
                        yield Fallback(
                            self.base.location(statement, module),
                            to,
                            memory.at,
                            site.location,
                            clause(handler, module.path),
                            (),
                            function.qualname,
                        )
                elif isinstance(statement, ast.Return) and returned:
                    to = self._instead(statement.value or ast.Constant(None), memory, function)
                    if to is not None:
                        at = self.base.location(statement, module)
                        cause = clause(handler, module.path)
                        yield Fallback(at, to, memory.at, site.location, cause, (), function.qualname)
            yield from self._without(site, memory, handler, function)

    def _returned(self, site: CallSite, memory: Memory, around: ast.Try, function: Function) -> bool:
        """Whether the try hands out the memory itself, so that a handler's `return` stands in for it."""
        return memory.kind != "crew" and any(
            isinstance(statement, ast.Return)
            and statement.value is not None
            and self.touches.of(self.base.evaluate(statement.value, function.scope)) is memory
            for statement in around.body
        )

    def _instead(self, value: ast.expr, memory: Memory, function: Function) -> To | None:
        if isinstance(value, ast.Constant) and value.value in (None, False):
            return "off"
        if isinstance(value, (ast.Dict, ast.List)) and not ast.dump(value).count("Constant"):
            return "ram"
        expr = self.base.evaluate(value, function.scope)
        found = self.touches.of(expr)
        if found is None or found is memory:
            return None
        return "ram" if found.store.kind == "process" else "local" if found.store.kind == "path" else None

    def _without(
        self, site: CallSite, memory: Memory, handler: ast.ExceptHandler, function: Function
    ) -> Iterator[Fallback]:
        """`except Exception: crew = Crew(agents=…, tasks=…)`"""
        if memory.kind != "crew":
            return
        for other in function.sites:
            if holds(handler.body, other.location) and crewai_class(self.base, other.callee) == CREW:
                given = built(self.base, other).argument("memory")
                if given is None or (isinstance(given, Text) and not given.value):
                    yield Fallback(
                        other.location,
                        "off",
                        memory.at,
                        site.location,
                        clause(handler, function.module.path),
                        (),
                        function.qualname,
                    )


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = [] if handler.type is None else handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return catches_storage(handler) or any(
        isinstance(k, ast.Name) and k.id in ("KeyError", "ImportError", "ModuleNotFoundError", "ValueError")
        for k in kinds
    )
