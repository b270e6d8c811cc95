"""Charts."""

from __future__ import annotations

from crewmem_doctor.facts.kubernetes.manifests import Manifests
from crewmem_doctor.facts.kubernetes.things import Bundle


def chart_bundles(manifests: Manifests) -> tuple[list[Bundle], set[str]]:
    return [], set()
