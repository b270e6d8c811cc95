"""What building a crew anew for each request does to its memory."""

from __future__ import annotations

from typing import Literal

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.spans import Span, on, span

Effect = Literal["no-memory", "resets", "resets-at-first-use", "keeps"]
EFFECTS: tuple[Span[Effect], ...] = (
    span("no-memory", "", "0.27.0", "0.22.5 has no crewai/memory"),
    span("resets", "0.27.0", "0.70.0", "0.28.8 memory/storage/rag_storage.py:72-73, 0.63.6:79-80, 0.67.1:80"),
    span("resets-at-first-use", "0.70.0", "0.74.0", "0.70.0 memory/storage/rag_storage.py _initialize_app"),
    span("keeps", "0.74.0", None, "ran 0.130.0, 0.203.2, 1.9.3, 1.14.7, 1.15.30: found again in a second process"),
)
_SENTENCES: dict[Effect, str] = {
    "no-memory": "this release has no memory",
    "resets": "building a crew empties the short-term memory of all crews with the same roles",
    "resets-at-first-use": "the first use of a newly built crew empties its short-term memory",
    "keeps": "the records stay on disk; each build opens the store again, which costs 0.01 to 0.4 seconds",
}
# Kickoffs that return before their background saves are done.
UNDRAINED: dict[str, tuple[Span[bool], ...]] = {
    "kickoff": (),
    "akickoff": (span(True, "1.10.0", "1.15.3", "fixed by crewAI#6497 in 1.15.3"),),
    "kickoff_async": (span(True, "1.10.0", "1.15.3", "fixed by crewAI#6497 in 1.15.3"),),
    "Agent.kickoff": (span(True, "1.10.0", None, "ran 1.15.30: one pending save, no record after a normal exit"),),
    "remember_many": (span(True, "1.10.0", None, "ran 1.15.30, 1.14.7: lost on a normal exit"),),
}


def effect(version: Version) -> Effect:
    found = on(EFFECTS, version)
    return found.value if found else "keeps"


def sentence(version: Version) -> str:
    """A clause: what happens to the records when a crew is built."""
    return _SENTENCES[effect(version)]


def evidence(version: Version) -> str:
    found = on(EFFECTS, version)
    return found.evidence if found else ""


def resets_on_construction(version: Version) -> bool:
    """Whether a newly built crew starts with an empty short-term memory (up to 0.67 when
    built, 0.70 when first used)."""
    return effect(version) in ("resets", "resets-at-first-use")
