"""Lesser stores that stand in for the one that was meant, after an exception or for want of a setting."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Union

from crewmem_doctor.facts.python.clients import CLIENTS
from crewmem_doctor.facts.python.crewai_names import AGENTS, CREW, crewai_class, sites_of
from crewmem_doctor.facts.python.failures.handlers import Catches, catches_storage
from crewmem_doctor.facts.python.failures.touches import Touches
from crewmem_doctor.facts.python.index import CallSite, Function, Module, Scope
from crewmem_doctor.facts.python.ledger import built
from crewmem_doctor.facts.python.stores import store_of
from crewmem_doctor.facts.python.survey import Survey, start_of
from crewmem_doctor.model.expression import Build, Choice, Concat, EnvVar, Expr, Joined, Opaque, Place, Text, walk
from crewmem_doctor.model.failure import Fallback
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory

To = Literal["ram", "off", "local"]
Test = Union[ast.If, ast.IfExp]
# A variable that names a place or its key; one that chooses a mode or is a switch is a decision, not a setting.
_SETTING = re.compile(r"(?:^|_)(?:URL|URI|DSN|HOST|HOSTNAME|ENDPOINT|ADDRESS|CONNECTION|CONN|DATABASE|POSTGRES\w*|REDIS\w*|QDRANT\w*|"
                      r"MONGO\w*|CHROMA\w*|WEAVIATE\w*|PINECONE\w*|MEM0\w*|ZEP\w*|HONCHO\w*|DIR|PATH|KEY|TOKEN|SECRET)(?:$|_)")
_SWITCH = re.compile(r"(?:^|_)(?:ENABLE\w*|USE|DISABLE\w*|MODE|ENV|ENVIRONMENT|DEBUG|TEST\w*|STAGE|PROVIDER|BACKEND|TYPE|DEV|LOCAL|CI)(?:$|_)")

_STAND_IN = re.compile(r"in_?memory|noop|dummy|null|fake|mock", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values that a memory's argument may have."""

    to: To | Literal["meant", "server", "unknown"]
    at: Location
    value: Expr


