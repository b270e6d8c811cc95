"""Words that name rules."""

from __future__ import annotations

import pytest

from crewmem_doctor import policy
from crewmem_doctor.errors import ConfigurationError, UsageError
from crewmem_doctor.model.location import Location
from crewmem_doctor.settings import Ignore, Settings


def ids(**words: tuple[str, ...]) -> set[str]:
    return {rule.id for rule in policy.chosen(Settings(**words))}  # type: ignore[arg-type]


def test_all_by_default() -> None:
    assert {"CM001", "CM003", "CM201"} <= ids()


@pytest.mark.parametrize("word", ["CM201", "cm201", "no-volume", "no_volume", "No-Volume"])
def test_one(word: str) -> None:
    assert ids(select=(word,)) == {"CM201"}
    assert ids() - ids(ignore=(word,)) == {"CM201"}


@pytest.mark.parametrize("word", ["CM2", "cm2", "CM2xx"])
def test_group(word: str) -> None:
    assert ids(select=(word,)) == {rule for rule in ids() if rule.startswith("CM2")}


def test_ignore_wins() -> None:
    assert ids(select=("CM2",), ignore=("CM201",)) == ids(select=("CM2",)) - {"CM201"}


def test_the_group_of_what_was_seen_live() -> None:
    assert ids(select=("CM9",)) == {f"CM90{n}" for n in range(1, 8)}


@pytest.mark.parametrize(("word", "hint"), [("no-volum", "no-volume"), ("CM999", "CM999"), ("CM7", "CM7"), ("", "''")])
def test_unknown(word: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        policy.check(Settings(select=(word,)))


def test_unknown_in_the_configuration() -> None:
    ignore = Ignore("no-volum", "*", "x", Location("pyproject.toml", 4))
    with pytest.raises(ConfigurationError, match=r"pyproject.toml:4: .*no-volume"):
        policy.check(Settings(ignores=(ignore,)))
