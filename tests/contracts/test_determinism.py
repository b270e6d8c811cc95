"""The same tree gives the same bytes: twice in a row, in whatever order the files were made, under any hash seed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FORMATS = ("json", "concise", "rich")
TREE = "fixtures/deployments/api-and-worker/broken"


@pytest.mark.parametrize("form", FORMATS)
def test_two_runs_agree(form: str, doctor: Callable[..., Any], repository: Path) -> None:
    first, second = (doctor("scan", repository / TREE, "--format", form, env={"PYTHONHASHSEED": seed})
                     for seed in ("1", "4242"))
    assert first.status == second.status == 1
    assert first.out == second.out


def test_file_order_does_not_matter(doctor: Callable[..., Any], repository: Path, tmp_path: Path) -> None:
    """Copies whose directory entries were created in opposite orders."""
    source = repository / TREE
    files = sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())
    outputs = []
    for number, order in enumerate((files, files[::-1])):
        root = tmp_path / str(number) / "project"
        for name in order:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, root / name)
        sarif = doctor("scan", root, "--format", f"sarif={tmp_path / 'report.sarif'}", "--format", "json")
        outputs.append((sarif.out, (tmp_path / "report.sarif").read_bytes()))
    assert outputs[0] == outputs[1]
    assert os.fsencode(tmp_path) not in b"".join(outputs[0])


def test_the_place_of_the_tree_does_not_matter(doctor: Callable[..., Any], repository: Path, tmp_path: Path) -> None:
    """Neither an absolute path nor the current directory reaches the report."""
    copy = tmp_path / "elsewhere"
    shutil.copytree(repository / TREE, copy)
    outside = doctor("scan", copy, "--format", "json")
    inside = doctor("scan", ".", "--format", "json", cwd=copy)
    assert outside.out == inside.out
    assert os.fsencode(tmp_path) not in outside.out


def test_nothing_is_written_into_the_tree(doctor: Callable[..., Any], repository: Path, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    shutil.copytree(repository / TREE, copy)

    def state() -> list[tuple[str, float, int]]:
        return sorted((str(p), p.stat().st_mtime, p.stat().st_size) for p in copy.rglob("*"))

    before = state()
    doctor("scan", ".", cwd=copy)
    assert state() == before
