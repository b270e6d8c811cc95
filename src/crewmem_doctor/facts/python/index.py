"""The parsed Python of a tree, and the questions that detectors ask about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Protocol

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
from crewmem_doctor.model.expression import Expr
from crewmem_doctor.model.known import Answer
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint
from crewmem_doctor.model.project import Gap

__all__ = [
    "Assignment", "Binding", "CallSite", "Chain", "Class", "CodeBase", "Definition", "Function", "Imported", "Module",
    "Scope", "Sources",
]


class Sources(Protocol):
    """What the index needs of a discovered tree."""

    @property
    def python(self) -> tuple[str, ...]: ...
    @property
    def hits(self) -> tuple[str, ...]: ...
    def read(self, path: str) -> bytes | None: ...
    def text(self, path: str) -> str | None: ...


class CodeBase:
    """Every module that can matter for memory: the hits, whatever reaches them, and (parsed on demand) what they import.

    All methods are safe on any code: what cannot be followed is "" or `Opaque`.
    """

    def __init__(self, tree: Sources) -> None: ...

    modules: dict[str, Module]          # by path; those that matter (hits and importers), sorted
    gaps: list[Gap]
    calls: tuple[CallSite, ...]         # every call in `modules`, in order of path and position

    def module(self, path: str) -> Module | None:
        """The module at that path, parsed now if need be."""
        raise NotImplementedError

    def functions(self) -> Iterator[Function]:
        """All functions and methods of `modules`, without the modules' bodies."""
        raise NotImplementedError

    def classes(self) -> Iterator[Class]:
        raise NotImplementedError

    def import_path(self, imported: Imported, importer: Module) -> str:
        """The scanned file whose module that import loads, or ""."""
        raise NotImplementedError

    def canonical(self, node: ast.expr, scope: Scope) -> str:
        """The dotted name of what a name, attribute or call target is.

        "crewai.Crew" whatever alias, re-export or internal path was used; "crewai.Crew.kickoff" for a method of an object of
        that class; "app.crew.build" for scanned code; "fastapi.FastAPI.post" for `app.post`; a builtin is "builtins.open";
        "" where it is unknown.
        """
        raise NotImplementedError

    def spelled(self, node: ast.expr, scope: Scope) -> str:
        """As `canonical` but with the import path the source uses: "crewai.memory.short_term.short_term_memory.ShortTermMemory"."""
        raise NotImplementedError

    def bases(self, name: str) -> tuple[str, ...]:
        """All bases of a scanned class, transitively, canonical, nearest first. Empty for classes of packages."""
        raise NotImplementedError

    def is_a(self, name: str, *wanted: str) -> bool:
        """Whether that class is, or inherits from, one of `wanted`."""
        raise NotImplementedError

    def definition(self, name: str) -> Definition | None:
        """What a canonical name of scanned code stands for."""
        raise NotImplementedError

    def method(self, cls: str, name: str) -> Function | None:
        """The method that a scanned class or its scanned bases define."""
        raise NotImplementedError

    def type_of(self, node: ast.expr, scope: Scope) -> str:
        """Canonical class of the value, "" unknown."""
        raise NotImplementedError

    def evaluate(self, node: ast.expr | None, scope: Scope) -> Expr:
        """The value as the code computes it. For a call of a constructor: `Build` with `**kwargs` spread; what of them could
        not be seen stands as a keyword named "**"."""
        raise NotImplementedError

    def truth(self, expr: Expr | None) -> Answer[bool]:
        """Whether the value counts as true; at medium confidence where only a default decides (an unset environment)."""
        raise NotImplementedError

    def location(self, node: ast.AST, module: Module) -> Location:
        """The node's span; columns count code points."""
        raise NotImplementedError

    def callers(self, function: Function) -> tuple[CallSite, ...]:
        """The direct calls of a function or method (of a class where it is an `__init__`)."""
        raise NotImplementedError

    def chains(self, goal: CallSite | Function | Scope, entries: Mapping[Function, EntryPoint]) -> list[Chain]:
        """The ways from entry points to `goal`, at most one per entry point: one that builds before one that uses, shortest
        first. An entry may be a module's body (`Module.body`) for scripts such as Streamlit's. Give the `CallSite` that makes
        an object rather than its function: then the uses of an object made at module level are followed too."""
        raise NotImplementedError
