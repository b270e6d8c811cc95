"""CM601 and CM602: the tables of arguments and imports against the real CrewAI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from premise import MARKS, PYTHONS, Place, premise

import packages
import signatures as tool
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases import signatures as committed
from crewmem_doctor.releases._signatures import ARGUMENTS, OTHERS

CHILD = "signatures_child.py"
pytestmark = MARKS


@pytest.fixture(scope="module", params=PYTHONS or ["none"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What the installed package says of itself."""
    wanted = {name: (modules, tool.METHODS.get(name, ())) for name, modules in tool.CLASSES.items()}
    place = Place(request.param, tmp_path_factory.mktemp("signatures"), OPENAI_API_KEY="none")
    return place.run(CHILD, json.dumps(wanted))


def version_of(installed: Mapping[str, Any]) -> Version:
    found = Version.parse(str(installed["version"]))
    assert found is not None
    return found


@premise("CM601")
def test_what_the_tool_reads_is_what_the_package_takes(installed: Mapping[str, Any]) -> None:
    """CM601: names by inspect, and the fate of an argument that nobody has heard of by handing it over."""
    read = tool.Reading.of(packages.Package.of_folder(Path(installed["place"]), "crewai")).signatures
    assert set(read) == set(installed["said"])
    for owner, real in installed["said"].items():
        assert sorted(read[owner].names) == real["names"], f"CM601: {owner}"
        assert read[owner].rest == (real["rest"] or read[owner].rest), f"CM601: {owner}({'any other'}=)"


@premise("CM601")
def test_the_committed_table_says_the_same(installed: Mapping[str, Any]) -> None:
    """CM601."""
    version = version_of(installed)
    assert {owner for owner in OTHERS if committed.rest(version, owner) is not None} == set(installed["said"])
    for owner, real in installed["said"].items():
        known = {name for names in ARGUMENTS.get(owner, {}).values() for name in names.split()}
        taken = sorted(name for name in known if committed.takes(version, owner, name))
        assert taken == real["names"], f"CM601: {owner}: run tools/signatures.py write"


@premise("CM602")
def test_the_committed_imports_say_the_same(installed: Mapping[str, Any]) -> None:
    """CM602."""
    read = tool.Reading.of(packages.Package.of_folder(Path(installed["place"]), "crewai")).imports
    version = version_of(installed)
    table = {name for name in committed._imports() for spans in (committed.importable_in(name),) if committed.on(spans or (), version)}
    assert table == read, "CM602: run tools/signatures.py write"
