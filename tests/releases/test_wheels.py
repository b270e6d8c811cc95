"""The data against the published packages, where CREWAI_WHEELS names a folder of unpacked releases (1.9.3/crewai/…)."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from crewmem_doctor.model.release import Version
from crewmem_doctor.releases import _api_data, imports
from crewmem_doctor.releases.spans import on

FOLDER = Path(os.environ.get("CREWAI_WHEELS", "nowhere"))
UNPACKED = sorted(
    (version, path)
    for path in FOLDER.glob("[0-9]*")
    if (version := Version.parse(path.name)) is not None and (path / "crewai/memory").is_dir()
)
pytestmark = pytest.mark.skipif(not UNPACKED, reason="no unpacked releases")
cases = pytest.mark.parametrize(("version", "path"), [pytest.param(v, p, id=str(v)) for v, p in UNPACKED])


@cases
def test_modules_of_memory_exist_as_the_table_says(version: Version, path: Path) -> None:
    for name in imports._SPANS:
        if not name.startswith("crewai.memory.") or not name.rsplit(".", 1)[-1].islower() or name.count(".") < 2:
            continue
        file = path.joinpath(*name.split("."))
        exists = file.with_suffix(".py").is_file() or (file / "__init__.py").is_file()
        exported = name.count(".") == 2 and name.rsplit(".", 1)[-1] in (
            "embed_text",
            "embed_texts",
            "compute_composite_score",
        )
        if not exported:
            assert exists == (on((imports._SPANS[name],), version) is not None), name


@cases
def test_classes_of_memory_are_exported_as_the_table_says(version: Version, path: Path) -> None:
    text = (path / "crewai/memory/__init__.py").read_text()
    for name in ("ShortTermMemory", "LongTermMemory", "EntityMemory", "ExternalMemory", "UserMemory", "MemoryScope"):
        known = on((imports._SPANS[f"crewai.memory.{name}"],), version) is not None
        assert (name in text) == known, name


@cases
def test_fields_of_crew_are_as_the_table_says(version: Version, path: Path) -> None:
    tree = ast.parse((path / "crewai/crew.py").read_text())
    crew = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Crew")
    fields = {
        node.target.id for node in crew.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    for name, shapes in _api_data.ARGUMENTS["Crew"].items():
        found = on(shapes["any"], version)
        assert (name in fields) == (found is not None and found.value.outcome == "ok"), name
