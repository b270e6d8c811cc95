"""Settings of CrewAI that the code makes after CrewAI was imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.facts.python.closure import targets
from crewmem_doctor.facts.python.environment import under_main
from crewmem_doctor.facts.python.index import CodeBase, Function, Imported, Module
from crewmem_doctor.facts.python.survey import Survey, last_name, root
from crewmem_doctor.model.failure import LateSetting
from crewmem_doctor.model.location import Location

_NAMES = ("CREWAI_STORAGE_DIR", "XDG_DATA_HOME", "HOME")
_Written = tuple[str, ast.AST, Function, bool]


def find_late(survey: Survey) -> tuple[LateSetting, ...]:
    order = _Order(survey.base)
    found = []
    for name, node, function, weak in (*_assigned(survey), *_called(survey)):
        imported = order.before(function, node)
        if imported is not None:
            found.append(
                LateSetting(
                    name,
                    survey.base.location(node, function.module),
                    imported,
                    weak,
                    function.qualname,
                    order.loaded(function, node),
                )
            )
    return tuple(sorted(found, key=lambda s: (s.at, s.name)))


def _assigned(survey: Survey) -> Iterator[_Written]:
    """`os.environ["CREWAI_STORAGE_DIR"] = …`"""
    for module in survey.base.modules.values():
        if not any(name in module.text for name in _NAMES):
            continue
        for function in module.all_functions:
            for stored in function.stores:
                if isinstance(stored.target, ast.Subscript) and last_name(stored.target.value) == "environ":
                    name = survey.text(stored.target.slice, function.scope)
                    if name in _NAMES:
                        yield str(name), stored.statement, function, False


def _called(survey: Survey) -> Iterator[_Written]:
    """`os.environ.setdefault(…)`, `os.environ.update(…)`, `load_dotenv()`."""
    for site in survey.calls("setdefault", "update", "putenv", "load_dotenv"):
        word, function = last_name(site.node.func), site.scope.body
        if word == "load_dotenv":
            yield "", site.node, function, True
        elif site.callee == "os.environ.update":
            given = ast.unparse(site.node)
            for name in _NAMES:
                if f"'{name}'" in given or f"{name}=" in given:
                    yield name, site.node, function, False
        elif site.callee in ("os.environ.setdefault", "os.putenv"):
            text = survey.text(site.argument("key", 0), site.scope)
            if text in _NAMES:
                yield str(text), site.node, function, word == "setdefault"


class _Order:
    """What was imported when a line runs."""

    def __init__(self, base: CodeBase) -> None:
        self.base = base
        self._loads: dict[str, Location | None] = {}

    def before(self, function: Function, node: ast.AST) -> Location | None:
        """The import of CrewAI that surely ran before that line, if any."""
        module = function.module
        line = getattr(node, "lineno", 0)
        if function.is_body and not under_main(module, node):
            found = self._above(module, line, frozenset())
            return found if found is not None else self._importers(module)
        # A function runs after its module was imported, the main block after everything above it.
        found = self._above(module, line if function.is_body else 1 << 30, frozenset())
        if found is not None or function.is_body:
            return found
        inside = [i for i in module.imports if i.function is function and _runs(i, module) and i.node.lineno < line]
        return next((f for f in (self._brings(i, module, frozenset()) for i in inside) if f is not None), None)

    def loaded(self, function: Function, node: ast.AST) -> tuple[str, ...]:
        """The scanned modules that were run when that line runs."""
        module = function.module
        line = getattr(node, "lineno", 0) if function.is_body else 1 << 30
        found: set[str] = set()
        todo = [
            p
            for i in module.imports
            if i.node.lineno < line and self._at_import(i, module)
            for p in targets(self.base, i, module)
        ]
        while todo:
            path = todo.pop()
            other = self.base.modules.get(path)
            if path not in found and path != module.path and other is not None:
                found.add(path)
                todo += [p for i in other.imports if self._at_import(i, other) for p in targets(self.base, i, other)]
        return tuple(sorted(found))

    @staticmethod
    def _at_import(imported: Imported, module: Module) -> bool:
        return imported.function is None and _runs(imported, module) and not under_main(module, imported.node)

    def _above(self, module: Module, line: int, seen: frozenset[str]) -> Location | None:
        """The first import above a line of the module that brings CrewAI."""
        for imported in sorted(module.imports, key=lambda i: i.node.lineno):
            if imported.node.lineno < line and self._at_import(imported, module):
                found = self._brings(imported, module, seen)
                if found is not None:
                    return found
        return None

    def _brings(self, imported: Imported, module: Module, seen: frozenset[str]) -> Location | None:
        if root(imported.target) in ("crewai", "crewai_tools"):
            return self.base.location(imported.node, module)
        for path in targets(self.base, imported, module):
            if path not in seen and path != module.path and self._loads_it(path, seen | {module.path}):
                return self.base.location(imported.node, module)
        return None

    def _loads_it(self, path: str, seen: frozenset[str]) -> bool:
        if path not in self._loads:
            self._loads[path] = None
            module = self.base.modules.get(path)
            if module is not None:
                self._loads[path] = self._above(module, 1 << 30, seen | {path})
        return self._loads[path] is not None

    def _importers(self, module: Module) -> Location | None:
        """Where every module that imports this one had imported CrewAI before."""
        found: list[Location] = []
        for other, imported in self._imports_of(module):
            before = self._above(other, imported.node.lineno, frozenset({module.path}))
            if before is None or imported.function is not None:
                return None
            found.append(before)
        return min(found) if found and not module.is_script else None

    def _imports_of(self, module: Module) -> Iterator[tuple[Module, Imported]]:
        for other in self.base.modules.values():
            for imported in other.imports:
                if other is not module and module.path in targets(self.base, imported, other):
                    yield other, imported


def _runs(imported: Imported, module: Module) -> bool:
    """Not under TYPE_CHECKING: a guarded import counts, as it mostly succeeds."""
    return not (imported.guarded and "TYPE_CHECKING" in module.text)
