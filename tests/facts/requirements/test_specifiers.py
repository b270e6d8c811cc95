"""Specifiers, with packaging as the judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from crewmem_doctor.facts.requirements.specifiers import matcher
from crewmem_doctor.releases.known import KNOWN

_NUMBER = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(lambda n: ".".join(map(str, n)))
_OPERATORS = ["==", "!=", "<=", ">=", "<", ">", "~=", "==="]
_CLAUSE = st.tuples(st.sampled_from(_OPERATORS), _NUMBER, st.sampled_from(["", "", ".*", "a1", ".post1", "rc2"]))


@given(st.lists(_CLAUSE.map("".join), max_size=3).map(",".join))
def test_packaging_agrees(specifier: str) -> None:
    test = matcher(specifier)
    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier:
        assert test is None
        return
    assert test is not None
    assert [v for v in KNOWN if test(v)] == [v for v in KNOWN if wanted.contains(str(v), prereleases=True)]


@pytest.mark.parametrize("specifier", ["nonsense", "=>1", "~=1", ">=1.*", "==", "1.0"])
def test_what_cannot_be_read(specifier: str) -> None:
    assert matcher(specifier) is None
