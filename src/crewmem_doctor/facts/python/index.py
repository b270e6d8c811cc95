"""The parsed Python of a tree, and the questions that detectors ask about it."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Protocol

from crewmem_doctor.facts.python.closure import close_upward
from crewmem_doctor.facts.python.collect import collect
from crewmem_doctor.facts.python.definitions import Definitions
from crewmem_doctor.facts.python.graph import Graph
from crewmem_doctor.facts.python.kinds import Kinds
from crewmem_doctor.facts.python.modules import Locator, dotted_names
from crewmem_doctor.facts.python.names import Names
from crewmem_doctor.facts.python.nodes import (
    Assignment,
    Binding,
    CallSite,
    Chain,
    Class,
    Definition,
    Function,
    Imported,
    Module,
    Scope,
)
from crewmem_doctor.facts.python.places import name_span, span
from crewmem_doctor.facts.python.truth import truth
from crewmem_doctor.facts.python.values import Evaluator
from crewmem_doctor.model.expression import Expr
from crewmem_doctor.model.known import Answer
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.python import parse

__all__ = [
    "Assignment",
    "Binding",
    "CallSite",
    "Chain",
    "Class",
    "CodeBase",
    "Definition",
    "Function",
    "Imported",
    "Module",
    "Scope",
    "Sources",
]


class Sources(Protocol):
    """What the index needs of a discovered tree."""

    python: tuple[str, ...]
    hits: tuple[str, ...]

    def read(self, path: str) -> bytes | None: ...
    def text(self, path: str) -> str | None: ...
    def grep(self, needles: Iterable[bytes], among: Iterable[str] | None = None) -> list[str]: ...
    def mentions(self, words: Iterable[bytes], among: Iterable[str]) -> dict[bytes, list[str]]: ...


class CodeBase:
    """Every module that can matter for memory: the hits, whatever reaches them, and (parsed on demand) what they
    import.

    All methods are safe on any code: what cannot be followed is "" or `Opaque`. `modules` are those that matter, by
    path; `handlers` are functions whose parameters come from outside: detectors may set it once they know the entry
    points, and until then decorators tell.
    """

    def __init__(self, tree: Sources, also: Iterable[str] = ()) -> None:
        self.tree = tree
        self.gaps: list[Gap] = []
        self.handlers: set[Function] = set()
        self.shallow = False  # while True nothing more is parsed
        self.locator = Locator(tree.python)
        self.names = Names(self)
        self.kinds = Kinds(self)
        self.values = Evaluator(self)
        self.graph = Graph(self)
        self._loaded: dict[str, Module | None] = {}
        self.definitions = Definitions()
        self._quoted: dict[int, tuple[ast.Constant, ast.expr | None]] = {}
        self.modules: dict[str, Module] = {}
        # What crewai_names found, and how many modules were known then.
        self.constructions: tuple[int, list[tuple[CallSite, str]]] = (-1, [])
        with _uncollected():
            for path in (*tree.hits, *also):
                module = self.module(path)
                if module is not None:
                    self.modules[path] = module
            close_upward(self)
        self.modules = dict(sorted(self.modules.items()))

    @cached_property
    def calls(self) -> tuple[CallSite, ...]:
        """Every call in `modules`, in order of path and function."""
        return tuple(site for m in self.modules.values() for f in m.all_functions for site in f.sites)

    def module(self, path: str) -> Module | None:
        """The module at that path, parsed now if need be."""
        if path in self._loaded:
            return self._loaded[path]
        if self.shallow:
            return None
        self._loaded[path] = None
        text = self.tree.text(path)
        parsed = parse(text, path) if text is not None else None
        if isinstance(parsed, Gap):
            self.gaps.append(parsed)
        elif parsed is not None and text is not None:
            module = Module(path, dotted_names(path), parsed, text)
            self._loaded[path] = module
            self.definitions.add(module)
            try:
                collect(self, module)
            except RecursionError:
                self.gaps.append(Gap(path, 1, "parse", "too deeply nested to follow"))
        return self._loaded[path]

    @property
    def known(self) -> int:
        """How many files were parsed so far: what could not be resolved before may be now if it grew."""
        return len(self._loaded)

    def is_loaded(self, path: str) -> bool:
        return path in self._loaded

    def functions(self) -> Iterator[Function]:
        """All functions and methods of `modules`, without the modules' bodies."""
        for module in self.modules.values():
            yield from (f for f in module.all_functions if not f.is_body)

    def classes(self) -> Iterator[Class]:
        for module in self.modules.values():
            yield from module.all_classes

    def import_path(self, imported: Imported, importer: Module) -> str:
        """The scanned file whose module that import loads, or "". A folder without `__init__.py` ends in a slash."""
        return self.locator.find(imported.module, importer.path, exact=imported.level > 0)

    def canonical(self, node: ast.expr, scope: Scope) -> str:
        """The dotted name of what a name, attribute or call target is.

        "crewai.Crew" whatever alias, re-export or internal path was used; "crewai.Crew.kickoff" for a method of an
        object of that class; "app.crew.build" for scanned code; "fastapi.FastAPI.post" for `app.post`; "builtins.open";
        "" where it is unknown.
        """
        return self.names.canonical(self.names.resolve(node, scope))

    def callee(self, site: CallSite) -> str:
        """`canonical` of what is called, without parsing more modules: there are thousands of calls."""
        before, self.shallow = self.shallow, True
        try:
            return self.canonical(site.node.func, site.scope)
        finally:
            self.shallow = before

    def spelled(self, node: ast.expr, scope: Scope) -> str:
        """As `canonical`, but packages' names by the path that the source imports them from:
        "crewai.memory.short_term.short_term_memory.ShortTermMemory"."""
        found = self.names.resolve(node, scope)
        name = getattr(found, "name", "") if type(found).__name__ == "External" else ""
        return name or self.names.canonical(found)

    def bases(self, name: str) -> tuple[str, ...]:
        """All bases of a scanned class, transitively, canonical, nearest first. Empty for classes of packages."""
        return self.names.bases(name)

    def is_a(self, name: str, *wanted: str) -> bool:
        """Whether that class is, or inherits from, one of `wanted`."""
        return name in wanted or any(base in wanted for base in self.bases(name))

    def definition(self, name: str) -> Definition | None:
        """What a canonical name of scanned code stands for."""
        return self.definitions.get(name)

    def method(self, cls: str, name: str) -> Function | None:
        """The method that a scanned class or its scanned bases define."""
        for owner in (cls, *self.bases(cls)):
            found = self.definition(owner)
            if isinstance(found, Class) and name in found.methods:
                return found.methods[name]
        return None

    def type_of(self, node: ast.expr, scope: Scope) -> str:
        """Canonical class of the value, "" unknown."""
        return self.kinds.of(node, scope)

    def evaluate(self, node: ast.expr | None, scope: Scope) -> Expr:
        """The value as the code computes it. A constructor's call is a `Build` with `**kwargs` spread; what of them
        could not be seen stands as a keyword named "**"."""
        return self.values.evaluate(node, scope)

    def truth(self, expr: Expr | None) -> Answer[bool]:
        """Whether the value counts as true; at medium confidence where only a default decides (an unset
        environment)."""
        return truth(expr)

    def location(self, node: ast.AST, module: Module) -> Location:
        """The node's span; columns count code points. Of `X().crew().kickoff`, only the last word."""
        return span(node, module)

    def name_location(self, definition: Function | Class) -> Location:
        """Where a person would point: the name behind `def` or `class`."""
        return name_span(definition)

    def around(self, function: Function) -> Scope:
        """The scope that a function's decorators, defaults and annotations are read in."""
        if function.owner is not None:
            return Scope(function.module, function.owner.parent, function.owner)
        return Scope(function.module, function.parent, None)

    def quoted(self, node: ast.Constant) -> ast.expr | None:
        """The expression of a quoted annotation."""
        if id(node) not in self._quoted:
            parsed = parse(str(node.value)[:500].strip(), "")
            first = parsed.body[0] if isinstance(parsed, ast.Module) and len(parsed.body) == 1 else None
            self._quoted[id(node)] = (node, first.value if isinstance(first, ast.Expr) else None)
        return self._quoted[id(node)][1]

    def callers(self, function: Function) -> tuple[CallSite, ...]:
        """The direct calls of a function or method (of a class where it is an `__init__`)."""
        return self.graph.callers(function)

    def chains(self, goal: CallSite | Function | Scope, entries: Mapping[Function, EntryPoint]) -> list[Chain]:
        """The ways from entry points to `goal`, at most one per entry point (one that builds before one that only
        uses), shortest first. An entry may be a module's body (`Module.body`) for scripts such as Streamlit's. Give
        the `CallSite` that makes an object rather than its function: then the uses of an object made at module level
        are followed too."""
        return self.graph.chains(goal, entries)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Syntax trees are many objects that all stay: collecting garbage while they grow doubles the cost of parsing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