def find_fallbacks(touches: Touches, catches: Catches) -> tuple[Fallback, ...]:
    found: dict[tuple[Location, Location], Fallback] = {}
    finder = _Finder(touches, catches)
    for fallback in (*finder.by_value(), *finder.by_handler()):
        found.setdefault((fallback.at, fallback.memory), fallback)
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
                yield from self._judge(value, self._memory_of(site, value), self._crew_option)
        for site, what, memories in self.touches.sites:
            if what == "build" and crewai_class(self.base, site.callee) not in (CREW, *AGENTS):
                for _, value in (*((None, a) for a in built(self.base, site).args), *built(self.base, site).kwargs):
                    yield from self._judge(value, memories[0], self._store_option)
        for memory in self.touches.memories:
            if memory.store.where is not None:
                yield from self._judge(memory.store.where, memory, self._store_option)

    def _memory_of(self, site: CallSite, value: Expr) -> Memory | None:
        """The memory that is meant: one that the crew is handed, else its own."""
        places = {start_of(getattr(part, "at", None)) for part in walk(value)}
        handed = [m for m in self.touches.memories if start_of(m.at) in places]
        own = [m for m in self.touches.memories if m.at == site.location]
        return next(iter((*handed, *own)), None)

    def _judge(self, value: Expr, memory: Memory | None, classify: Callable[[Expr], Option | None]) -> Iterator[Fallback]:
        if memory is None:
            return
        for choice in walk(value):
            if isinstance(choice, Choice):
                options = [o for o in map(classify, _leaves(choice)) if o is not None]
                yield from self._between(options, memory)
            elif isinstance(choice, EnvVar) and choice.at is not None and _is_setting(choice.name):
                if _ram(choice.default):
                    yield Fallback(choice.at, "ram", memory.at, choice.at, choice.at, (choice.name,), memory.inside)

    def _between(self, options: list[Option], memory: Memory) -> Iterator[Fallback]:
        """The pairs of options of which one is taken where the other one cannot be had."""
        for lesser in options:
            if lesser.to not in ("ram", "off", "local"):
                continue
            for meant in options:
                if meant.at == lesser.at or not _worse(lesser, meant):
                    continue
                cause = self._caught(lesser, meant)
                if cause is None and (lesser.to, meant.to) != ("local", "local"):  # a path by default is plain configuration
                    cause = self._unset(lesser, meant)
                if cause is not None:
                    at, settings = cause
                    yield Fallback(lesser.at, lesser.to, memory.at, meant.at, at, settings, memory.inside)
                    break

    def _crew_option(self, value: Expr) -> Option | None:
        at = getattr(value, "at", None)
        if at is None:
            return None
        if isinstance(value, Text):
            if value.value is True:
                return Option("meant", at, value)
            return Option("off", at, value) if value.value in (False, None) else None
        memory = self.touches.of(value)
        if memory is not None:
            return Option(_kind_of(memory.store.kind, memory.store.where is None), at, value)
        return Option("unknown", at, value)

    def _store_option(self, value: Expr) -> Option | None:
        at = getattr(value, "at", None)
        if at is None or isinstance(value, Text) and value.value in (True, False):
            return None
        if isinstance(value, (Concat, Joined, EnvVar)) or (isinstance(value, Text) and isinstance(value.value, str)):
            return Option("ram" if _ram(value) else "local", at, value)
        if isinstance(value, Place):
            return Option("local", at, value)
        if isinstance(value, Build):
            client = CLIENTS.get(value.callee)
            store = client(value, at) if client is not None else store_of(self.survey, value, at)
            if store.kind == "unknown" and _STAND_IN.search(value.callee.rpartition(".")[2]):
                return Option("ram", at, value)
            return Option(_kind_of(store.kind, False), at, value)
        return Option("unknown", at, value) if isinstance(value, Opaque) else None

    # what leads from the one to the other

    def _caught(self, lesser: Option, meant: Option) -> tuple[Location, tuple[str, ...]] | None:
        """Whether `lesser` stands in a handler of a try that would have given `meant`."""
        module = self.base.module(lesser.at.path)
        for function in module.all_functions if module is not None else ():
            for around in self.catches.tries(function):
                for handler in getattr(around, "handlers", ()):
                    if _holds(handler.body, lesser.at) and not (
                            meant.at.path == lesser.at.path and _holds(handler.body, meant.at)) and _catches(handler):
                        return _clause(handler, lesser.at.path), ()
        return None

    def _unset(self, lesser: Option, meant: Option) -> tuple[Location, tuple[str, ...]] | None:
        """Whether a test for a setting lies between the two: `if url: … else: …`."""
        module = self.base.module(lesser.at.path)
        if module is None or meant.at.path != lesser.at.path:
            return None
        for test in _tests(module):
            missing, given = _arms(test)
            if not (_within(missing, lesser.at) or (not missing and _leaves_with(given) and lesser.at.line > _end(given))):
                continue
            if not _within(given, meant.at):
                continue
            scope = _scope_at(module, test)
            names = _settings_in(self.survey, test.test, scope)
            if names:
                return self.base.location(test.test, module), names
        return None

    # handlers that turn it off, or build a crew without it

    def by_handler(self) -> Iterator[Fallback]:
        for site, what, memories in self.touches.sites:
            if what != "build" or memories[0].kind not in ("crew", "memory", "third_party", "short_term", "long_term", "entity", "external"):
                continue
            function = site.scope.body
            for around in self.catches.tries(function):
                if isinstance(around, ast.Try) and around.body[0].lineno <= site.node.lineno <= (around.body[-1].end_lineno or 0):
                    yield from self._handled(site, memories[0], around, function)

    def _handled(self, site: CallSite, memory: Memory, around: ast.Try, function: Function) -> Iterator[Fallback]:
        targets = _targets(around.body, site.node)
        module = function.module
        for handler in around.handlers:
            if not catches_storage(handler) or any(isinstance(n, ast.Raise) for s in handler.body for n in ast.walk(s)):
                continue
            for statement in handler.body:
                if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
                    names = {ast.unparse(t) for t in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])}
                    to = self._instead(statement.value, memory, function)
                    if names & targets and to is not None:
                        yield Fallback(self.base.location(statement, module), to, memory.at, site.location,
                                       _clause(handler, module.path), (), function.qualname)
            yield from self._without(site, memory, handler, function)

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

    def _without(self, site: CallSite, memory: Memory, handler: ast.ExceptHandler, function: Function) -> Iterator[Fallback]:
        """`except Exception: crew = Crew(agents=…, tasks=…)`"""
        if memory.kind != "crew":
            return
        for other in function.sites:
            if _holds(handler.body, other.location) and crewai_class(self.base, other.callee) == CREW:
                given = built(self.base, other).argument("memory")
                if given is None or (isinstance(given, Text) and not given.value):
                    yield Fallback(other.location, "off", memory.at, site.location, _clause(handler, function.module.path), (),
                                   function.qualname)


def _kind_of(kind: str, default: bool) -> To | Literal["server", "unknown"]:
    if kind == "process":
        return "ram"
    return "local" if kind == "path" else "server" if kind == "server" else "unknown"


def _worse(lesser: Option, meant: Option) -> bool:
    """Whether `meant` keeps more than `lesser` does."""
    if lesser.to == "off":
        return meant.to not in ("off",)
    if lesser.to == "ram":
        return meant.to not in ("off", "ram")
    return meant.to in ("server", "unknown", "local")


