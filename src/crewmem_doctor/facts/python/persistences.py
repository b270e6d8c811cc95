"""Flow persistences of the project's own that the code calls by itself, without `@persist` or `persistence=`."""

from __future__ import annotations

from crewmem_doctor.facts.python.deferred import level_of
from crewmem_doctor.facts.python.index import CallSite
from crewmem_doctor.facts.python.ledger import Draft, Ledger
from crewmem_doctor.facts.python.stores import store_of
from crewmem_doctor.facts.python.survey import Survey
from crewmem_doctor.model.expression import Build, Choice, Expr
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.memory import Kickoff, Memory

_SAVES = ("save_state", "save_pending_feedback")


def find(survey: Survey, ledger: Ledger) -> None:
    """`store.save_state(session_id, …)`: the object keeps a state as much as a decorator's would."""
    kept = {id_of(v) for draft in ledger.drafts.values() if draft.memory.kind == "flow" for v in draft.values}
    for site in survey.calls(*_SAVES):
        receiver = getattr(site.node.func, "value", None)
        if receiver is None:
            continue
        with survey.attempt(site.location):
            for made in _made(survey.base.evaluate(receiver, site.scope)):
                if id_of(made) not in kept and _is_persistence(survey, made.callee):
                    _add(survey, ledger, site, made)


def id_of(value: Expr) -> object:
    return getattr(value, "at", None) or id(value)


def _made(value: Expr) -> list[Build]:
    options = value.options if isinstance(value, Choice) else (value,)
    return [option for option in options if isinstance(option, Build) and option.at is not None]


def _is_persistence(survey: Survey, name: str) -> bool:
    return any(
        base.startswith("crewai.flow.") and base.endswith(".FlowPersistence") for base in survey.base.bases(name)
    )


def _add(survey: Survey, ledger: Ledger, site: CallSite, made: Build) -> None:
    at = made.at
    assert at is not None
    draft = Draft(
        Memory("flow", at, made.callee, store_of(survey, made, at), at, level=level_of(site), inside=""),
        [site],
        [made],
        made_once=True,
    )
    # Whoever calls it by itself also loads from it by itself; nothing is left to a kickoff.
    draft.kickoffs.append(Kickoff(site.location, Known(True, site.location)))
    ledger.add(draft)
