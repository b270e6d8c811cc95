"""A tree in memory."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Mapping

from crewmem_doctor.facts.python.index import CallSite, CodeBase, Function, Scope
from crewmem_doctor.model.expression import Expr
from crewmem_doctor.model.memory import EntryPoint

NEEDLES = (b"crewai", b"mem0", b"CREWAI_")


class FakeTree:
    def __init__(self, files: Mapping[str, str]) -> None:
        self.bodies = {path: textwrap.dedent(text).encode("utf-8", "replace") for path, text in files.items()}
        self.python = tuple(sorted(self.bodies))
        self.hits = tuple(p for p in self.python if any(n in self.bodies[p] for n in NEEDLES))

    def read(self, path: str) -> bytes | None:
        return self.bodies.get(path)

    def text(self, path: str) -> str | None:
        body = self.read(path)
        return None if body is None else body.decode()

    def grep(self, needles: Iterable[bytes], among: Iterable[str] | None = None) -> list[str]:
        wanted = tuple(needles)
        return [p for p in (self.python if among is None else among) if any(n in self.bodies[p] for n in wanted)]

    def mentions(self, words: Iterable[bytes], among: Iterable[str]) -> dict[bytes, list[str]]:
        paths = list(among)
        return {word: self.grep([word], paths) for word in words}


def code(files: Mapping[str, str] | str) -> CodeBase:
    return CodeBase(FakeTree({"main.py": files} if isinstance(files, str) else files))


def site(base: CodeBase, callee: str) -> CallSite:
    return next(s for s in base.calls if s.callee == callee)


def argument(base: CodeBase, name: str = "x", callee: str = "crewai.Crew") -> Expr:
    """The value of one keyword of the first such call."""
    found = site(base, callee)
    keyword = found.keyword(name)
    assert keyword is not None
    return base.evaluate(keyword.value, found.scope)


def value(expression: str, before: str = "") -> Expr:
    """The value of an expression in a module that starts with `before`."""
    base = code(f"from crewai import Crew\n{textwrap.dedent(before)}\nCrew(x={expression})\n")
    return argument(base)


def function(base: CodeBase, name: str) -> Function:
    return next(f for f in base.functions() if f.qualname == name)


def entries(base: CodeBase, *names: str) -> dict[Function, EntryPoint]:
    return {
        f: EntryPoint("http", f.qualname, base.name_location(f), f.dotted, "fastapi")
        for f in base.functions()
        if f.name in names
    }


def name_in(base: CodeBase, path: str, text: str, inside: str = "") -> str:
    """The canonical name of an expression, read in that module or in a function of it."""
    module = base.modules[path]
    scope = module.functions[inside].scope if inside else Scope(module)
    return base.canonical(ast.parse(text, mode="eval").body, scope)
