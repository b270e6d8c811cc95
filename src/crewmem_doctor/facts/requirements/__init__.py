"""Which packages the tree asks for, and so which CrewAI runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from crewmem_doctor.facts.requirements.choose import Choice
from crewmem_doctor.facts.requirements.entry import Entry
from crewmem_doctor.facts.requirements.locks import is_lock, read_lock
from crewmem_doctor.facts.requirements.others import is_conda, read_conda, read_images, read_setup_cfg
from crewmem_doctor.facts.requirements.pyproject import read_pipfile, read_pyproject
from crewmem_doctor.facts.requirements.settings import read_dotenv
from crewmem_doctor.facts.requirements.text import read_text
from crewmem_doctor.model.deployment import Service, Setting
from crewmem_doctor.model.project import Gap, Requirement
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.sources import toml
from crewmem_doctor.sources.discover import Tree

_TEXT = re.compile(
    r".*(?:require|constraint)[^/]*\.(?:txt|in|pip|lock)$|(?:.*/)?(?:requirements|reqs)/[^/]+\.(?:txt|in|pip)$")


@dataclass(frozen=True, slots=True)
class Asked:
    """`release` is that of the part of the tree where memories are; `choice.release_for(path)` gives any other's.
    `dotenv` is what the tree's own .env files set."""

    release: Release
    requirements: tuple[Requirement, ...] = ()
    dotenv: tuple[Setting, ...] = ()
    gaps: tuple[Gap, ...] = ()
    choice: Choice = field(default_factory=lambda: Choice(()), compare=False)


def read_requirements(tree: Tree, services: Iterable[Service] = (), memories: Iterable[str] = (),
                      override: Version | None = None) -> Asked:
    """Everything that asks for packages. `memories` are the paths of the modules that make memories, `override` the
    release that the user names instead of the tree."""
    entries: list[Entry] = []
    gaps: list[Gap] = []
    for path in tree.files:
        found, missed = _read(tree, path)
        entries += found
        gaps += missed
    if "setup.py" in {path.rpartition("/")[2] for path in tree.python}:
        for path in tree.python:
            if path.rpartition("/")[2] == "setup.py":
                entries += _setup_py(tree, path)
    entries += read_images(tree, services)
    choice = Choice(entries)
    if override is not None:
        release = Release((override,), f"=={override}", "--crewai-version", None, True)
    else:
        release = choice.common(list(memories) or tree.hits or [""])
        gaps += _unknown_origin(choice, release)
    requirements = dict.fromkeys(e.requirement for e in entries if not e.constraint)
    return Asked(release, tuple(requirements), read_dotenv(tree), tuple(gaps), choice)


def _read(tree: Tree, path: str) -> tuple[list[Entry], list[Gap]]:
    """The entries of one file. What cannot be parsed is a gap where it mentions crewai, and else of no interest."""
    entries, gaps = _parsed(tree, path)
    if gaps and b"crewai" not in (tree.read(path) or b"").lower():
        return entries, []
    return entries, gaps


def _parsed(tree: Tree, path: str) -> tuple[list[Entry], list[Gap]]:
    name = path.rpartition("/")[2].lower()
    if is_lock(name):
        text = tree.text(path)
        entries, gap = read_lock(text, path) if text is not None else ([], None)
        return entries, [gap] if gap else []
    if name in ("pyproject.toml", "pipfile"):
        return _toml(tree, path, name)
    if name == "setup.cfg":
        return read_setup_cfg(tree.text(path) or "", path), []
    if is_conda(name):
        return read_conda(tree, path)
    if _TEXT.match(path.lower()):
        return read_text(tree, path), []
    return [], []


def _toml(tree: Tree, path: str, name: str) -> tuple[list[Entry], list[Gap]]:
    text = tree.text(path)
    if text is None:
        return [], []
    document = toml.load(text, path)
    if isinstance(document, Gap):
        return [], [document]
    return (read_pyproject(document) if name == "pyproject.toml" else read_pipfile(document)), []


def _setup_py(tree: Tree, path: str) -> list[Entry]:
    """One that cannot be parsed is only worth a gap where it mentions crewai, which the reader of code reports."""
    from crewmem_doctor.facts.requirements.entry import parse_line
    from crewmem_doctor.sources.setup_call import requirements

    found, _ = requirements(tree.text(path) or "", path)
    home = path.rpartition("/")[0]
    entries = [parse_line(text, at, home) for text, at in found]
    return [entry for entry in entries if entry is not None]


def _unknown_origin(choice: Choice, release: Release) -> list[Gap]:
    """Where what is installed is no release of the index."""
    if release.at is None:
        return []
    return [
        Gap(e.at.path, e.at.line, "dynamic",
            f"crewai is installed from elsewhere ({e.specifier.removeprefix('@ ')}), so its release is not known")
        for e in choice.entries if e.rank == "unknown" and e.at == release.at
    ]
