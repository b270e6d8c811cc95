"""Servers and replicas for the recipes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from servers import postgres_server, valkey_server  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup` the tests that share two replicas run in one worker, which starts them once."""
    for item in items:
        spec = getattr(item, "callspec", None)
        if spec is not None:
            item.add_marker(pytest.mark.xdist_group(spec.id))
