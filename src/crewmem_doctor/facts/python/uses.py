"""The places that save into a memory or search it, which lead on to whoever calls them."""

from __future__ import annotations

from crewmem_doctor.facts.python.ledger import Ledger
from crewmem_doctor.facts.python.survey import Survey, last_name

_SAVES = ("remember", "remember_many", "recall", "aremember", "arecall", "save", "search", "asave", "asearch")


def attach_users(survey: Survey, ledger: Ledger) -> None:
    """An object that is handed a memory, and keeps it, is no place where the memory is made: only its use tells."""
    if not ledger.drafts:
        return
    for site in survey.calls(*_SAVES):
        receiver = getattr(site.node.func, "value", None)
        # `save` and `search` are anybody's words.
        if receiver is None or (last_name(site.node.func) in _SAVES[5:] and "mem" not in last_name(receiver).lower()):
            continue
        with survey.attempt(site.location):
            for draft in ledger.of(survey.base.evaluate(receiver, site.scope)):
                if draft.memory.kind not in ("flow", "checkpoint"):
                    draft.users.append(site)
