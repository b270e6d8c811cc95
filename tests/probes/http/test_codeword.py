"""The codeword is recognised however an application writes it, and nowhere else."""

from __future__ import annotations

import re

import pytest

from crewmem_doctor.probes.http.codeword import contains, make


def test_no_two_are_alike_and_all_are_readable() -> None:
    made = {make() for _ in range(200)}
    assert len(made) > 195
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d{5}", word) for word in made)


@pytest.mark.parametrize("text", [
    "amber-falcon-48271", "Your codeword is **Amber-Falcon-48271**.", "AMBER FALCON 48 271", "amberFalcon48271!",
    "amber‑falcon‑48271", "amber–falcon–48,271", "`amber_falcon_48271`", "it was ａｍｂｅｒ-falcon-４８２７１"])
def test_it_is_recognised(text: str) -> None:
    assert contains(["something", text], "amber-falcon-48271")


@pytest.mark.parametrize("text", [
    "", "amber-falcon", "amber falcon 48272", "falcon-amber-48271", "What is my codeword? Answer with the codeword only.",
    "I have no codeword of yours."])
def test_nothing_else_is(text: str) -> None:
    assert not contains([text], "amber-falcon-48271")
