"""File systems that are not to be had here, as the facts of a look."""

from __future__ import annotations

from typing import Any

import pytest

from crewmem_doctor.probes import mounts
from crewmem_doctor.probes.session import Verdict
from crewmem_doctor.probes.sqlite import place

from ..test_mounts import COMPOSEFS, DOCKER, HOST, POD


def facts(text: str, path: str, contained: bool, journal: str = "wal") -> dict[str, Any]:
    mount = mounts.holding(path, mounts.parse(text))
    assert mount is not None
    return {"real": path, "journal": journal, "folder": {"kind": "directory"}, "mount": {
        "kind": mount.kind, "described": mount.described, "read_only": mount.read_only, "contained": contained,
        "doubtful": mounts.doubtful(mount, contained), "fleeting": mounts.fleeting(mount, contained)}}


@pytest.mark.parametrize(("text", "path", "contained", "outcome"), [
    (DOCKER, "/app/memory.db", True, "fail"), (DOCKER, "/data/memory.db", True, "pass"), (DOCKER, "/cache/memory.db", True, "fail"),
    (POD, "/scratch/memory.db", True, "fail"), (POD, "/data/memory.db", True, "pass"), (POD, "/shared/memory.db", True, "pass"),
    (HOST, "/root/memory.db", False, "pass"), (HOST, "/root/memory.db", True, "skip"), (HOST, "/tmp/memory.db", False, "fail"), (COMPOSEFS, "/opt/memory.db", False, "skip"),
    ("9 1 0:3 / / rw - fuse.something x rw", "/x.db", False, "skip"),
])
def test_whether_a_file_system_keeps_a_database(text: str, path: str, contained: bool, outcome: str) -> None:
    check = Verdict()
    place.filesystem(facts(text, path, contained), check)
    assert check.outcome == outcome, check
    assert bool(check.remedy) is (outcome == "fail")
    assert ("volumes:" in check.snippet) is (outcome == "fail" and contained)


@pytest.mark.parametrize(("path", "journal", "outcome"), [
    ("/shared/memory.db", "wal", "fail"), ("/shared/memory.db", "rollback", "pass"), ("/data/memory.db", "wal", "pass"),
    ("/data/memory.db", "", "skip"),
])
def test_a_write_ahead_log_needs_one_machine(path: str, journal: str, outcome: str) -> None:
    check = Verdict()
    place.journal_mode(facts(POD, path, True, journal), check)
    assert check.outcome == outcome
    assert ("PRAGMA journal_mode" in check.snippet) is (outcome == "fail")


def test_nothing_is_said_where_nothing_is_known() -> None:
    check = Verdict()
    place.filesystem({"real": "/x.db", "folder": {"kind": "directory"}}, check)
    assert check.outcome == "skip"
