"""What canonical names of scanned code stand for."""

from __future__ import annotations

from crewmem_doctor.facts.python.nodes import Assignment, Definition, Module


class Definitions:
    """The parsed modules by their names, and what was found in them."""

    def __init__(self) -> None:
        self._by_name: dict[str, Module] = {}
        self._found: dict[str, Definition] = {}
        self._missing: set[str] = set()  # names that no module so far defines

    def add(self, module: Module) -> None:
        self._by_name.setdefault(module.name, module)
        self._missing.clear()

    def get(self, name: str) -> Definition | None:
        found = self._found.get(name)
        if found is None and name not in self._missing:
            found = self._define(name)
            if found is not None:
                self._found[name] = found
            else:
                self._missing.add(name)
        return found

    def _define(self, name: str) -> Definition | None:
        head = name
        while True:
            module = self._by_name.get(head)
            if module is not None:
                return self._inside(module, name[len(head) + 1 :])
            if "." not in head:
                return None
            head = head.rpartition(".")[0]

    @staticmethod
    def _inside(module: Module, rest: str) -> Definition | None:
        if not rest:
            return module
        found = module.classes.get(rest) or module.functions.get(rest)
        if found is not None:
            return found
        owner, _, name = rest.rpartition(".")
        if not owner:
            bindings = module.body.bindings.get(name)
            return Assignment(module, None, name, bindings) if bindings else None
        cls = module.classes.get(owner)
        bindings = (cls.attributes.get(name) or cls.fields.get(name)) if cls is not None else None
        return Assignment(module, cls, name, bindings) if bindings else None
