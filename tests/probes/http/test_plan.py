"""The order of tells and questions is the best that twelve requests allow, and what the documentation says of it is so."""

from __future__ import annotations

import pytest

from crewmem_doctor.probes.http.estimate import Event, recalls
from crewmem_doctor.probes.http.plan import BURST, RETELLS

ALLOWED = 12


def nothing(retells: int, workers: int) -> float:
    """How likely all questions of a run miss, with so many tells after the second that missed."""
    events: list[Event] = ["told", "missed", "missed", *["told"] * retells, *["missed"] * (ALLOWED - 3 - retells)]  # type: ignore[list-item]
    return recalls(events, workers)[0]


@pytest.mark.parametrize("workers", [2, 3, 4, 8, 16])
def test_no_other_number_of_tells_meets_those_that_were_told_more_surely(workers: int) -> None:
    assert nothing(RETELLS, workers) <= min(nothing(retells, workers) for retells in range(ALLOWED - 3)) + 1e-12


def test_the_questions_after_the_tells_fit_into_what_is_allowed() -> None:
    assert ALLOWED - 3 - RETELLS == BURST + 1


@pytest.mark.parametrize(("workers", "percent"), [(2, 0.05), (4, 0.4), (8, 3.7), (16, 18)])
def test_how_seldom_isolated_workers_are_taken_for_an_application_that_forgets(workers: int, percent: float) -> None:
    assert nothing(RETELLS, workers) * 100 == pytest.approx(percent, rel=0.05)
