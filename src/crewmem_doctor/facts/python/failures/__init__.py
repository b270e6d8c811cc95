"""What the code does when memory fails, at start-up and at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from crewmem_doctor.facts.python.failures.checks import find_checks
from crewmem_doctor.facts.python.failures.fallbacks import find_fallbacks
from crewmem_doctor.facts.python.failures.handlers import Catches, find_swallows
from crewmem_doctor.facts.python.failures.late import find_late
from crewmem_doctor.facts.python.failures.touches import Touches
from crewmem_doctor.facts.python.failures.unflushed import find_unflushed
from crewmem_doctor.facts.python.failures.wipes import find_wipes
from crewmem_doctor.facts.python.index import Function
from crewmem_doctor.facts.python.survey import Survey
from crewmem_doctor.model.failure import Failures
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory

Fact = TypeVar("Fact")


def read_failures(survey: Survey, memories: tuple[Memory, ...], entries: Mapping[Function, EntryPoint]) -> Failures:
    """Nothing where there is no memory that could fail."""
    kept = tuple(m for m in memories if m.kind != "conversation")
    if not kept:
        return Failures()
    touches, catches = Touches(survey, kept), Catches()

    def whole(read: Callable[[], tuple[Fact, ...]]) -> tuple[Fact, ...]:
        found: list[Fact] = []
        with survey.attempt(Location(".")):
            found.extend(read())
        return tuple(found)

    return Failures(
        swallows=whole(lambda: find_swallows(touches, catches, entries)),
        fallbacks=whole(lambda: find_fallbacks(touches, catches)),
        wipes=whole(lambda: find_wipes(touches, entries)),
        checks=whole(lambda: find_checks(survey)),
        unflushed=whole(lambda: find_unflushed(touches, entries)),
        late=whole(lambda: find_late(survey)),
    )
