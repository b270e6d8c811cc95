"""The interpreter that the target project runs in. Nothing is installed, made or synchronised to find it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from crewmem_doctor.errors import UsageError
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.probes.session import Blind, Session

_PYTHONS = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
_FOLDERS = (".venv", "venv", "env", ".env", ".conda", ".pixi/envs/default", "__pypackages__")
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Interpreter:
    """`how` says where it comes from: "--python", ".venv of the project", "VIRTUAL_ENV"."""

    path: str
    how: str


PASS = "Pass --python PATH, the Python that runs the application"


def find(session: Session) -> Interpreter:
    """The first there is of --python, an environment in the tree, VIRTUAL_ENV, uv's, poetry's, pipenv's and conda's.

    Raises UsageError for a --python that is no program, Blind where there is none at all.
    """
    if session.settings.python:
        return _named(session.settings.python, session.environ)
    tried = []
    for how, folder in _environments(session.root, session.environ):
        found = _python_in(folder) if folder else ""
        if found:
            return Interpreter(found, how)
        tried.append(how)
    raise Blind(f"no interpreter of the project was found (looked for {', '.join(tried)})", PASS)


def _named(word: str, environ: Mapping[str, str]) -> Interpreter:
    path = Path(word).expanduser()
    found = _python_in(path) if path.is_dir() else shutil.which(str(path), path=environ.get("PATH"))
    if not found:
        raise UsageError(f"--python {word}: there is no such program")
    return Interpreter(os.path.abspath(found), "--python")      # not resolved: a venv is known by its link


def _environments(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, Path | None]]:
    """Candidates with a name, cheapest first. A tool is asked only where its file lies in the tree."""
    for folder in _FOLDERS:
        if folder in (".venv", "venv") or (root / folder).is_dir():
            yield folder, root / folder
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "CONDA_PREFIX"):
        if environ.get(name):
            yield name, root / environ[name]
    if (root / "poetry.lock").exists() or _mentions(root / "pyproject.toml", "[tool.poetry"):
        yield "poetry", _asked(("poetry", "env", "info", "-p"), root, environ)
    if (root / "Pipfile").exists():
        yield "pipenv", _asked(("pipenv", "--venv"), root, environ)
    if (root / "environment.yml").exists() or (root / "environment.yaml").exists():
        yield "conda", _conda(root, environ)
    # A monorepo keeps one environment above its members.
    for parent in [root.resolve(), *root.resolve().parents][1:4]:
        if (parent / "uv.lock").exists() and (parent / ".venv").is_dir():
            yield "the uv workspace above", parent / ".venv"


def _python_in(folder: Path) -> str:
    for name in _PYTHONS:
        if (folder / name).exists():
            return os.path.abspath(folder / name)
    return ""


def _mentions(file: Path, words: str) -> bool:
    try:
        return words in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _asked(command: Sequence[str], root: Path, environ: Mapping[str, str]) -> Path | None:
    """What a tool that manages environments prints as the place of this project's."""
    program = shutil.which(command[0], path=environ.get("PATH"))
    if program is None:
        return None
    try:
        done = subprocess.run([program, *command[1:]], cwd=root, env=dict(environ), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    return Path(lines[-1]) if done.returncode == 0 and lines else None


def _conda(root: Path, environ: Mapping[str, str]) -> Path | None:
    """The environment that environment.yml names, among those that conda knows (~/.conda/environments.txt)."""
    named = ""
    for file in ("environment.yml", "environment.yaml"):
        if (root / file).exists():
            lines = (root / file).read_text(encoding="utf-8", errors="replace").splitlines()
            named = next((line.partition(":")[2].strip(" '\"") for line in lines if line.startswith("name:")), "")
    try:
        known = Path(environ.get("HOME", "~")).expanduser() / ".conda/environments.txt"
        places = [Path(line) for line in known.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError:
        return None
    return next((place for place in places if named and place.name == named), None)


