"""Finding the interpreter of the project, without installing or synchronising anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from crewmem_doctor.errors import UsageError
from crewmem_doctor.probes.crewai.interpreter import find
from crewmem_doctor.probes.session import Blind, Session
from crewmem_doctor.probes.target import parse
from crewmem_doctor.settings import Settings


def environment(folder: Path) -> Path:
    python = folder / "bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return python


def found(root: Path, python: str = "", **environ: str) -> tuple[str, str]:
    session = Session(parse("crewai", {}), Settings(python=python), environ, root)
    interpreter = find(session)
    return interpreter.path, interpreter.how


def tool(folder: Path, name: str, answer: Path) -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho 'a warning first'\necho {answer}\necho \"$@\" > {folder / 'words'}\n")
    (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_what_is_named_comes_first(tmp_path: Path) -> None:
    environment(tmp_path / ".venv")
    named = environment(tmp_path / "other")
    assert found(tmp_path, str(named)) == (str(named), "--python")
    assert found(tmp_path, str(tmp_path / "other")) == (str(named), "--python")
    with pytest.raises(UsageError, match="no such program"):
        found(tmp_path, str(tmp_path / "nothing"))


def test_the_tree_before_the_environment(tmp_path: Path) -> None:
    active = environment(tmp_path / "active")
    assert found(tmp_path, VIRTUAL_ENV=str(tmp_path / "active")) == (str(active), "VIRTUAL_ENV")
    mine = environment(tmp_path / "venv")
    assert found(tmp_path, VIRTUAL_ENV=str(tmp_path / "active")) == (str(mine), "venv")
    first = environment(tmp_path / ".venv")
    assert found(tmp_path) == (str(first), ".venv")


@pytest.mark.parametrize(("name", "file", "words"), [("poetry", "poetry.lock", "env info -p"), ("pipenv", "Pipfile", "--venv")])
def test_tools_are_asked_where_their_file_is(tmp_path: Path, name: str, file: str, words: str) -> None:
    python = environment(tmp_path / "cache/abc")
    path = tool(tmp_path / "tools", name, tmp_path / "cache/abc")
    root = tmp_path / "app"
    root.mkdir()
    with pytest.raises(Blind):
        found(root, PATH=path)
    (root / file).touch()
    assert found(root, PATH=path) == (str(python), name)
    assert (tmp_path / "tools/words").read_text().strip() == words


def test_conda_and_a_workspace_above(tmp_path: Path) -> None:
    python = environment(tmp_path / "envs/desk")
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda/environments.txt").write_text(f"{tmp_path}/envs/other\n{tmp_path}/envs/desk\n")
    root = tmp_path / "repo/services/desk"
    root.mkdir(parents=True)
    (root / "environment.yml").write_text("name: desk\ndependencies: []\n")
    assert found(root, HOME=str(tmp_path)) == (str(python), "conda")
    (root / "environment.yml").unlink()
    (tmp_path / "repo/uv.lock").touch()
    above = environment(tmp_path / "repo/.venv")
    assert found(root, HOME=str(tmp_path)) == (str(above), "the uv workspace above")


def test_where_there_is_none_it_says_what_was_tried(tmp_path: Path) -> None:
    (tmp_path / "poetry.lock").touch()
    with pytest.raises(Blind, match=r"looked for \.venv, venv, poetry") as told:
        found(tmp_path, PATH=str(tmp_path))
    assert "--python" in told.value.remedy
