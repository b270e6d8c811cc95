"""What looks like production is not probed without a word from the user."""

from __future__ import annotations

import re

from crewmem_doctor.probes.session import Blind, Session

_PRODUCTION = re.compile(r"(?i)(?:^|[^a-z])(?:prod|prd|production|live)(?:[^a-z]|$)")


def looks_like_production(*names: str) -> bool:
    """Whether a host, a database or a namespace is named like one of production: "prod-db", "db.live.example.com"."""
    return any(_PRODUCTION.search(name) for name in names)


def allow(session: Session, what: str, *names: str) -> None:
    """Asks before a target whose `names` look like production is touched. `what` says what the probe will do there.

    Where nobody says yes, that is the observation "consent", and the probe ends.
    """
    found = [name for name in names if looks_like_production(name)]
    if not found or session.settings.yes:
        return
    if not session.confirm(f"{found[0]} looks like production. The probe {what}. Go on?"):
        with session.check("consent"):
            raise Blind(f"{found[0]} looks like production, and nobody said yes: pass --yes to probe it all the same "
                        f"(the probe {what})")
