from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.dotenv import parse


def values(text: str) -> dict[str, str | None]:
    return {v.name: v.value for v in parse(text, ".env")}


@pytest.mark.parametrize(("text", "value"), [
    ("A=1", "1"), ("A = 1 ", "1"), ("export A=1", "1"), ("A=", ""), ("A=x # note", "x"), ("A=x#y", "x#y"),
    ("A=# note", ""),
    ('A="x y" # z', "x y"), ("A='$B'", "$B"), ('A="a\\nb"', "a\nb"), ("A: yes", "yes"),
    ("A=a=b", "a=b"), ("A=it's", "it's"),
    ('A="un', '"un'), ("A='a\\'b'", "a'b"), ('A="{\\"k\\": 1}"', '{"k": 1}'), ("A=`x`", "`x`"),
    ("A", None), ("A # x", None),
])
def test_values(text: str, value: str | None):
    assert values(text) == {"A": value}


def test_files():
    text = "\ufeff# settings\r\nA=1\r\n\r\nnot an assignment\r\nexport B=\"two\r\nlines\"\r\nC=3\n"
    found = parse(text, "a/.env")
    assert [(v.name, v.value) for v in found] == [("A", "1"), ("B", "two\nlines"), ("C", "3")]
    assert found[0].at == Location("a/.env", 2, 1, 2, 4)
    assert found[1].at == Location("a/.env", 5, 8, 6, 7)
    assert found[2].at.line == 7


def test_what_expands():
    assert [v.expands for v in parse("A=$X\nB=\"$X\"\nC='$X'\nD", ".env")] == [True, True, False, False]


def test_the_same_name_twice_stays_visible():
    assert [v.value for v in parse("A=1\nA=2", ".env")] == ["1", "2"]


@given(st.one_of(st.text(max_size=60), st.text(st.sampled_from("AB=:'\"\\\n\r #$export\t"), max_size=40)))
@settings(max_examples=400, deadline=None)
def test_no_text_raises(text: str):
    for variable in parse(text, ".env"):
        assert variable.name
        assert 1 <= variable.at.line <= text.count("\n") + text.count("\r") + 1


def test_many_open_quotes_take_no_time():
    assert len(parse("A='x\n" * 20_001, ".env")) >= 1
