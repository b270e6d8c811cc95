"""Spans of syntax nodes."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.nodes import Class, Function, Module
from crewmem_doctor.model.location import Location


def span(node: ast.AST, module: Module) -> Location:
    """A call begins where its name does, and of `X().crew().kickoff` the name is the last word."""
    known = module.spans.get(id(node))
    if known is None:
        module.spans[id(node)] = known = (node, _span(node, module))
    return known[1]


def _span(node: ast.AST, module: Module) -> Location:
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    end_line = getattr(node, "end_lineno", None) or line
    end_column = getattr(node, "end_col_offset", None) or column
    if isinstance(node, ast.Call):
        func = node.func
        while isinstance(func, ast.Call):
            func = func.func
        first = span(func, module)
        return Location(module.path, first.line, first.column, end_line, _column(module, end_line, end_column))
    if isinstance(node, ast.Attribute) and not _is_dotted(node):
        line, column = end_line, end_column - len(node.attr.encode("utf-8", "replace"))
    return Location(module.path, line, _column(module, line, column), end_line, _column(module, end_line, end_column))


def name_span(definition: Function | Class) -> Location:
    """The name behind `def` or `class`."""
    node, module = definition.node, definition.module
    if isinstance(node, ast.Module):
        return Location(module.path)
    text = module.lines[node.lineno - 1] if node.lineno <= len(module.lines) else ""
    start = text.find(node.name, text.find("class " if isinstance(node, ast.ClassDef) else "def ") + 1)
    if start < 0:
        return Location(module.path, node.lineno, node.col_offset + 1)
    return Location(module.path, node.lineno, start + 1, node.lineno, start + 1 + len(node.name))


def _is_dotted(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _column(module: Module, line: int, offset: int) -> int:
    """The syntax tree counts bytes."""
    if module.is_ascii:
        return offset + 1
    lines = module.lines
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    if text.isascii():
        return offset + 1
    return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace")) + 1
