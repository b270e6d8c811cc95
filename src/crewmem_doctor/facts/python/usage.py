"""Who calls, names, passes and stores what: the questions behind call chains."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crewmem_doctor.facts.python.nodes import Assignment, CallSite, Class, Function
from crewmem_doctor.facts.python.state import last_word

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

Load = tuple[ast.expr, Function]
# Names too common to link a method by its name alone.
_COMMON = {
    "run",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "create",
    "execute",
    "process",
    "start",
    "stop",
    "call",
    "add",
    "main",
    "build",
    "setup",
    "invoke",
    "handle",
    "generate",
    "update",
    "save",
    "load",
    "send",
    "kickoff",
    "search",
    "query",
    "read",
    "write",
    "close",
    "open",
    "init",
    "initialize",
    "connect",
    "reset",
    "clear",
    "remove",
    "list",
    "crew",
    "agent",
    "task",
    "chat",
    "ask",
    "submit",
    "process_message",
    "to_dict",
    "from_dict",
    "model_dump",
    "dict",
    "json",
    "copy",
    "analyze",
    "__call__",
    "forward",
    "step",
    "apply",
    "delay",
    "validate",
    "format",
    "render",
    "parse",
    "predict",
    "respond",
}


class Usage:
    """Searches by word first, and resolves only what the search finds."""

    def __init__(self, base: CodeBase) -> None:
        self.base = base
        self._sites: defaultdict[str, list[CallSite]] | None = None
        self._aliases: defaultdict[str, set[str]] = defaultdict(set)
        self._loads: dict[str, list[Load]] | None = None
        self._injected: dict[str, list[Load]] | None = None
        self._methods: dict[str, int] | None = None
        self._callers: dict[Function, tuple[CallSite, ...]] = {}
        self._subclasses: dict[str, list[Class]] | None = None

    def sites_named(self, word: str) -> list[CallSite]:
        """The calls whose target ends in `word` or in another name some import gives it."""
        if self._sites is None:
            self._sites = defaultdict(list)
            for site in self.base.calls:
                func = site.node.func
                if isinstance(func, (ast.Name, ast.Attribute)):
                    self._sites[func.id if isinstance(func, ast.Name) else func.attr].append(site)
            for module in self.base.modules.values():
                for imported in module.imports:
                    if imported.alias.asname and imported.alias.asname != imported.alias.name:
                        self._aliases[imported.alias.name.rsplit(".", 1)[-1]].add(imported.alias.asname)
        found = list(self._sites.get(word, ()))
        for alias in sorted(self._aliases.get(word, ())):
            found.extend(self._sites.get(alias, ()))
        return found

    def loads_named(self, word: str) -> list[Load]:
        """Every place that reads a name or attribute called `word`: the node that ends in it, and the function."""
        if self._loads is None:
            self._loads = defaultdict(list)
            for function in self._everything():
                part: ast.expr
                for part in (*function.loads, *_receivers(function)):
                    while isinstance(part, ast.Attribute):  # a dotted name and all its beginnings
                        self._loads[part.attr].append((part, function))
                        part = part.value
                    if isinstance(part, ast.Name):
                        self._loads[part.id].append((part, function))
        return self._aliased(self._loads, word)

    def injected_named(self, word: str) -> list[Load]:
        """The same of annotations and of what `Depends(…)` is given."""
        if self._injected is None:
            self._injected = defaultdict(list)
            for function in self._everything():
                for expr in (*function.annotations, *function.injected):
                    for node in ast.walk(expr):
                        if isinstance(node, (ast.Name, ast.Attribute)):
                            self._injected[last_word(node)].append((node, function))
        return self._aliased(self._injected, word)

    def _aliased(self, index: dict[str, list[Load]], word: str) -> list[Load]:
        self.sites_named(word)
        found = list(index.get(word, ()))
        for alias in sorted(self._aliases.get(word, ())):
            found.extend(index.get(alias, ()))
        return found

    def _everything(self) -> Iterator[Function]:
        for module in self.base.modules.values():
            yield from module.all_functions

    def subclasses(self, name: str) -> list[Class]:
        """The scanned classes that inherit from that one, directly or not."""
        if self._subclasses is None:
            found: defaultdict[str, list[Class]] = defaultdict(list)
            for cls in self.base.classes():
                for base in self.base.bases(cls.dotted):
                    found[base].append(cls)
            self._subclasses = dict(found)
        return self._subclasses.get(name, [])

    def callers(self, function: Function) -> tuple[CallSite, ...]:
        if function not in self._callers:
            self._callers[function] = ()
            self._callers[function] = tuple(self._find_callers(function))
        return self._callers[function]

    def _find_callers(self, function: Function) -> Iterator[CallSite]:
        if function.is_body:
            return
        owner, name = function.owner, function.name
        if owner is not None and name.startswith("__") and name.endswith("__"):
            yield from self.constructions(owner, name)
        wanted = {function.dotted}
        if owner is not None:
            wanted.update(f"{base}.{name}" for base in self.base.bases(owner.dotted) if self.base.method(base, name))
        distinct = owner is not None and self.distinctive(name)
        for site in self.sites_named(name):
            if site.callee in wanted or (distinct and self.loose(site)) or self._named_short(site, function):
                yield site

    def constructions(self, cls: Class, through: str = "__init__") -> Iterator[CallSite]:
        """The calls that make an object of the class or of a subclass that inherits `through`."""
        makers = [cls, *(c for c in self.subclasses(cls.dotted) if through not in c.methods)]
        for maker in makers:
            for site in self.sites_named(maker.name):
                if site.callee == maker.dotted or self._named_short(site, maker):
                    yield site
            for method in maker.methods.values():
                yield from (
                    s
                    for s in method.sites
                    if isinstance(s.node.func, ast.Name) and s.node.func.id == "cls" and "cls" in method.parameters
                )

    def _named_short(self, site: CallSite, target: Function | Class) -> bool:
        """Whether a call that was named before the target's module was parsed, and so as its import spells it, is one
        of the target: `store.Records` in a folder `backend` is `backend.store.Records`."""
        short = site.callee
        if not short or not target.dotted.endswith(f".{short}"):
            return False
        return self.base.names.resolve(site.node.func, site.scope) is target

    def distinctive(self, name: str) -> bool:
        """Whether one method of the project has that name, and the name says enough."""
        if self._methods is None:
            self._methods = {}
            for function in self.base.functions():
                self._methods[function.name] = self._methods.get(function.name, 0) + 1
        return self._methods.get(name) == 1 and name not in _COMMON and len(name) > 5 and not name.startswith("__")

    def loose(self, site: CallSite) -> bool:
        """A method call on an object whose class is not known."""
        if not isinstance(site.node.func, ast.Attribute):
            return False
        callee = site.callee
        return not callee or isinstance(self.base.definition(callee.rpartition(".")[0]), Assignment)

    def references(self, target: Function | Class) -> Iterator[Load]:
        """Where a function is handed on as a value (or a class to a dependency container)."""
        for node, function in self.loads_named(target.name):
            if isinstance(target, Function) and self.base.names.resolve(node, function.scope) is target:
                yield node, function
        for node, function in self.injected_named(target.name):
            # An annotation alone makes nothing.
            given = isinstance(target, Function) or any(e is node or node in ast.walk(e) for e in function.injected)
            if given and self.base.names.resolve(node, self.base.around(function)) is target:
                yield node, function

    def users(self, variable: Assignment) -> Iterator[Load]:
        """Where a module-level variable, a class attribute or a field is read."""
        for node, function in self.loads_named(variable.name):
            found = self.base.names.resolve(node, function.scope)
            if isinstance(found, Assignment) and same_variable(found, variable):
                yield node, function
        if variable.owner is None:
            for node, function in self.injected_named(variable.name):
                found = self.base.names.resolve(node, self.base.around(function))
                if isinstance(found, Assignment) and same_variable(found, variable):
                    yield node, function


def same_variable(one: Assignment, other: Assignment) -> bool:
    return one.name == other.name and one.module is other.module and one.owner is other.owner


def _receivers(function: Function) -> Iterator[ast.expr]:
    """`X().a.b` is no plain dotted name, so its attributes stand in no list of loads; the targets of calls do here."""
    for site in function.sites:
        func = site.node.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Attribute) and not _plain(func.value):
            yield func.value


def _plain(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)
