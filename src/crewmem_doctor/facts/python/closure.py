"""Which modules are parsed: the files that mention CrewAI, then whatever imports a module that really uses it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.nodes import Imported, Module

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

Words = dict[str, frozenset[bytes]]
_STATEMENT = re.compile(rb"^[ \t]*(?:from|import)\b[^\n(]*(?:\([^)]*\))?", re.MULTILINE)
_WORD = re.compile(rb"\w+")
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
    words: Words = {}
    for module in base.modules.values():
        _note(base, module, known)
    for _ in range(_ROUNDS):
        if not frontier or len(base.modules) >= _MOST:
            return
        for path in _candidates(base, frontier, words):
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


def _candidates(base: CodeBase, frontier: Iterable[str], words: Words) -> list[str]:
    """The files not parsed yet whose bytes have an import that may name one of those modules."""
    groups: dict[str, set[bytes]] = {}
    for path in frontier:
        folder, _, name = path.rpartition("/")
        stem = (folder.rpartition("/")[2] if name == "__init__.py" else name[:-3]).encode()
        if stem:
            groups.setdefault(_top_package(base, folder), set()).add(stem)
    rest = [p for p in base.tree.python if not base.is_loaded(p)]
    everywhere = {s for stems in groups.values() for s in stems}
    found: set[str] = set()
    # What names a package called after CrewAI is a hit already.
    packages = {t.rpartition("/")[2] for t in groups if t and not any(w in t.rpartition("/")[2] for w in ("crewai", "mem0"))}
    if packages and "" not in groups:
        outside = base.tree.grep(sorted(p.encode() for p in packages), rest)
        found.update(_importers(base, everywhere, outside, words))
    for top, stems in sorted(groups.items()):
        inside = [p for p in rest if p.startswith(top + "/")] if top else rest
        found.update(_importers(base, stems if top else everywhere, inside, words))
    return sorted(found)


def _importers(base: CodeBase, stems: set[bytes], among: list[str], words: Words) -> list[str]:
    """Those whose import statements have one of the words. Each file's statements are read once."""
    for path in base.tree.grep(sorted(stems), [p for p in among if p not in words]):
        statements = b" ".join(_STATEMENT.findall(base.tree.read(path) or b""))
        words[path] = frozenset(_WORD.findall(statements))
    return [p for p in among if p in words and not stems.isdisjoint(words[p])]


def _top_package(base: CodeBase, folder: str) -> str:
    """The outermost package that `folder` lies in, "" where it is none."""
    top = ""
    while folder and folder in base.locator.packages:
        top = folder
        folder = folder.rpartition("/")[0]
    return top
