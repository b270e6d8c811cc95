"""A thousand manifests cost little CPU. The bound is several times what is measured: only a real change trips it."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

GOAL = 1.5


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs wait4")
def test_a_thousand_manifests(repository: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("manifests", repository / "bench" / "manifests.py")
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    bench.build(tmp_path, 1000)
    assert min(bench.scan(tmp_path) for _ in range(2)) < 3 * GOAL
