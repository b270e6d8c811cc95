"""What the detectors share: the code base, its calls by name, and small questions asked everywhere."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Union

from crewmem_doctor.facts.python.closure import targets
from crewmem_doctor.facts.python.index import CallSite, Class, CodeBase, Function, Module, Scope
from crewmem_doctor.model.expression import Expr, Text
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap

Decorated = tuple[Function, ast.expr, Union[ast.Call, None], str]


def last_name(node: ast.expr) -> str:
    """`b` of `a.b` and of `b`; "" for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


# A module with none of these words, or no empty container, keeps no conversations.
_CONTAINER = re.compile(r"=\s*(?:\{\}|\[\]|(?:\w+\.)?(?:dict|list|defaultdict|deque|OrderedDict|\w+Cache)\()")
_WORD = re.compile(
    r"conversation|convo|chat|dialog|transcript|message|session|memor|turns|histor|thread|crew|flow", re.I
)


class Survey:
    """A code base with its calls indexed by the last word of what they call, so that a detector that looks for
    `x.add_url_rule(…)` resolves only those calls."""

    def __init__(self, base: CodeBase) -> None:
        self.base = base
        # Before any name is resolved: a name of a module that is not loaded yet has no definition.
        self.nearby = _nearby(base)
        self.gaps: list[Gap] = []  # what a detector stumbled over
        self.decorated: list[Decorated] | None = None  # what the families of entry points all ask for
        self._by_word: defaultdict[str, list[CallSite]] = defaultdict(list)
        for site in base.calls:
            self._by_word[last_name(site.node.func)].append(site)

    def calls(self, *words: str) -> Iterator[CallSite]:
        """The calls whose target ends in one of those words, word by word."""
        for word in words:
            yield from self._by_word.get(word, ())

    @contextmanager
    def attempt(self, at: Location | Module) -> Iterator[None]:
        """Keeps a detector's own fault from taking the rest of the tree with it: the place is reported as not seen."""
        try:
            yield
        except Exception as problem:
            line = at.line if isinstance(at, Location) else 1
            why = f"{type(problem).__name__} while its facts were read"
            self.gaps.append(Gap(at.path, line, "crash", why))

    def function(self, node: ast.expr | None, scope: Scope) -> Function | None:
        """The scanned function handed on as a value. A lambda is the code it stands in; `partial(f, …)` is `f`."""
        if node is None:
            return None
        if isinstance(node, ast.Lambda):
            return scope.body
        if isinstance(node, ast.Call):
            if last_name(node.func) in ("partial", "wraps", "async_to_sync", "sync_to_async") and node.args:
                return self.function(node.args[0], scope)
            return None
        found = self.base.definition(self.base.canonical(node, scope))
        return found if isinstance(found, Function) else None

    def cls(self, node: ast.expr | None, scope: Scope) -> Class | None:
        """The scanned class of `Cls`, `Cls()`, `Cls.as_view()`."""
        if isinstance(node, ast.Call):
            func = node.func
            inner = func.value if isinstance(func, ast.Attribute) and func.attr in ("as_view", "as_asgi") else func
            return self.cls(inner, scope)
        if node is None:
            return None
        found = self.base.definition(self.base.canonical(node, scope))
        return found if isinstance(found, Class) else None

    def text(self, node: ast.expr | None, scope: Scope) -> str | None:
        """The constant text of an expression."""
        return as_text(self.base.evaluate(node, scope)) if node is not None else None


def as_text(expr: Expr | None) -> str | None:
    return expr.value if isinstance(expr, Text) and isinstance(expr.value, str) else None


def around(function: Function) -> Scope:
    """The scope a function's decorators and defaults are evaluated in."""
    return Scope(function.module, function.parent, function.owner)


def name_location(base: CodeBase, definition: Function | Class) -> Location:
    """Where a person would point: the name behind `def` or `class`; the first line of a module's body."""
    module, node = definition.module, definition.node
    if isinstance(node, ast.Module):
        return Location(module.path, node.body[0].lineno if node.body else 1, 1)
    line = module.lines[node.lineno - 1] if node.lineno <= len(module.lines) else ""
    column = line.find(node.name, min(node.col_offset, len(line)))
    if column < 0:
        return Location(module.path, node.lineno, node.col_offset + 1)
    return Location(module.path, node.lineno, column + 1, node.lineno, column + 1 + len(node.name))


def root(name: str) -> str:
    return name.split(".", 1)[0]


def starts(name: str, prefixes: Iterable[str]) -> bool:
    """Whether a dotted name is one of `prefixes` or lies below one."""
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def start_of(location: Location | None) -> tuple[str, int, int] | None:
    """Where a span begins: equal for a call, its name and the value it builds."""
    return (location.path, location.line, location.column) if location is not None else None


def _nearby(base: CodeBase) -> list[Module]:
    """The modules connected with CrewAI, and what they import that may keep conversations."""
    known = _connected(base)
    found = {module.path: module for module in known}
    for module in known:
        for imported in module.imports:
            for path in targets(base, imported, module):
                if path not in found and _may_keep(base.tree.text(path) or ""):
                    loaded = base.module(path)
                    if loaded is not None:
                        found[path] = loaded
    return list(found.values())


def _connected(base: CodeBase) -> list[Module]:
    """The parsed modules that lead to CrewAI, and readers of an application's state. A script that a service starts is
    parsed as well, though it may belong to another application of the same tree."""
    leads = set(base.tree.hits)
    links = {m.path: {p for i in m.imports for p in targets(base, i, m)} for m in base.modules.values()}
    waiting = [path for path in links if path not in leads]
    while True:
        more = [path for path in waiting if not leads.isdisjoint(links[path])]
        if not more:
            break
        leads.update(more)
        waiting = [path for path in waiting if path not in leads]
    return [m for m in base.modules.values() if m.path in leads or ".state." in m.text]


def _may_keep(text: str) -> bool:
    return bool(_CONTAINER.search(text) and _WORD.search(text))
