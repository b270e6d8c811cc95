"""Calls that return while saves are still on their way."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from crewmem_doctor.facts.python.crewai_names import AGENTS, CREW, crewai_class
from crewmem_doctor.facts.python.failures.touches import Touches
from crewmem_doctor.facts.python.index import CallSite, Function
from crewmem_doctor.facts.python.ledger import reaches
from crewmem_doctor.facts.python.survey import last_name
from crewmem_doctor.model.failure import Unflushed
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory

_DRAINS = frozenset({"drain_writes", "close", "aclose", "recall", "arecall"})
_LATER = ("kickoff_async", "akickoff")
# Before the fix only these kinds are saved in the background by a crew.
_OF_CREWS = ("crew", "memory", "agent")


def find_unflushed(touches: Touches, entries: Mapping[Function, EntryPoint]) -> tuple[Unflushed, ...]:
    drained = {m.at for m in _drained(touches)}
    found = []
    for site, how, memory in (*_kickoffs(touches), *_batches(touches)):
        ways = reaches(touches.base, [site.scope.body], entries)
        found.append(
            Unflushed(
                site.location,
                how,
                memory.at,
                ways,
                memory.at in drained or _drains_all(site),
                _exit(site),
                site.scope.body.qualname,
            )
        )
    return tuple(sorted(found, key=lambda u: (u.at, u.how)))


def _kickoffs(touches: Touches) -> Iterator[tuple[CallSite, str, Memory]]:
    """An agent's own kickoff saves in the background; so did a crew's asynchronous one for some releases."""
    for site, what, memories in touches.sites:
        if what != "kickoff" or not isinstance(site.node.func, ast.Attribute):
            continue
        word = last_name(site.node.func)
        kind = touches.base.type_of(site.node.func.value, site.scope)
        kind = crewai_class(touches.base, kind) or kind
        if kind in AGENTS:
            yield site, "Agent.kickoff", memories[0]
        elif word in _LATER and kind in (CREW, "") and memories[0].kind in _OF_CREWS:
            yield site, word, memories[0]


def _batches(touches: Touches) -> Iterator[tuple[CallSite, str, Memory]]:
    for site, what, memories in touches.sites:
        if what == "save" and last_name(site.node.func) == "remember_many" and memories[0].kind == "memory":
            yield site, "remember_many", memories[0]


def _drained(touches: Touches) -> Iterator[Memory]:
    """The memories that something waits for, wherever that is."""
    for site in touches.survey.calls(*sorted(_DRAINS)):
        if isinstance(site.node.func, ast.Attribute):
            found = touches.of(touches.base.evaluate(site.node.func.value, site.scope))
            if found is not None:
                yield found


def _drains_all(site: CallSite) -> bool:
    """Something in the same function waits for saves, of an object that could not be followed."""
    return any(
        last_name(other.node.func) in ("drain_writes", "close") and "mem" in ast.unparse(other.node.func).lower()
        for other in site.scope.body.sites
    )


def _exit(site: CallSite) -> Location | None:
    module = site.scope.module
    return next((s.location for f in module.all_functions for s in f.sites if s.callee == "os._exit"), None)
