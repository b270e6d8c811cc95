"""The probe of CrewAI's own memory, in the target project's interpreter."""

from __future__ import annotations

from crewmem_doctor.probes.crewai import checks, ready
from crewmem_doctor.probes.session import Session


def probe(session: Session) -> None:
    """Observes what the memory of the project's CrewAI does: the default one, or that of a crew of the user's."""
    if session.settings.ready:
        ready.probe(session)
    elif session.target.kind == "crew":
        from crewmem_doctor.probes.crewai import owncrew

        owncrew.probe(session)
    else:
        checks.probe(session)
