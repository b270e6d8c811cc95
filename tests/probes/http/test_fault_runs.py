"""Many faults, drawn by seed. More of them: CREWMEM_FAULT_RUNS=200, or bench/probe_faults_http.py."""

from __future__ import annotations

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from . import fault_runs

RUNS = int(os.environ.get("CREWMEM_FAULT_RUNS", "10"))


@pytest.mark.timeout(900)
def test_whatever_happens_on_the_way_nothing_is_found_or_told(valkey: str, tmp_path: Path) -> None:
    """Side by side, since they wait for most of the time."""
    with fault_runs.server(valkey) as server, ThreadPoolExecutor(5) as pool:
        done = list(pool.map(lambda seed: fault_runs.run(seed, server, tmp_path), range(RUNS)))
    assert not [one for one in done if one.wrong]
    assert any(one.errors for one in done)      # the faults were felt
    assert any(one.status == 0 for one in done)


@pytest.mark.parametrize("text", [f"x {fault_runs.TOKEN} x", fault_runs.TOKEN[3:14], f"Basic {fault_runs.BASIC[:12]}…", "ann:p4ss/f4ult-s…"])
def test_a_piece_of_a_secret_is_noticed(text: str) -> None:
    assert fault_runs.leaked(text, fault_runs.SECRETS)
    assert not fault_runs.leaked("Basic *** " + base64.b64encode(b"somebody else").decode(), fault_runs.SECRETS)
