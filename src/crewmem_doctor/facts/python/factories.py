"""`set_memory_storage_factory` and `set_flow_persistence_factory`: what they return becomes every default store."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.facts.python.index import CallSite, Scope
from crewmem_doctor.facts.python.ledger import Ledger
from crewmem_doctor.facts.python.stores import store_of
from crewmem_doctor.facts.python.survey import Survey
from crewmem_doctor.model.memory import Store

_FACTORIES = {"set_memory_storage_factory": ("crew", "memory", "agent"), "set_flow_persistence_factory": ("flow",)}


def apply(survey: Survey, ledger: Ledger) -> None:
    for word, kinds in _FACTORIES.items():
        for site in survey.calls(word):
            if not site.callee.startswith("crewai"):
                continue
            store = _made(survey, site)
            for draft in ledger.drafts.values():
                given = draft.memory.store
                # The factory sees every `storage=` that is text, so a URL is its business too.
                if draft.memory.kind in kinds and given.kind == "path":
                    draft.memory = replace(draft.memory, store=replace(store, at=site.location))


def _made(survey: Survey, site: CallSite) -> Store:
    """The store that the factory returns, where it always returns the same kind."""
    node = site.argument("factory", 0)
    stores = [
        store_of(survey, survey.base.evaluate(value, scope), site.location)
        for value, scope in _returns(survey, node, site.scope)
    ]
    kinds = {store.kind for store in stores}
    if len(kinds) == 1:
        return stores[0]
    return Store("unknown", f"{site.callee.rsplit('.', 1)[-1]} decides", None, "unknown", site.location)


def _returns(survey: Survey, node: ast.expr | None, scope: Scope) -> Iterator[tuple[ast.expr, Scope]]:
    if isinstance(node, ast.Lambda):
        yield from ((value, scope) for value in _either(node.body))
        return
    function = survey.function(node, scope)
    if function is not None and not function.is_body:
        for returned in function.returns:
            yield from ((value, function.scope) for value in _either(returned.value))


def _either(value: ast.expr | None) -> Iterator[ast.expr]:
    """The stores that an expression may be. None leaves CrewAI's own in place for that name."""
    if isinstance(value, ast.IfExp):
        yield from _either(value.body)
        yield from _either(value.orelse)
    elif value is not None and not (isinstance(value, ast.Constant) and value.value is None):
        yield value
