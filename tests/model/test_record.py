"""The quick decorator makes classes that behave as the standard one's."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    path: str
    line: int = 1
    words: list[str] = dataclasses.field(default_factory=list, compare=False)

    def __post_init__(self) -> None:
        if self.line < 1:
            raise ValueError("lines start at 1")


@dataclass(frozen=True, slots=True)
class Named(Place):
    name: str = ""


@dataclass(order=True)
class Ordinary:
    number: int


def test_defaults_positions_and_names() -> None:
    place = Place("a.py", words=["x"])
    assert (place.path, place.line, place.words) == ("a.py", 1, ["x"])
    assert Place("a.py").words is not Place("a.py").words
    assert Named("a.py", 2, name="b") == Named("a.py", 2, [], "b")
    with pytest.raises(TypeError):
        Place()  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="start at 1"):
        Place("a.py", 0)


def test_compared_by_the_fields_that_count() -> None:
    assert Place("a.py", 1, ["x"]) == Place("a.py", 1, ["y"])
    assert len({Place("a.py", 1, ["x"]), Place("a.py"), Place("b.py")}) == 2
    assert Place("a.py") != Named("a.py")
    assert Place("a.py") != "a.py"


def test_frozen_and_without_a_dict() -> None:
    place = Place("a.py")
    with pytest.raises(dataclasses.FrozenInstanceError):
        place.line = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del place.line
    assert not hasattr(place, "__dict__")


def test_shown_replaced_and_copied() -> None:
    place = Named("a.py", 3, name="b")
    assert repr(place) == "Named(path='a.py', line=3, words=[], name='b')"
    assert dataclasses.replace(place, line=4) == Named("a.py", 4, name="b")
    assert copy.deepcopy(place) == pickle.loads(pickle.dumps(place)) == place


def test_other_classes_are_the_standard_ones() -> None:
    assert Ordinary(1) < Ordinary(2)
    changed = Ordinary(1)
    changed.number = 3
    assert changed.number == 3
