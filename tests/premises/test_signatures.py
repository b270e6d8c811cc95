"""CM601 and CM602: the tables of arguments and imports against the real CrewAI. Interpreters as in `test_rules.py`."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from proof import premise

import packages
import signatures as tool
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases import signatures as committed
from crewmem_doctor.releases._signatures import ARGUMENTS, OTHERS

CHILD = Path(__file__).with_name("signatures_child.py")
OWN = [sys.executable] if importlib.util.find_spec("crewai") else []
PYTHONS = [p for p in os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep) if p] or OWN
pytestmark = [
    pytest.mark.crewai,
    pytest.mark.skipif(not PYTHONS, reason="CrewAI is not installed"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module", params=PYTHONS or ["none"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What the installed package says of itself."""
    home = tmp_path_factory.mktemp("home")
    wanted = {name: (modules, tool.METHODS.get(name, ())) for name, modules in tool.CLASSES.items()}
    keep = {k: os.environ[k] for k in ("PATH", "LANG", "LD_LIBRARY_PATH") if k in os.environ}
    done = subprocess.run(
        [request.param, str(CHILD), json.dumps(wanted)], cwd=home, env={**keep, "HOME": str(home), "OPENAI_API_KEY": "none"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr[-2000:]
    result: Mapping[str, Any] = json.loads(lines[-1])
    return result


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
