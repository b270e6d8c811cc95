"""The rows of the article's claims whose broken form an edit of a deployment file repairs, through the installed command;
and what it says where none can."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
REPAIRED = ["ephemeral-disk/broken", "ephemeral-disk/broken-tmp", "ephemeral-disk/broken-tmpfs", "pods/broken", "prevent-1/broken",
            "silent-store/broken", "silent-store/broken-embedder"]
# What no file can give, with the words that a person needs.
BY_HAND = {
    "claims/scale-out/broken": "docs/recipes/postgres_storage.py",
    "deployments/procfile/broken": "docs/recipes/postgres_storage.py",
    "deployments/vercel/broken": "docs/recipes/postgres_storage.py",
    "deployments/sam/broken": "docs/recipes/postgres_storage.py",
    "deployments/cloudrun/broken": "docs/recipes/postgres_storage.py",
    "deployments/ecs/broken": "docs/recipes/postgres_storage.py",
    "deployments/railway/broken": "CREWAI_STORAGE_DIR=/data",
    "deployments/dockerfile-only/broken": "docker run -e CREWAI_STORAGE_DIR=/data -v crew-memory:/data",
    "deployments/helm/broken": "is a template",
}


@pytest.mark.parametrize("row", REPAIRED)
def test_a_repaired_tree_scans_clean(row: str, tmp_path: Path, doctor: Callable[..., Any]) -> None:
    root = tmp_path / "tree"
    shutil.copytree(FIXTURES / "claims" / row, root)
    assert doctor("scan", root, "-q").status == 1
    assert doctor("fix", root, "--apply", "--unsafe", "-q").status == 0
    after = doctor("scan", root, "--format", "json")
    assert after.status == 0
    assert [f for f in after.report["findings"] if f["severity"] != "note"] == []
    assert doctor("fix", root, "--apply", "--unsafe", "-q").status == 0


@pytest.mark.parametrize("folder", sorted(BY_HAND))
def test_what_no_file_can_give_is_said(folder: str, tmp_path: Path, doctor: Callable[..., Any]) -> None:
    root = tmp_path / "tree"
    shutil.copytree(FIXTURES / folder, root)
    shown = doctor("fix", root)
    assert shown.status == 1
    words = " ".join(line.removeprefix("#").strip() for line in shown.text.splitlines() if line.startswith("#"))
    assert f"{BY_HAND[folder]}" in words
    assert "not made, since" in words
    assert all(len(line) <= 80 for line in shown.text.splitlines() if line.startswith("# ") and " · " not in line and "    " not in line)
