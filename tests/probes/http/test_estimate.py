"""The estimate is exact: it agrees with a simulation, and its interval misses the truth as seldom as it says."""

from __future__ import annotations

import math
import random

import pytest

from crewmem_doctor.probes.http.estimate import Event, estimate, recalls


def asked(hits: int, misses: int) -> list[Event]:
    return ["told", *["recalled"] * hits, *["missed"] * misses]     # type: ignore[list-item]


def test_with_one_tell_the_number_of_recalls_is_binomial() -> None:
    spread = recalls(asked(4, 4), 3)
    assert spread == pytest.approx([math.comb(8, k) * (1 / 3) ** k * (2 / 3) ** (8 - k) for k in range(9)])


def test_the_spread_is_what_happens_to_real_dice() -> None:
    events: list[Event] = ["told", "missed", "missed", "told", "told", "told", *["missed"] * 6]     # type: ignore[list-item]
    dice = random.Random(7)
    counts = [0] * 9
    for _ in range(20_000):
        told: set[int] = set()
        hits = 0
        for event in events:
            worker = dice.randrange(4)
            if event == "told":
                told.add(worker)
            else:
                hits += worker in told
        counts[hits] += 1
    assert [count / 20_000 for count in counts] == pytest.approx(recalls(events, 4), abs=0.012)


@pytest.mark.parametrize("workers", [2, 3, 4, 6, 8, 16])
@pytest.mark.parametrize("questions", [4, 8, 11])
def test_the_interval_holds_the_truth_in_95_of_100(workers: int, questions: int) -> None:
    spread = recalls(asked(questions, 0), workers)
    missed = 0.0
    for hits in range(1, questions):
        found = estimate(asked(hits, questions - hits))
        if not (found.low <= workers and (found.high is None or workers <= found.high)):
            missed += spread[hits]
    assert missed <= 0.05


def test_the_likely_number_is_near_questions_by_recalls() -> None:
    for hits in range(1, 10):
        assert abs(estimate(asked(hits, 12 - hits)).likely - max(12 / hits, 2)) <= 1


def test_in_words() -> None:
    assert str(estimate(asked(3, 5))) == "about 3 isolated workers (2–11)"
    assert str(estimate(asked(1, 11))) == "about 12 isolated workers (3–100 or more)"
    assert str(estimate(asked(11, 1))) == "about 2 isolated workers (2–2)"


def test_more_tells_reach_more_workers() -> None:
    once = estimate(asked(3, 5))
    four: list[Event] = ["told", "told", "told", *asked(3, 5)]      # type: ignore[list-item]
    assert estimate(four).likely > once.likely
