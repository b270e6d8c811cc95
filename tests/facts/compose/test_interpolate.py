from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor.facts.compose.interpolate import fill, number_of, truth_of
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Scalar

VARIABLES = {"A": Known("1"), "EMPTY": Known(""), "U": Unknown("elsewhere")}
HERE = Location("c.yml", 1)


@pytest.mark.parametrize(("text", "value"), [
    ("plain", "plain"), ("$A", "1"), ("${A}", "1"), ("x${A}y$A", "x1y1"), ("$$A $${A}", "$A ${A}"), ("${A:-d}", "1"),
    ("${A:?must}", "1"), ("${A:+yes}", "yes"), ("${EMPTY}", ""), ("${EMPTY-d}", ""), ("$1 $ 5%", "$1 $ 5%"),
    ("${unclosed", "${unclosed"), ("${EMPTY+set}", "set"),
])
def test_what_the_tree_decides(text: str, value: str):
    assert fill(text, VARIABLES).answer(HERE) == Known(value, HERE)


@pytest.mark.parametrize(("text", "value"), [
    ("${B:-d}", "d"), ("${B-d}", "d"), ("${B:-}", ""), ("${EMPTY:-d}", "d"), ("${B:-${C:-e}/x}", "e/x"),
    ("${B:-$A}", "1"),
    ("http://${B:-h}:${C:-80}/", "http://h:80/"), ("${B:-{}}", "{}"),
])
def test_defaults_are_of_medium_confidence(text: str, value: str):
    assert fill(text, VARIABLES).answer(HERE) == Known(value, HERE, "medium")


@pytest.mark.parametrize("text",
    ["$B", "${B}", "${B:?must}", "${B?must}", "${B:+x}", "${U:-d}", "${B:-${C}}", "a${B}b${A}"])
def test_what_only_the_shell_knows(text: str):
    answer = fill(text, VARIABLES).answer(HERE)
    assert isinstance(answer, Unknown)
    assert "is set outside this tree" in answer.why


def test_what_is_missing_stays_in_the_text():
    assert fill("${B}/x/$A", VARIABLES).text == "${B}/x/1"


@pytest.mark.parametrize(("text", "value"),
    [("2", 2), ("${N:-3}", 3), (" 4 ", 4), ("two", None), ("${N}", None), ("-1", None)])
def test_numbers(text: str, value: int | None):
    answer = number_of(Scalar(text, "str", HERE), {})
    assert (answer.value if isinstance(answer, Known) else None) == value


@pytest.mark.parametrize(("text", "value"),
    [("true", True), ("no", False), ("${X:-true}", True), ("maybe", None), ("$X", None)])
def test_booleans(text: str, value: bool | None):
    answer = truth_of(Scalar(text, "str", HERE, quoted=True), {})
    assert (answer.value if isinstance(answer, Known) else None) == value


@given(st.one_of(st.text(max_size=60), st.text(st.sampled_from("${}:-?+AB_ x"), max_size=60)))
@settings(max_examples=400, deadline=None)
def test_no_text_raises(text: str):
    fill(text, VARIABLES)


def test_hostile_nesting_takes_no_time():
    started = time.process_time()
    for text in ("${A:-" * 100_000, "${B:-" * 5_000 + "}" * 5_000, "${" * 100_000 + "}"):
        fill(text, {})
    assert time.process_time() - started < 2
