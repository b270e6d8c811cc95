"""The pipeline, as the design draws it: a tree in, one report out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from crewmem_doctor import policy
from crewmem_doctor.audit import audit, old
from crewmem_doctor.facts.backing_settings import with_settings
from crewmem_doctor.facts.comments import read_comments
from crewmem_doctor.facts.committed import committed_stores
from crewmem_doctor.facts.deployments import read_deployments
from crewmem_doctor.facts.link import link
from crewmem_doctor.facts.link.hints import hinted_variables, started_scripts
from crewmem_doctor.facts.python import read_code
from crewmem_doctor.facts.requirements import read_requirements
from crewmem_doctor.model.code import Code
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.release import Release
from crewmem_doctor.model.report import Probing, Report
from crewmem_doctor.settings import Settings
from crewmem_doctor.sources.discover import Tree, discover
from crewmem_doctor.survival import remembers


def examine(path: Path, settings: Settings | None = None, probing: Probing | None = None,
            overlay: Mapping[str, bytes] | None = None) -> Report:
    """Audit the tree at `path`. Reads files only: nothing is imported, run or written, and no socket is opened, except
    by `probing` where it is given.

    `overlay` holds bytes that files of the tree are read as if they had. Raises UsageError where there is no such
    directory, and for settings that name no rule.
    """
    settings = settings or Settings()
    policy.check(settings)
    project = read(path, settings, overlay)
    if probing is not None:
        project = replace(project, observations=probing(project))
    return audit(project, settings)


def read(path: Path, settings: Settings, overlay: Mapping[str, bytes] | None = None) -> Project:
    """The tree at `path` as the model. Raises UsageError where there is no such directory."""
    tree = discover(path, include_tests=settings.include_tests, exclude=settings.exclude, overlay=overlay)
    return read_project(tree, settings)


def read_project(tree: Tree, settings: Settings) -> Project:
    """files → facts → joins → the frozen model."""
    found, deployment_gaps = read_deployments(tree)
    services = tuple(with_settings(service, tree) for service in found)
    code = read_code(tree, started_scripts(services, tree.python))
    asked = read_requirements(tree, services, [memory.at.path for memory in code.memories], settings.crewai_version)
    several = len(asked.choice.homes) > 1 and settings.crewai_version is None
    above = functools.lru_cache(maxsize=None)(asked.choice.release_above) if several else None
    memories = numbered(code.memories, code.code, lambda path: (above(path) if above else None) or asked.release)
    runs, services = link(code.code, memories, services, tree.python, hinted_variables(tree))
    gaps = {*tree.gaps, *code.gaps, *deployment_gaps, *asked.gaps}
    return Project(
        release=asked.release, memories=memories, code=code.code, services=services, runs=runs,
        requirements=asked.requirements, dotenv=asked.dotenv, comments=tuple(read_comments(tree)),
        committed_stores=committed_stores(tree), asked=above,
        gaps=tuple(sorted(gaps)), files=len(tree.python) + len(tree.opened), excerpt=excerpts(tree))


def numbered(memories: tuple[Memory, ...], code: Code, release_of: Callable[[str], Release]) -> tuple[Memory, ...]:
    """In order of place; m1, m2 … for those that are on, old copies last. What is off on its release has no id."""
    on = {id(m): remembers(m, release_of(m.at.path)) for m in memories}
    ordered = sorted(memories, key=lambda m: (not on[id(m)], old(m, code), m.at, m.kind, m.callee))
    return tuple(replace(m, id=f"m{n}" if on[id(m)] else "") for n, m in enumerate(ordered, 1))


def excerpts(tree: Tree) -> Callable[[str, int], str]:
    """The text of a line of a scanned file, empty where there is none."""

    @functools.lru_cache(maxsize=64)
    def lines(path: str) -> list[str]:
        return (tree.text(path) or "").split("\n")

    def line_of(path: str, line: int) -> str:
        found = lines(path)
        return found[line - 1] if 0 < line <= len(found) else ""

    return line_of
