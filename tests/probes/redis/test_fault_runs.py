"""Many faults, drawn by seed. More of them: CREWMEM_FAULT_RUNS=200, or bench/probe_faults.py, which also sends signals."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import fault_runs
from .conftest import FLAVOURS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Server

RUNS = int(os.environ.get("CREWMEM_FAULT_RUNS", "24"))
BATCHES = 4


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.timeout(600)
def test_whatever_the_network_does(serve: Callable[..., Server], tmp_path: Path, batch: int) -> None:
    """Each run has a server of its own, so that what is left is its own."""
    password = "f4ult-s3cret"

    def run(seed: int) -> fault_runs.Run:
        server = serve(FLAVOURS[seed % 2], "--save", "", "--appendonly", "yes")
        with server.client() as client:
            client.execute_command(f"ACL SETUSER app on >{password} ~* +@all")
        try:
            return fault_runs.run(seed, server, password, tmp_path)
        finally:
            server.stop()

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(run, range(batch, RUNS, BATCHES)))
    assert not [one for one in done if one.wrong]
    assert any(one.errors for one in done)      # the faults were felt
