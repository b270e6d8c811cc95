"""The support that remedies share with recipes: servers, interpreters, and what rules print."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from printed import Printed, everything
from servers import postgres_server, valkey_server  # noqa: F401


@pytest.fixture(scope="session")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[Printed]:
    return everything(tmp_path_factory.mktemp("examples"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup` the tests that share replicas, or the list of what is printed, run in one worker."""
    for item in items:
        spec = getattr(item, "callspec", None)
        python = spec.params.get("python") if spec is not None else None
        item.add_marker(pytest.mark.xdist_group(f"remedies {python or ''}"))
