"""The pipeline, as the design draws it: a tree in, one report out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from crewmem_doctor import policy
from crewmem_doctor.facts.backing_settings import with_settings
from crewmem_doctor.facts.comments import read_comments
from crewmem_doctor.facts.committed import committed_stores
from crewmem_doctor.facts.deployments import read_deployments
from crewmem_doctor.facts.link import link
from crewmem_doctor.facts.link.hints import hinted_variables, started_scripts
from crewmem_doctor.facts.python import read_code
from crewmem_doctor.facts.requirements import read_requirements
from crewmem_doctor.model.code import Code
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.parts import parts
from crewmem_doctor.model.project import Gap, Project
from crewmem_doctor.model.release import Release
from crewmem_doctor.model.report import Report, Row
from crewmem_doctor.placement import described, place
from crewmem_doctor.settings import Settings
from crewmem_doctor.sources.discover import Tree, discover
from crewmem_doctor.survival import remembers, survival


def examine(path: Path, settings: Settings | None = None) -> Report:
    """Audit the tree at `path`. Reads files only: nothing is imported, run or written, and no socket is opened.

    Raises UsageError where there is no such directory, and for settings that name no rule.
    """
    settings = settings or Settings()
    policy.check(settings)
    tree = discover(path, include_tests=settings.include_tests, exclude=settings.exclude)
    project = read_project(tree, settings)
    findings, crashes = run_rules(project, settings)
    kept, suppressed = policy.apply(findings, project, settings)
    gaps = tuple(sorted({*project.gaps, *crashes}))
    rows = survival_table(project)
    ran = {id(run.memory) for run in project.runs}
    listed = tuple(m for m in project.memories if m.id and (id(m) in ran or not old(m, project.code)))
    return Report(
        project=project, memories=listed, rows=rows, findings=kept, suppressed=suppressed, gaps=gaps,
        exit_code=policy.exit_code(kept, gaps, project.code.uses_crewai, settings), fail_on=settings.fail_on,
        locations=locations(listed, rows, project.release_of), excerpt=project.excerpt)


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


def old(memory: Memory, code: Code) -> bool:
    """Whether it stands in what looks like an old copy of a module."""
    module = code.module(memory.at.path)
    return module is not None and module.archived


def run_rules(project: Project, settings: Settings) -> tuple[list[Finding], list[Gap]]:
    """What every chosen rule says, for each release that the tree's folders ask for. A rule that crashes becomes a gap
    and never hides what the others found."""
    findings: list[Finding] = []
    crashes: list[Gap] = []
    whole = parts(project)
    for rule in policy.chosen(settings):
        said: set[tuple[str, int, int, str, str, str]] = set()
        try:
            for part in whole:
                new = [finding for finding in rule.check(part) if finding.order not in said]
                said.update(finding.order for finding in new)
                findings.extend(new)
        except Exception as error:
            crashes.append(Gap("", 0, "crash", f"{rule.id} {rule.name} failed: {type(error).__name__}: {error}"))
    return findings, crashes


def survival_table(project: Project) -> tuple[Row, ...]:
    """One row for each memory that is on in each service that runs it."""
    runs = [(run, project.release_of(run.memory.at.path)) for run in project.runs]
    return tuple(
        Row(run.memory.id, run.service.id, survival(run, release), place(run, release).display, run.service.deployment)
        for run, release in runs if remembers(run.memory, release))


def locations(memories: Iterable[Memory], rows: tuple[Row, ...],
              release_of: Callable[[str], Release]) -> dict[str, str]:
    """Where each memory's records land: as the first service that runs it has it, else as the code says."""
    found: dict[str, str] = {}
    for row in rows:
        found.setdefault(row.memory, row.location)
    return {memory.id: found.get(memory.id) or described(memory, release_of(memory.at.path)) for memory in memories}


def excerpts(tree: Tree) -> Callable[[str, int], str]:
    """The text of a line of a scanned file, empty where there is none."""

    @functools.lru_cache(maxsize=64)
    def lines(path: str) -> list[str]:
        return (tree.text(path) or "").split("\n")

    def line_of(path: str, line: int) -> str:
        found = lines(path)
        return found[line - 1] if 0 < line <= len(found) else ""

    return line_of
