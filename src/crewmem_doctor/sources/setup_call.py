"""The requirements that a setup.py hands to `setup()` as literals."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.python import parse


def requirements(text: str, path: str) -> tuple[list[tuple[str, Location]], Gap | None]:
    """The texts in `install_requires` and `extras_require`, also through a variable that is a literal."""
    tree = parse(text, path)
    if isinstance(tree, Gap):
        return [], tree
    constants = {
        target.id: node.value
        for node in tree.body if isinstance(node, ast.Assign)
        for target in node.targets if isinstance(target, ast.Name)
    }
    lines = text.split("\n")
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("install_requires", "extras_require", "requires"):
            found += [(s, _place(c, path, lines)) for c, s in _strings(node.value, constants, 0)]
    return found, None


def _strings(node: ast.expr, constants: dict[str, ast.expr], depth: int) -> Iterator[tuple[ast.Constant, str]]:
    if depth > 8:
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node, node.value
    elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        for item in node.elts:
            yield from _strings(item, constants, depth + 1)
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from _strings(value, constants, depth + 1)
    elif isinstance(node, ast.BinOp):
        yield from _strings(node.left, constants, depth + 1)
        yield from _strings(node.right, constants, depth + 1)
    elif isinstance(node, ast.Starred):
        yield from _strings(node.value, constants, depth + 1)
    elif isinstance(node, ast.Name) and node.id in constants:
        yield from _strings(constants[node.id], constants, depth + 1)


def _place(node: ast.Constant, path: str, lines: list[str]) -> Location:
    """Columns of `ast` count bytes; places count characters."""
    line = lines[node.lineno - 1] if node.lineno <= len(lines) else ""
    start = len(line.encode()[:node.col_offset].decode("utf-8", "replace"))
    length = len(node.value) + 2 if isinstance(node.value, str) else 1
    return Location(path, node.lineno, start + 1, node.lineno, start + length + 1)
