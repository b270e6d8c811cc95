"""A premise that fails names the rules that rest on it, in the summary too."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "premise(*rules): shows what those rules rest on")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marker = item.get_closest_marker("premise")
    if marker is not None and report.failed:
        rules = f"{', '.join(marker.args)} rest on this" if len(marker.args) > 1 else f"{marker.args[0]} rests on this"
        report.sections.append(("premise", rules))
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None:
            crash.message = f"{rules}: {crash.message}"
    return report
