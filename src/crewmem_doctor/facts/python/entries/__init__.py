"""Where requests, tasks, messages and runs enter the code.

Scripts (a `__main__` block, a console script, a top-level kickoff) are entry points of kind "script": they are recorded
like any other, and rules that speak of a served application leave them out. Start-up hooks are not entry points: what
they run happens once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crewmem_doctor.facts.python.entries import bots, functions, http, scripts, sockets, tasks, ui, views
from crewmem_doctor.facts.python.index import Function
from crewmem_doctor.facts.python.survey import Survey
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint

Family = Callable[[Survey], Iterator[tuple[Function, EntryPoint]]]
# Where two families claim a function, the first one names it.
FAMILIES: tuple[Family, ...] = (
    http.find,
    views.find,
    sockets.find,
    tasks.find,
    bots.find,
    functions.find,
    ui.find,
    scripts.find,
)


def entry_points(survey: Survey) -> dict[Function, EntryPoint]:
    found: dict[Function, EntryPoint] = {}
    for family in FAMILIES:
        with survey.attempt(Location(".")):
            for function, entry in family(survey):
                found.setdefault(function, entry)
    return found
