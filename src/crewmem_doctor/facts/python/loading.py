"""What loading a module runs of functions: the imports inside a factory that the module or its server calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.facts.python.closure import targets
from crewmem_doctor.facts.python.environment import under_main
from crewmem_doctor.facts.python.index import CodeBase, Function, Module

_DEPTH = 3
_FACTORY = re.compile(r"create|make|build|get_|app|factory|init|setup|configure", re.IGNORECASE)


class Loading:
    """The scanned files that functions import when they are called."""

    def __init__(self, base: CodeBase) -> None:
        self.base = base
        # Few functions import anything, and only what leads to one of those is worth following.
        self.lazy = any(i.function is not None for module in base.modules.values() for i in module.imports)
        self.known: dict[tuple[Function, int], tuple[str, ...]] = {}

    def at_import(self, module: Module) -> Iterator[str]:
        """What functions import that the module's top level calls: `app = create_app()`."""
        for site in module.body.sites if self.lazy else ():
            if not site.scope.in_class_body and not under_main(module, site.node):
                yield from self.of(self.base.definition(site.callee), _DEPTH)

    def factories(self, module: Module) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The functions that a server may be told to call, with what a call of each imports."""
        for name, function in module.functions.items() if self.lazy else ():
            found = self.of(function, _DEPTH) if _FACTORY.search(name) else ()
            if found:
                yield name, found

    def of(self, called: object, depth: int) -> tuple[str, ...]:
        if not isinstance(called, Function) or called.is_body or depth == 0:
            return ()
        if (called, depth) not in self.known:
            self.known[called, depth] = ()  # for one that calls itself
            self.known[called, depth] = tuple(dict.fromkeys(self._imports(called, depth)))
        return self.known[called, depth]

    def _imports(self, called: Function, depth: int) -> Iterator[str]:
        for imported in called.module.imports:
            if imported.function is called:
                yield from targets(self.base, imported, called.module)
        for site in called.sites:
            yield from self.of(self.base.definition(site.callee), depth - 1)