def _leaves(choice: Choice) -> Iterator[Expr]:
    for option in choice.options:
        if isinstance(option, Choice):
            yield from _leaves(option)
        else:
            yield option


def _ram(value: Expr | None) -> bool:
    text = value.value if isinstance(value, Text) else None
    return isinstance(text, str) and (text == ":memory:" or text.startswith(("memory://", "file::memory:", "sqlite:///:memory:"))
                                      or text in ("sqlite://", "sqlite:///"))


def _is_setting(name: str) -> bool:
    return bool(_SETTING.search(name.upper())) and not _SWITCH.search(name.upper())


def _settings_in(survey: Survey, test: ast.expr, scope: Scope) -> tuple[str, ...]:
    """The settings whose presence a test asks for. One that compares with a text or calls something else asks more."""
    names: list[str] = []
    for part in _presence(test):
        for expr in walk(survey.base.evaluate(part, scope)):
            if isinstance(expr, EnvVar):
                names.append(expr.name)
    return tuple(dict.fromkeys(names)) if names and all(_is_setting(n) for n in names) else ()


def _presence(test: ast.expr) -> list[ast.expr]:
    if isinstance(test, ast.BoolOp):
        return [p for v in test.values for p in _presence(v)]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _presence(test.operand)
    if isinstance(test, ast.Compare):
        other = test.comparators[0]
        if isinstance(other, ast.Constant) and other.value in (None, ""):
            return [test.left]
        if isinstance(test.left, ast.Constant) and isinstance(test.ops[0], (ast.In, ast.NotIn)):
            return [ast.copy_location(ast.Subscript(value=other, slice=test.left, ctx=ast.Load()), test)]
        return []
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "bool":
        return list(test.args)
    return [test]


def _arms(test: Test) -> tuple[list[ast.stmt] | list[ast.expr], list[ast.stmt] | list[ast.expr]]:
    """What runs where the setting is missing, and where it is given."""
    body: list[ast.stmt] | list[ast.expr] = test.body if isinstance(test, ast.If) else [test.body]
    other: list[ast.stmt] | list[ast.expr] = test.orelse if isinstance(test, ast.If) else [test.orelse]
    return (body, other) if _negative(test.test) else (other, body)


def _negative(test: ast.expr) -> bool:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return True
    if isinstance(test, ast.BoolOp):
        return all(_negative(v) for v in test.values)
    return isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Is, ast.Eq, ast.NotIn))


def _tests(module: Module) -> Iterator[Test]:
    if "environ" not in module.text and "getenv" not in module.text and "settings" not in module.text.lower() and (
            "config" not in module.text.lower()):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.If, ast.IfExp)):
            yield node


def _scope_at(module: Module, node: ast.AST) -> Scope:
    line = getattr(node, "lineno", 0)
    inner = [f for f in module.all_functions if not f.is_body and f.node.lineno <= line <= (f.node.end_lineno or 0)]  # type: ignore[union-attr]
    return max(inner, key=lambda f: f.node.lineno).scope if inner else module.scope  # type: ignore[union-attr]


def _holds(body: Iterable[ast.AST], at: Location) -> bool:
    return _within(list(body), at)


def _within(nodes: Iterable[ast.AST], at: Location) -> bool:
    for node in nodes:
        start = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
        end = (getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0)
        if start[0] < at.line < end[0] or (start[0] <= at.line <= end[0] and start <= (at.line, at.column - 1) <= end):
            return True
    return False


def _leaves_with(arm: Iterable[ast.AST]) -> bool:
    return any(isinstance(last, (ast.Return, ast.Raise)) for last in list(arm)[-1:])


def _end(arm: Iterable[ast.AST]) -> int:
    return max((getattr(n, "end_lineno", 0) or 0 for n in arm), default=0)


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = [] if handler.type is None else handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return catches_storage(handler) or any(
        isinstance(k, ast.Name) and k.id in ("KeyError", "ImportError", "ModuleNotFoundError", "ValueError") for k in kinds)


def _clause(handler: ast.ExceptHandler, path: str) -> Location:
    end = handler.type.end_col_offset if handler.type is not None and handler.type.end_lineno == handler.lineno else None
    return Location(path, handler.lineno, handler.col_offset + 1, handler.lineno, (end or handler.col_offset + 6) + 1)


def _targets(body: Iterable[ast.stmt], made: ast.Call) -> set[str]:
    """The names that the statement with that call assigns."""
    found: set[str] = set()
    for statement in (n for s in body for n in ast.walk(s) if isinstance(n, (ast.Assign, ast.AnnAssign))):
        if statement.value is not None and any(n is made for n in ast.walk(statement.value)):
            found |= {ast.unparse(t) for t in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])}
    return found

