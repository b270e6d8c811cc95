"""Which objects of scanned classes live as long as the process."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from crewmem_doctor.facts.python.index import Class, Function, Module
from crewmem_doctor.facts.python.survey import Survey, last_name
from crewmem_doctor.model.memory import EntryPoint

_PROVIDERS = ("Singleton", "ThreadSafeSingleton", "ThreadLocalSingleton")


def long_lived(survey: Survey, cls: Class, entries: Mapping[Function, EntryPoint]) -> bool:
    """Whether objects of the class are made once: at module level, at start-up, in a cached factory, as a singleton."""
    if _is_singleton(survey, cls):
        return True
    base = survey.base
    for site in survey.calls(cls.name, *_aliases(survey, cls)):
        if site.callee != cls.dotted:
            continue
        if site.scope.level == "module" and not reruns(site.scope.module, entries):
            return True
        # What Streamlit keeps in its session state is one visitor's.
        if any(
            not chain.builds and chain.entry.kind != "script" and chain.entry.framework != "streamlit"
            for chain in base.chains(site, entries)
        ):
            return True
    return False


def reruns(module: Module, entries: Mapping[Function, EntryPoint]) -> bool:
    """Streamlit runs the script again for each interaction: its module level is no place that lasts."""
    entry = entries.get(module.body)
    return entry is not None and entry.framework == "streamlit"


def _is_singleton(survey: Survey, cls: Class) -> bool:
    """The class keeps its own object, is decorated as a singleton, or a container provides one object of it."""
    said = [
        *(d.func if isinstance(d, ast.Call) else d for d in cls.node.decorator_list),
        *(k.value for k in cls.node.keywords if k.arg == "metaclass"),
    ]
    if any("singleton" in last_name(node).lower() for node in said) or any(_keeps_itself(survey, cls)):
        return True
    given = (site for site in survey.calls(*_PROVIDERS) if site.node.args)
    return any(survey.base.canonical(site.node.args[0], site.scope) == cls.dotted for site in given)


def _keeps_itself(survey: Survey, cls: Class) -> Iterator[bool]:
    """`cls._instance = cls()`, also in `__new__`."""
    for method in cls.methods.values():
        for stored in method.stores:
            target = stored.target.value if isinstance(stored.target, ast.Subscript) else stored.target
            if not (isinstance(target, ast.Attribute) and last_name(target.value) in ("cls", cls.name)):
                continue
            made = survey.base.type_of(stored.value, stored.scope) if stored.value is not None else ""
            yield made == cls.dotted or (method.name == "__new__" and isinstance(stored.value, ast.Call))


def _aliases(survey: Survey, cls: Class) -> list[str]:
    return sorted(
        {
            i.local
            for m in survey.base.modules.values()
            for i in m.imports
            if i.target.endswith(f".{cls.name}") and i.local not in (cls.name, "*")
        }
    )
