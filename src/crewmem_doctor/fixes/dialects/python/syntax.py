"""A module's syntax with the places that the model speaks of, and splices of its text.

`ast` says where things stand; what is not spliced is never written anew.
"""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, Union

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.location import Location

FunctionNode = Union[ast.FunctionDef, ast.AsyncFunctionDef]


@dataclass(frozen=True)
class Splice:
    """Put `text` for what stands from `start` to `end`, offsets of the module's text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, eq=False)
class Code:
    path: str
    text: str
    tree: ast.Module

    @functools.cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @functools.cached_property
    def starts(self) -> list[int]:
        found, offset = [], 0
        for line in self.lines:
            found.append(offset)
            offset += len(line) + 1
        return found

    @functools.cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    # Offsets.

    def offset(self, line: int, column: int) -> int:
        """Of one of `ast`'s places, whose columns count bytes."""
        text = self.lines[line - 1]
        return self.starts[line - 1] + (
            column if text.isascii() else len(text.encode()[:column].decode(errors="ignore"))
        )

    def span(self, node: ast.AST) -> tuple[int, int]:
        line, column, end_line, end_column = (
            getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")
        )
        return self.offset(line, column), self.offset(end_line, end_column)

    def source(self, node: ast.AST) -> str:
        return self.text[slice(*self.span(node))]

    def line_of(self, offset: int) -> int:
        """0-based."""
        return self.text.count("\n", 0, offset)

    def replaced(self, node: ast.AST, text: str) -> Splice:
        return Splice(*self.span(node), text)

    # What stands at a place of the model.

    def spanning(self, at: Location) -> ast.expr:
        """The outermost expression that spans a place."""
        return next((n for n in self._spanning(at) if isinstance(n, ast.expr)), None) or self.missing(at)

    def keyword(self, at: Location) -> ast.keyword:
        return next((n for n in self._spanning(at) if isinstance(n, ast.keyword)), None) or self.missing(at)

    def argument(self, at: Location) -> tuple[ast.Call, ast.expr | ast.keyword]:
        """The argument that spans a place, and its call."""
        for node in self._spanning(at):
            call = self.parents.get(node)
            if isinstance(call, ast.Call) and node is not call.func and isinstance(node, (ast.expr, ast.keyword)):
                return call, node
        return self.missing(at)

    def call(self, at: Location) -> ast.Call:
        """The call whose name spans a place. Of `a().b()` the name is the last word."""
        start, end = self._offsets(at)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and node.func.end_lineno == at.end_line and self.span(node.func)[1] == end:
                name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                if self.span(node.func)[0] == start or (name and end - len(name) == start):
                    return node
        return self.missing(at)

    def statement_at(self, at: Location) -> ast.stmt:
        """The statement that begins at a place, or the innermost one that spans it."""
        return next((n for n in self._spanning(at) if isinstance(n, ast.stmt)), None) or self.statement(
            self.spanning(at)
        )

    def beginning(self, at: Location, *kinds: type[ast.AST]) -> ast.AST:
        """The node of one of those kinds that begins at a place."""
        start = self._offsets(at)[0]
        for node in ast.walk(self.tree):
            if isinstance(node, kinds) and getattr(node, "lineno", 0) == at.line and self.span(node)[0] == start:
                return node
        return self.missing(at)

    def missing(self, at: Location) -> NoReturn:
        raise Refused(f"what stood at line {at.line} of {self.path} is not there")

    def _offsets(self, at: Location) -> tuple[int, int]:
        if at.end_line > len(self.lines):
            self.missing(at)
        return self.starts[at.line - 1] + at.column - 1, self.starts[at.end_line - 1] + at.end_column - 1

    def _spanning(self, at: Location) -> Iterator[ast.AST]:
        """Outermost first. Inside an f-string older Pythons do not say exactly where something stands: what does not
        read as it should is not among them."""
        wanted = self._offsets(at)
        for node in ast.walk(self.tree):
            if (
                getattr(node, "lineno", 0) == at.line
                and getattr(node, "end_lineno", 0) == at.end_line
                and (self.span(node) == wanted and self._reads_as(node))
            ):
                yield node

    def _reads_as(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.expr) or not any(isinstance(n, ast.JoinedStr) for n in self.above(node)):
            return True
        try:
            return ast.dump(ast.parse(f"({self.source(node)})", mode="eval").body) == ast.dump(node)
        except (SyntaxError, ValueError):
            return False

    # Around a node.

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        return node if isinstance(node, ast.stmt) else next(n for n in self.above(node) if isinstance(n, ast.stmt))

    def functions(self, node: ast.AST) -> Iterator[FunctionNode]:
        """The functions around a node, innermost first."""
        return (n for n in self.above(node) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)))

    def top(self, node: ast.AST) -> int:
        """The index of the module's own statement that a node stands in."""
        chain = [node, *self.above(node)]
        return self.tree.body.index(chain[-2])  # type: ignore[arg-type]

    def first_line(self, statement: ast.stmt) -> int:
        """0-based, decorators included."""
        decorators = getattr(statement, "decorator_list", [])
        return int(min([statement.lineno, *(d.lineno for d in decorators)])) - 1

    def indentation(self, statement: ast.stmt) -> str:
        """Raises Refused where the statement shares its line with another one."""
        line = self.lines[statement.lineno - 1]
        indent = line[: len(line) - len(line.lstrip())]
        end = self.lines[(statement.end_lineno or statement.lineno) - 1]
        rest = end[self.span(statement)[1] - self.starts[(statement.end_lineno or statement.lineno) - 1] :].strip()
        if self.starts[statement.lineno - 1] + len(indent) != self.span(statement)[0] or (
            rest and not rest.startswith("#")
        ):
            raise Refused(f"line {statement.lineno} of {self.path} holds more than one statement")
        return indent

    @functools.cached_property
    def step(self) -> str:
        """What this module indents a block by."""
        for node in ast.walk(self.tree):
            body = getattr(node, "body", None)
            if isinstance(node, ast.stmt) and isinstance(body, list) and body and body[0].lineno > node.lineno:
                outer, inner = (self.lines[n.lineno - 1] for n in (node, body[0]))
                indent = inner[: len(inner) - len(inner.lstrip())]
                own = outer[: len(outer) - len(outer.lstrip())]
                if indent.startswith(own) and indent != own:
                    return indent[len(own) :]
        return "    "

    def below(self, statement: ast.stmt, text: str) -> Splice:
        """Whole lines behind a statement and the comment on its last line."""
        end = self.starts[(statement.end_lineno or statement.lineno) - 1] + len(
            self.lines[(statement.end_lineno or 1) - 1]
        )
        return Splice(end, end, "\n" + text)

    def before(self, line: int, text: str) -> Splice:
        """Whole lines before a line, 0-based."""
        return Splice(self.starts[line], self.starts[line], text + "\n")

    # Names.

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """Every name that the module binds or reads anywhere."""
        return frozenset(name for node in ast.walk(self.tree) for name in _named(node))

    def free(self, *wanted: str) -> str:
        """The first of some names that the module does not use."""
        for name in wanted:
            if name not in self.names:
                return name
        raise Refused(f"{self.path} uses every name that would be given")

    def loads(self, node: ast.AST) -> frozenset[str]:
        """The names that an expression or statement needs to be bound before it, without builtins and its own."""
        own = {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
        own |= {
            n.id
            for c in ast.walk(node)
            if isinstance(c, ast.comprehension)
            for n in ast.walk(c.target)
            if isinstance(n, ast.Name)
        }
        return frozenset(
            n.id
            for n in ast.walk(node)
            if isinstance(n, ast.Name)
            and isinstance(n.ctx, ast.Load)
            and n.id not in own
            and not hasattr(builtins, n.id)
        )

    def bound_before(self, index: int) -> frozenset[str]:
        """The names that the module's own statements up to `index` have surely bound."""
        found: set[str] = set()
        for statement in self.tree.body[:index]:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(statement.name)
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                found.update((a.asname or a.name).partition(".")[0] for a in statement.names)
            elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                found.update(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
        return frozenset(found)


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from node.names
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
