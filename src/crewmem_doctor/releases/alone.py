"""Kinds of memory that a crew of the older releases does not use where they are given alone.

A crew is given an object for each kind. Up to 0.114 it looks at none of them without `memory=True`; from 0.117 on at
all, but lessons and the entities in them are saved together or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping

from crewmem_doctor.model.expression import Expr, Text
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases.spans import Span, Verdict, on, span


@dataclass(frozen=True, slots=True)
class Need:
    """An argument is saved into where one of `beside` is given too. `off_is_meant`: a `memory=False` there says that
    nothing shall be kept; else it only says that the other kinds shall not."""

    beside: tuple[str, ...]
    sentence: str
    off_is_meant: bool = False


_ALL_OFF = Need(("memory",), "without memory=True beside it the crew neither saves into it nor reads it",
                off_is_meant=True)
_OLD = ("0.114.0 crew.py:280 makes memories inside `if self.memory`, agent.py:203 reads them there; 0.63.0 crew.py:231,"
        " agent.py:210; 0.117.0 does not ask for it; ran 0.114.0")
_BOTH = ("0.117.0 agents/agent_builder/base_agent_executor_mixin.py:75-76, 1.9.3:85-86: both or none; ran 0.130.0,"
         " 0.203.2, 1.9.3")
_NOBODY_READS = Need(("memory", "external_memory"),
                     "without memory=True beside it the crew makes no memory that reads it",
                     off_is_meant=True)


def _old(since: str) -> Span[Need]:
    return span(_ALL_OFF, since, "0.117.0", _OLD)


def _paired(other: str) -> Span[Need]:
    sentence = (f"the crew reads it and never saves into it without memory=True or {other}= beside it, because lessons"
                " and the entities in them are saved together")
    return span(Need(("memory", other), sentence), "0.117.0", "1.10.0", _BOTH)


NEEDS: dict[str, tuple[Span[Need], ...]] = {
    "short_term_memory": (_old("0.63.0"),),
    "long_term_memory": (_old("0.63.0"), _paired("entity_memory")),
    "entity_memory": (_old("0.63.0"), _paired("long_term_memory")),
    "external_memory": (_old("0.114.0"),),
    "user_memory": (_old("0.83.0"),),
    "memory_config": (
        _old("0.83.0"),
        span(_NOBODY_READS, "0.117.0", "0.157.0", "0.130.0 crew.py:327-330, contextual_memory.py: user memory is None"),
    ),
}
# What turns a flag off when it is text or a number (ran 1.9.3).
_OFF = ("false", "0", "no", "off", "n", "f")


def unwritten(version: Version, name: str, beside: Mapping[str, Expr]) -> Verdict | None:
    """What becomes of the argument `name` of a crew that is given exactly `beside`; None where it is saved into, or
    where a value decides that is not known."""
    found = on(NEEDS.get(name, ()), version)
    if found is None or not all(_off(beside.get(other)) for other in found.value.beside):
        return None
    if found.value.off_is_meant and "memory" in beside:
        return None
    return Verdict("unwritten", found.value.sentence, found.evidence)


def _off(value: Expr | None) -> bool:
    """Whether an argument is surely not given, or given as nothing."""
    if value is None:
        return True
    return isinstance(value, Text) and (value.value is None or str(value.value).lower() in _OFF)
