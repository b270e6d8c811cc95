"""Imports that a change needs: one that is there already, or one more line behind those above the place of use."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable

from crewmem_doctor.fixes.dialects.python.syntax import Code, Splice
from crewmem_doctor.fixes.refused import Refused

# The same thing under another name of its package.
_SAME = {("crewai.memory", "Memory"): ("crewai", "Memory"), ("crewai", "Memory"): ("crewai.memory", "Memory")}


def needed(code: Code, imports: Iterable[tuple[str, str]], value: str, index: int) -> tuple[str, list[Splice]]:
    """The expression with the names that the module has for what it imports, and the import lines to add. `index` is
    the module's own statement that uses it. An import is (module, name); without a name it is the module itself."""
    lines = []
    for module, name in imports:
        local, line = name_of(code, module, name, index)
        value = (
            re.sub(rf"(?<![\w.]){re.escape(name or module)}\b", local, value) if local != (name or module) else value
        )
        lines += [line] if line else []
    return value, added(code, lines, index)


def name_of(code: Code, module: str, name: str, index: int) -> tuple[str, str]:
    """What the module calls that import, and the line to add where it has none."""
    for statement in code.tree.body[:index]:
        if isinstance(statement, ast.Import) and not name:
            for alias in statement.names:
                if alias.name == module and "." not in module:
                    return alias.asname or module, ""
        if isinstance(statement, ast.ImportFrom) and name and not statement.level:
            for alias in statement.names:
                if (statement.module, alias.name) in ((module, name), _SAME.get((module, name))):
                    return alias.asname or name, ""
    what = name or module
    local = code.free(what, f"Crew{what}", f"CrewAI{what}") if name else what
    if not name:
        if what in code.bound_before(len(code.tree.body)) and not _imports(code, module):
            raise Refused(f"{code.path} calls something else {what}")
        return what, f"import {module}"
    return local, f"from {module} import {name}" + (f" as {local}" if local != name else "")


def _imports(code: Code, module: str) -> bool:
    return any(
        isinstance(s, ast.Import) and any(a.name == module and a.asname is None for a in s.names)
        for s in code.tree.body
    )


def added(code: Code, lines: list[str], index: int) -> list[Splice]:
    """`import x` above the first import, `from x import y` behind the last one above the module's statement `index`;
    where there is none, behind the docstring."""
    lines = sorted(dict.fromkeys(lines), key=lambda line: line.startswith("from"))
    above = code.tree.body[:index]
    imports = [s for s in above if isinstance(s, (ast.Import, ast.ImportFrom))]
    plain = [s for s in imports if not (isinstance(s, ast.ImportFrom) and s.module == "__future__")]
    if plain:
        whole, parts = ([line for line in lines if line.startswith(word)] for word in ("import", "from"))
        first = plain[0]
        near = isinstance(first, ast.Import) and first.names[0].name.partition(".")[0] in sys.stdlib_module_names
        return [
            *([code.before(code.first_line(first), "\n".join(whole) + ("" if near else "\n"))] if whole else []),
            *([code.below(plain[-1], "\n".join(parts))] if parts else []),
        ]
    if not lines:
        return []
    text = "\n".join(lines)
    if imports:
        return [code.below(imports[-1], f"\n{text}")]
    opening = code.tree.body[0]
    if (
        above
        and isinstance(opening, ast.Expr)
        and isinstance(opening.value, ast.Constant)
        and isinstance(opening.value.value, str)
    ):
        return [code.below(opening, f"\n{text}")]
    return [code.before(code.first_line(opening), f"{text}\n")]
