"""Which modules are parsed: the files that mention CrewAI, then whatever imports a module that really uses it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.nodes import Imported, Module

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

_ROUNDS = 10
_MOST = 1500
_PACKAGES = {"crewai", "mem0", "zep_crewai", "zep_cloud"}
# Importing only these does not make a module one that leads to a memory.
_BESIDE = ("crewai.tools", "crewai.telemetry", "crewai.utilities.logger", "crewai.LLM", "crewai.llm", "crewai.BaseLLM")


def close_upward(base: CodeBase) -> None:
    """Adds to `base.modules` the modules that import, at any distance, one that uses CrewAI."""
    frontier = [m.path for m in base.modules.values() if uses(m)]
    reached = set(frontier)
    known: dict[str, list[Module]] = {}
    for module in base.modules.values():
        _note(base, module, known)
    for _ in range(_ROUNDS):
        if not frontier or len(base.modules) >= _MOST:
            return
        for path in _candidates(base, frontier):
            module = base.module(path)
            if module is not None:
                _note(base, module, known)
        found: list[str] = []
        for path in frontier:
            for module in known.get(path, ()):
                base.modules.setdefault(module.path, module)
                if module.path not in reached:
                    reached.add(module.path)
                    found.append(module.path)
        frontier = found


def uses(module: Module) -> bool:
    """Builds or uses objects of CrewAI or of a memory package, as far as its imports tell."""
    return any(i.target.split(".", 1)[0] in _PACKAGES and not i.target.startswith(_BESIDE) for i in module.imports)


def _note(base: CodeBase, module: Module, known: dict[str, list[Module]]) -> None:
    """Enters the module under each scanned file it imports."""
    for path in sorted({p for i in module.imports for p in targets(base, i, module)} - {module.path}):
        importers = known.setdefault(path, [])
        if module not in importers:
            importers.append(module)


def targets(base: CodeBase, imported: Imported, importer: Module) -> list[str]:
    """The files an import statement may load: the module, and the submodule where the name is one."""
    path = base.import_path(imported, importer)
    found = [path] if path.endswith(".py") else []
    if path and imported.module != imported.target and imported.local != "*" and (
            not path.endswith(".py") or path.endswith("__init__.py")):
        folder = path.rpartition("/")[0]
        inner = base.locator.inside(folder, imported.alias.name)
        if inner.endswith(".py"):
            found.append(inner)
    return found


def _candidates(base: CodeBase, frontier: Iterable[str]) -> list[str]:
    """The files not parsed yet whose bytes have an import that may name one of those modules."""
    groups: dict[str, set[str]] = {}
    for path in frontier:
        folder, _, name = path.rpartition("/")
        stem = folder.rpartition("/")[2] if name == "__init__.py" else name[:-3]
        if stem:
            groups.setdefault(_top_package(base, folder), set()).add(stem)
    found: set[str] = set()
    for top, stems in sorted(groups.items()):
        rest = [p for p in base.tree.python if not base.is_loaded(p)]
        inside = [p for p in rest if p.startswith(top + "/")] if top else rest
        needles = sorted(s.encode() for s in stems)
        positive = base.tree.grep(needles, inside)
        package = top.rpartition("/")[2].encode()
        # What names a package called after CrewAI is a hit already.
        if top and b"crewai" not in package and b"mem0" not in package:
            others = base.tree.grep([package], [p for p in rest if not p.startswith(top + "/")])
            positive = [*positive, *(p for p in base.tree.grep(needles, others))]
        pattern = _importing(needles)
        found.update(p for p in positive if pattern.search(base.tree.read(p) or b""))
    return sorted(found)


def _importing(stems: list[bytes]) -> re.Pattern[bytes]:
    """An import statement, over one line or in parentheses, that has one of the words."""
    words = b"|".join(re.escape(s) for s in stems)
    return re.compile(rb"^[ \t]*(?:from|import)\b(?:[^\n#(]*\b(?:" + words + rb")\b|[^\n(]*\([^)]*\b(?:" + words + rb")\b)",
                      re.MULTILINE)


def _top_package(base: CodeBase, folder: str) -> str:
    """The outermost package that `folder` lies in, "" where it is none."""
    top = ""
    while folder and folder in base.locator.packages:
        top = folder
        folder = folder.rpartition("/")[0]
    return top
