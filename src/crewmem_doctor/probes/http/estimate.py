"""How many workers do not share their memory, from how often the application recalled.

Each tell and each question goes to one of W workers at random, whatever went before; a question is answered from memory
by a worker that was told. Whichever W make the number of recalls neither too small nor too large at 95 % are in the
interval; with one tell that is the exact interval of Clopper and Pearson for 1/W.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from crewmem_doctor.model.record import dataclass

Event = Literal["told", "recalled", "missed"]
TAIL = 0.025        # of each side
MOST = 100          # more isolated workers than this are not told apart


@dataclass(frozen=True, slots=True)
class Estimate:
    """`likely` workers that do not share memory, between `low` and `high`. `high` is None beyond MOST."""

    likely: int
    low: int
    high: int | None

    def __str__(self) -> str:
        upper = f"{MOST} or more" if self.high is None else str(self.high)
        return f"about {self.likely} isolated workers ({self.low}–{upper})"


def estimate(events: Sequence[Event]) -> Estimate:
    """From what happened, in order. Takes at least one question that was recalled and one that was not."""
    recalled = sum(event == "recalled" for event in events)
    chances: dict[int, float] = {}
    for workers in range(2, MOST + 1):
        spread = recalls(events, workers)
        if sum(spread[:recalled + 1]) > TAIL and sum(spread[recalled:]) > TAIL:
            chances[workers] = spread[recalled]
        elif chances:
            break
    if not chances:
        return Estimate(2, 2, 2)        # more recalls than even two workers would make likely
    high = max(chances)
    return Estimate(max(chances, key=lambda workers: chances[workers]), min(chances), None if high == MOST else high)


def recalls(events: Sequence[Event], workers: int) -> list[float]:
    """The probability of each number of recalls, where tells and questions come in this order."""
    # By how many workers were told and how many questions were recalled.
    states: dict[tuple[int, int], float] = {(0, 0): 1.0}
    for event in events:
        after: dict[tuple[int, int], float] = {}
        for (told, found), chance in states.items():
            known = told / workers
            if event == "told":
                steps = ((told, found, known), (told + 1, found, 1 - known))
            else:
                steps = ((told, found + 1, known), (told, found, 1 - known))
            for new_told, new_found, share in steps:
                if share:
                    key = (new_told, new_found)
                    after[key] = after.get(key, 0.0) + chance * share
        states = after
    asked = sum(event != "told" for event in events)
    spread = [0.0] * (asked + 1)
    for (_, found), chance in states.items():
        spread[found] += chance
    return spread
