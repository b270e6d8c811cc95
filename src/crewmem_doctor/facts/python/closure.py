"""Which modules are parsed: the files that mention CrewAI, then whatever reaches a module that really uses it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.collect import collect
from crewmem_doctor.facts.python.modules import dotted_names
from crewmem_doctor.facts.python.nodes import Imported, Module
from crewmem_doctor.facts.python.state import state_key
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.python import parse

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

# Begins with a constant, which is found several times as fast as the beginning of a line is.
_STATEMENT = re.compile(rb"\n[ \t\xef\xbb\xbf]*(?:from|import)\b[^\n(]*(?:\([^)]*\))?")
_WORD = re.compile(rb"\w+")
_ROUNDS = 12
_MOST = 1500
_MOST_STATES = 40
_FEW_WORDS = 4  # to search a file for so many costs less than to read its import statements
# A queue may be given a function by its dotted name: `queue.enqueue("app.tasks.run")`.
_QUEUE = b"enqueue"
_JOB = re.compile(rb"""["']([A-Za-z_][\w.]*)\.\w+["']""")
_PACKAGES = {"crewai", "mem0", "zep_crewai", "zep_cloud"}
# Importing only these does not make a module one that leads to a memory.
_BESIDE = ("crewai.tools", "crewai.telemetry", "crewai.utilities.logger", "crewai.LLM", "crewai.llm", "crewai.BaseLLM")


def close_upward(base: CodeBase) -> None:
    """Adds to `base.modules` the modules that import, at any distance, one that uses CrewAI, and those that read the
    application state which one of them fills: a route may say only `request.app.state.crew.run()`. Those too that name
    a function of one of them as a queue's job."""
    Closure(base).run()


class Closure:
    def __init__(self, base: CodeBase) -> None:
        self.base = base
        self.importers: dict[str, list[Module]] = {}  # of each scanned file, as far as they are parsed
        self.searched: set[str] = set()  # the files that were searched for some word
        self.statements: dict[str, bytes] = {}  # the import statements of the files in which they were read
        self.saying: dict[bytes, list[str]] = {}  # by a module's last name, those whose import statements have it
        self.leads: dict[str, frozenset[str]] = {}  # what a file imports, where its statements were resolved
        self.below: dict[str, list[str]] = {}  # the files of a package
        self.naming: dict[str, list[str]] = {}  # the files that mention a package from outside
        self.states: set[bytes] = set()
        self.stateful: list[str] | None = None  # the files that read any state
        self.queueing: list[str] | None = None  # the files that hand jobs to a queue

    def run(self) -> None:
        base = self.base
        frontier = [m.path for m in base.modules.values() if uses(m)]
        reached = set(frontier)
        for module in base.modules.values():
            self.note(module)
        for _ in range(_ROUNDS):
            if len(base.modules) >= _MOST:
                return
            fresh = self.round(frontier) or self.state_readers() or self.queuers()
            frontier = [m.path for m in fresh if m.path not in reached]
            reached.update(frontier)
            base.modules.update((m.path, m) for m in fresh)
            if not frontier:
                return

    def round(self, frontier: list[str]) -> list[Module]:
        """The modules that import one of those paths and were not known to matter or to lead on."""
        wanted = frozenset(frontier)
        for path in self.candidates(frontier):
            candidate = self.base.module(path) if self.may_import(path, wanted) else None
            if candidate is not None:
                self.note(candidate)
        found = {m.path: m for path in frontier for m in self.importers.get(path, ())}
        return [found[path] for path in sorted(found)]

    def may_import(self, path: str, wanted: frozenset[str]) -> bool:
        """Whether the import statements of a file, read alone, lead to one of those modules."""
        if path not in self.leads:
            statements = self.imports_of(path).decode("utf-8", "replace")
            parsed = parse(statements, path)
            if isinstance(parsed, Gap):
                return True
            sketch = Module(path, dotted_names(path), parsed, statements)
            collect(self.base, sketch)
            self.leads[path] = frozenset(p for i in sketch.imports for p in targets(self.base, i, sketch))
        return not wanted.isdisjoint(self.leads[path])

    def note(self, module: Module) -> None:
        """Enters the module under each scanned file it imports."""
        for path in sorted({p for i in module.imports for p in targets(self.base, i, module)} - {module.path}):
            known = self.importers.setdefault(path, [])
            if module not in known:
                known.append(module)

    def state_readers(self) -> list[Module]:
        """The modules that read what a module that matters stores as `app.state.x`."""
        fresh: set[bytes] = set()
        for module in self.base.modules.values():
            for function in module.all_functions:
                for store in function.stores:
                    key = state_key(store.target)
                    if key is not None and key[0] == "state":
                        fresh.add(f"state.{key[1]}".encode())
        fresh = set(sorted(fresh - self.states)[:_MOST_STATES])
        if not fresh:
            return []
        self.states |= fresh
        if self.stateful is None:
            self.stateful = self.base.tree.grep([b"state."], self.base.tree.python)
        rest = [p for p in self.stateful if p not in self.base.modules]
        found = [self.base.module(p) for p in self.base.tree.grep(sorted(fresh), rest)[:_MOST_STATES]]
        readers = [module for module in found if module is not None]
        for reader in readers:
            self.note(reader)
        return readers

    def queuers(self) -> list[Module]:
        """The modules that name a function of a module that matters as a queue's job, without importing it."""
        base = self.base
        if self.queueing is None:
            self.queueing = base.tree.grep([_QUEUE])
        found: list[Module] = []
        for path in self.queueing:
            if path not in base.modules and len(found) < _MOST_STATES:
                named = sorted({n.decode() for n in _JOB.findall(base.tree.read(path) or b"")})
                matters = any(base.locator.find(name, path) in base.modules for name in named)
                module = base.module(path) if matters else None
                if module is not None:
                    self.note(module)
                    found.append(module)
        return found

    def candidates(self, frontier: list[str]) -> list[str]:
        """The files not parsed yet whose import statements may name one of those modules. Inside a package its last
        name is enough; from outside the package must be named too."""
        groups: dict[str, set[bytes]] = {}
        for path in frontier:
            folder, _, name = path.rpartition("/")
            stem = (folder.rpartition("/")[2] if name == "__init__.py" else name[:-3]).encode()
            if stem:
                groups.setdefault(self.top_package(folder), set()).add(stem)
        self.look_outside({top.rpartition("/")[2] for top in groups if top})
        found: set[str] = set()
        for top, stems in sorted(groups.items()):
            if not top:
                found.update(self.importing(stems, self.unloaded(self.base.tree.python)))
                continue
            if top not in self.below:
                self.below[top] = [p for p in self.base.tree.python if p.startswith(top + "/")]
            around = (*self.below[top], *self.naming[top.rpartition("/")[2]])
            found.update(self.importing(stems, self.unloaded(around)))
        return sorted(found)

    def unloaded(self, paths: Iterable[str]) -> list[str]:
        return [path for path in paths if not self.base.is_loaded(path)]

    def look_outside(self, packages: set[str]) -> None:
        """Finds the files that mention those packages. What names one called after CrewAI is a hit already."""
        fresh = sorted(packages.difference(self.naming))
        self.naming.update((package, []) for package in fresh)
        words = {package: package.encode() for package in fresh if "crewai" not in package and "mem0" not in package}
        if words:
            mentions = self.base.tree.mentions(words.values(), self.unloaded(self.base.tree.python))
            self.naming.update((package, mentions[word]) for package, word in words.items())

    def importing(self, stems: set[bytes], among: list[str]) -> list[str]:
        """Those whose import statements have one of the words. For a few words a file is searched first, and its
        statements are read when it has one, or is asked for again."""
        fresh = [p for p in among if p not in self.statements]
        if len(stems) <= _FEW_WORDS:
            new = [p for p in fresh if p not in self.searched]
            fresh = [p for p in fresh if p in self.searched] + self.base.tree.grep(sorted(stems), new)
            self.searched.update(new)
        for path in fresh:
            self.imports_of(path)
        found = {path for stem in stems for path in self.saying.get(stem, ())}
        return sorted(found.intersection(among))

    def imports_of(self, path: str) -> bytes:
        """The import statements of a file, as they are written."""
        if path not in self.statements:
            body = self.base.tree.read(path) or b""
            self.statements[path] = b"\n".join([s.strip() for s in _STATEMENT.findall(b"\n" + body)])
            for word in set(_WORD.findall(self.statements[path])):
                self.saying.setdefault(word, []).append(path)
        return self.statements[path]

    def top_package(self, folder: str) -> str:
        """The outermost package that `folder` lies in, "" where it is none."""
        top = ""
        while folder and folder in self.base.locator.packages:
            top = folder
            folder = folder.rpartition("/")[0]
        return top


def uses(module: Module) -> bool:
    """Builds or uses objects of CrewAI or of a memory package, as far as its imports tell."""
    return any(i.target.split(".", 1)[0] in _PACKAGES and not i.target.startswith(_BESIDE) for i in module.imports)


def targets(base: CodeBase, imported: Imported, importer: Module) -> list[str]:
    """The files an import statement may load: the module, and the submodule where the name is one."""
    path = base.import_path(imported, importer)
    found = [path] if path.endswith(".py") else []
    named = imported.module != imported.target and imported.local != "*"
    if path and named and (not path.endswith(".py") or path.endswith("__init__.py")):
        inner = base.locator.inside(path.rpartition("/")[0], imported.alias.name)
        if inner.endswith(".py"):
            found.append(inner)
    return found
