"""A module's concrete syntax, with the places that the model speaks of."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, ParentNodeProvider, PositionProvider

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.location import Location


@dataclass(frozen=True)
class Code:
    """`module` is never changed: a transform gives back the text of a changed copy."""

    path: str
    text: str
    module: cst.Module
    positions: dict[cst.CSTNode, CodeRange]
    parents: dict[cst.CSTNode, cst.CSTNode]

    @classmethod
    def read(cls, text: str, path: str) -> Code:
        try:
            module = cst.parse_module(text)
        except cst.ParserSyntaxError as error:
            raise Refused(f"{path} cannot be rewritten: {error.message}") from None
        if module.code != text:
            raise Refused(f"{path} would not keep its formatting")
        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        positions, parents = wrapper.resolve(PositionProvider), wrapper.resolve(ParentNodeProvider)
        return cls(path, text, module, dict(positions), dict(parents))

    def call(self, at: Location) -> cst.Call:
        """The call whose name spans a place."""
        for node in self._spanning(at):
            above = self.parents.get(node)
            if isinstance(above, cst.Call) and above.func is node:
                return above
        return self._missing(at)

    def argument(self, at: Location) -> cst.Arg:
        """The argument that spans a place."""
        return next((n for n in self._spanning(at) if isinstance(n, cst.Arg)), None) or self._missing(at)

    def spanning(self, at: Location) -> cst.BaseExpression:
        """The outermost expression that spans a place."""
        return next((n for n in self._spanning(at) if isinstance(n, cst.BaseExpression)), None) or self._missing(at)

    def _spanning(self, at: Location) -> list[cst.CSTNode]:
        wanted = (at.line, at.column - 1, at.end_line, at.end_column - 1)
        found = [node for node, span in self.positions.items()
                 if (span.start.line, span.start.column, span.end.line, span.end.column) == wanted]
        return sorted(found, key=self.depth)

    def depth(self, node: cst.CSTNode) -> int:
        above = self.parents.get(node)
        return 0 if above is None else 1 + self.depth(above)

    def _missing(self, at: Location) -> NoReturn:
        raise Refused(f"what stood at line {at.line} of {self.path} is not there")

    def top(self, node: cst.CSTNode) -> cst.BaseStatement | cst.SimpleStatementLine:
        """The statement of the module itself that a node stands in."""
        inner = node
        while not isinstance(self.parents[inner], cst.Module):
            inner = self.parents[inner]
        assert isinstance(inner, (cst.BaseStatement, cst.SimpleStatementLine))
        return inner

    def source(self, node: cst.CSTNode) -> str:
        return self.module.code_for_node(node).strip()

    def replaced(self, *pairs: tuple[cst.CSTNode, cst.CSTNode]) -> cst.Module:
        """The module with nodes replaced by others."""
        module: cst.CSTNode = self.module
        for old, new in pairs:
            module = module.deep_replace(old, new)
        assert isinstance(module, cst.Module)
        return module

    def names(self) -> frozenset[str]:
        """Every name that the module binds or reads anywhere."""
        found: set[str] = set()
        for node in ast.walk(ast.parse(self.text)):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.alias):
                found.add((node.asname or node.name).partition(".")[0])
        return frozenset(found)


def expression(text: str) -> cst.BaseExpression:
    return cst.parse_expression(text)


def with_imports(module: cst.Module, imports: Iterable[tuple[str, str]]) -> cst.Module:
    """The module with `from X import Y` for each (X, Y) that it lacks, behind its last import at the top."""
    for name, what in imports:
        if _imported(module, name, what):
            continue
        line = cst.parse_statement(f"from {name} import {what}")
        place = _behind_imports(module)
        body = list(module.body)
        if place == 0 and body:
            body[0] = body[0].with_changes(leading_lines=[cst.EmptyLine(indent=False), *body[0].leading_lines])
        module = module.with_changes(body=[*body[:place], line, *body[place:]])
    return module


def _imported(module: cst.Module, name: str, what: str) -> bool:
    for statement in module.body:
        for small in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if isinstance(small, cst.ImportFrom) and small.module is not None and not small.relative:
                origin = module.code_for_node(small.module)
                if origin == name and not isinstance(small.names, cst.ImportStar) and any(
                        alias.evaluated_name == what and alias.asname is None for alias in small.names):
                    return True
    return False


def _behind_imports(module: cst.Module) -> int:
    """Where a new import goes: behind the last one of the module's own level, else behind its docstring."""
    place = 0
    for index, statement in enumerate(module.body):
        small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
        if isinstance(small, (cst.Import, cst.ImportFrom)):
            place = index + 1
        elif index == 0 and isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString):
            place = 1
    return place
