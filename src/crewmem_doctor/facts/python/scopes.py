"""Scopes of memories that no name leads to: a flow's own memory, and one that came out of app state or a container."""

from __future__ import annotations

import ast

from crewmem_doctor.facts.python.crewai_names import FLOW, crewai_class
from crewmem_doctor.facts.python.index import CallSite
from crewmem_doctor.facts.python.ledger import Draft, Ledger, built
from crewmem_doctor.facts.python.sinks import key_sinks
from crewmem_doctor.facts.python.survey import Survey, last_name
from crewmem_doctor.model.memory import Sink

_WORDS = ("remember", "remember_many", "recall", "forget", "aremember", "arecall", "scope", "slice")


def attach_loose_scopes(survey: Survey, ledger: Ledger) -> None:
    """A scope that is given to something of unknown class may be any memory's. It goes to all of them: without it a
    rule would say that nothing keeps users apart."""
    open_to = [d for d in ledger.drafts.values() if d.memory.kind in ("memory", "crew", "agent")]
    if not open_to:
        return
    for site in survey.calls(*_WORDS):
        receiver = getattr(site.node.func, "value", None)
        if receiver is None:
            continue
        with survey.attempt(site.location):
            sinks = _sinks(survey, site, receiver)
            if sinks:
                for draft in _drafts(survey, ledger, site, receiver, open_to):
                    draft.sinks.extend(sinks)


def _sinks(survey: Survey, site: CallSite, receiver: ast.expr) -> list[Sink]:
    base = survey.base
    sinks = list(key_sinks(base, site, built(base, site), "scope", "source"))
    if last_name(site.node.func) == "scope" and len(site.node.args) == 1 and "mem" in _spelled(receiver):
        node = site.node.args[0]
        sinks.append(Sink("scope", base.evaluate(node, site.scope), base.location(node, site.scope.module)))
    return sinks


def _drafts(survey: Survey, ledger: Ledger, site: CallSite, receiver: ast.expr, open_to: list[Draft]) -> list[Draft]:
    if ledger.of(survey.base.evaluate(receiver, site.scope)):
        return []  # joined by its name already
    owner = site.scope.function.owner if site.scope.function is not None else None
    root = receiver
    while isinstance(root, ast.Attribute):
        root = root.value
    if (
        owner is not None
        and isinstance(root, ast.Name)
        and root.id == "self"
        and crewai_class(survey.base, owner.dotted) == FLOW
    ):
        return [d for d in open_to if d.memory.callee == FLOW and d.memory.inside == owner.qualname]
    return open_to if not site.callee or site.callee.startswith("crewai.") else []


def _spelled(node: ast.expr) -> str:
    """The name something is called by, in lower case: "self.memory" ends in "memory"."""
    inner = node.func if isinstance(node, ast.Call) else node
    return last_name(inner).lower()
