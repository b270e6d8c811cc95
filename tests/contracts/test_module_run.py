"""`python -m crewmem_doctor` inside a tree never imports that tree's modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_scanned_module_never_stands_in_for_a_library(tmp_path: Path) -> None:
    for name in ("yaml", "typer", "packaging", "tomllib"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported the scanned tree')\n", encoding="utf-8")
    (tmp_path / "app.py").write_text("from crewai import Crew\ncrew = Crew(memory=True)\n", encoding="utf-8")
    (tmp_path / "compose.yaml").write_text("services:\n  api:\n    image: python:3.12\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "crewmem_doctor", "scan", ".", "-f", "concise"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert "imported the scanned tree" not in done.stdout + done.stderr
