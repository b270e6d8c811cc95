"""shown.yaml is whole, and agrees with what the scan says. Needs no CrewAI."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from crewmem_doctor import examine
from crewmem_doctor.model.release import Version
from crewmem_doctor.settings import Settings

CLAIMS = Path(__file__).resolve().parents[2] / "fixtures" / "claims"
SAID = yaml.safe_load((CLAIMS / "releases.yaml").read_text(encoding="utf-8"))
SHOWN = yaml.safe_load((CLAIMS / "shown.yaml").read_text(encoding="utf-8"))
EVENTS = {"start", "request", "other-user", "worker", "replica", "restart", "redeploy"}
# A key that is new each time, a save that fails, an argument that is rejected: no place of the records helps there.
NEVER = {"CM402", "CM504", "CM601"}
CASES = [pytest.param(row, variant, release, id=f"{row}-{variant}-{release}")
         for row, variants in SAID.items() for variant, releases in variants.items() for release in releases]


@pytest.mark.parametrize(("row", "variant", "release"), CASES)
def test_every_variant_is_shown_on_every_release(row: str, variant: str, release: str) -> None:
    events = SHOWN[row][variant][release]
    assert events
    assert set(events) <= EVENTS


def test_nothing_is_shown_that_the_scan_does_not_judge() -> None:
    assert {row: {variant: set(releases) for variant, releases in variants.items()} for row, variants in SHOWN.items()} == {
        row: {variant: set(releases) for variant, releases in variants.items()} for row, variants in SAID.items()}


@pytest.mark.parametrize(("row", "variant", "release"), CASES)
def test_an_import_that_fails_is_said_and_nothing_else_is(row: str, variant: str, release: str) -> None:
    """CM602 exactly where the real release cannot import what the application asks for."""
    fails = SHOWN[row][variant][release].get("start") == "ImportError"
    assert ("CM602" in SAID[row][variant][release]) == fails


@pytest.mark.parametrize(("row", "variant", "release"), CASES)
def test_what_is_lost_is_said_and_what_is_silent_is_kept(row: str, variant: str, release: str) -> None:
    events = SHOWN[row][variant][release]
    bad = any(word not in ("kept", "not told") for word in events.values())
    if not SAID[row][variant][release]:
        assert not bad, "a silent scan of an application that forgets"
    elif variant.startswith("works"):
        assert "start" in events


@pytest.mark.parametrize(("row", "variant", "release"), CASES)
def test_the_table_of_survival_says_what_was_seen(row: str, variant: str, release: str) -> None:
    """Cell by cell: what is lost was foretold there, or a rule says that it is never found again or never written."""
    report = examine(CLAIMS / row / variant, Settings(crewai_version=Version.parse(release)))
    never = NEVER & set(SAID[row][variant][release])
    for event, seen in SHOWN[row][variant][release].items():
        cells = {said.outcomes[event].word for said in report.rows if event in said.outcomes} - {"n/a", "unknown"}
        for word in seen.split(", ") if cells else ():
            if word == "kept":
                assert cells & {"kept", "stale"}, f"{event}: {cells}"
            else:
                assert never or cells & {"lost", "stale"}, f"{event}: {cells}"
        assert seen != "kept" or "lost" not in cells, f"{event}: {cells}"
