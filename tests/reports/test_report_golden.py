"""Whole reports, compared with files under golden/. `CREWMEM_UPDATE_GOLDEN=1 pytest tests/reports` writes them anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import report_samples as samples

from crewmem_doctor.model.report import Report
from crewmem_doctor.reports import concise, document, json, rich, sarif

GOLDEN = Path(__file__).parent / "golden"
WRITERS: dict[str, Callable[[Report], str]] = {
    "80.txt": lambda report: rich.render(report, rich.Look(80)),
    "120.txt": lambda report: rich.render(report, rich.Look(120)),
    "color.txt": lambda report: rich.render(report, rich.Look(80, color=True)),
    "pipe.txt": lambda report: rich.render(report, rich.Look()),
    "verbose.txt": lambda report: rich.render(report, rich.Look(100, verbose=True)),
    "quiet.txt": lambda report: rich.render(report, rich.Look(80, quiet=True)),
    "concise.txt": concise.render,
    "json": lambda report: json.render(report, "0.0.0"),
    "sarif-results.json": lambda report: document.text(sarif.run(report, "0.0.0")["results"]),
}
CASES = [("FULL", writer) for writer in WRITERS] + [
    (name, "80.txt") for name in ("NOTHING", "NO_MEMORY", "KEPT", "UNDEPLOYED", "BLIND", "ACCEPTED_ONLY")]


@pytest.mark.parametrize(("name", "writer"), CASES)
def test_report(name: str, writer: str) -> None:
    text = WRITERS[writer](getattr(samples, name))
    path = GOLDEN / f"{name.lower()}.{writer}"
    if os.environ.get("CREWMEM_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_bytes().decode("utf-8")
