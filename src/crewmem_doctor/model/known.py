"""Three-valued answers: a value that was read, or the reason why it could not be."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar, Union

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass

T = TypeVar("T")
Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A value and where it was read. `confidence` drops to medium where a default stands in (`${VAR:-default}`)."""

    value: T
    at: Location | None = None
    confidence: Confidence = "high"


@dataclass(frozen=True, slots=True)
class Unknown:
    """No value. `why` is a phrase for the report, e.g. "${WORKERS} is set outside this tree"."""

    why: str
    at: Location | None = None


Answer = Union[Known[T], Unknown]
