"""The model in, one report out: what the rules say of a project, and what counts of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from crewmem_doctor import policy
from crewmem_doctor.model.code import Code, EnvWrite
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.known import Unknown
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.parts import parts
from crewmem_doctor.model.project import Gap, Project
from crewmem_doctor.model.release import Release
from crewmem_doctor.model.report import Report, Row
from crewmem_doctor.placement import described, place
from crewmem_doctor.settings import Settings
from crewmem_doctor.survival import remembers, survival, undecided


def audit(project: Project, settings: Settings) -> Report:
    """What the rules say of a project, and what counts of it."""
    findings, crashes = run_rules(project, settings)
    kept, suppressed = policy.apply(findings, project, settings)
    rows = survival_table(project)
    ran = {id(run.memory) for run in project.runs}
    listed = tuple(m for m in project.memories if m.id and (id(m) in ran or not old(m, project.code)))
    # "No memory" would be more than is known where a setting decides about the only ones there are.
    doubts = () if listed else tuple(_undecided(project))
    gaps = tuple(sorted({*project.gaps, *crashes, *doubts}))
    return Report(
        project=project, memories=listed, rows=rows, findings=kept, suppressed=suppressed, gaps=gaps,
        exit_code=policy.exit_code(kept, gaps, project.code.uses_crewai, settings, project.observations),
        fail_on=settings.fail_on, excerpt=project.excerpt,
        locations=locations(listed, rows, project.release_of, project.code.env_writes))


def _undecided(project: Project) -> Iterator[Gap]:
    """The memories that are on or not as the configuration has it, which the tree does not show."""
    for memory in project.memories:
        if undecided(memory, project.release_of(memory.at.path)) and not old(memory, project.code):
            at = memory.turned_on or memory.at
            why = memory.enabled.why if isinstance(memory.enabled, Unknown) else ""
            yield Gap(at.path, at.line, "dynamic", f"whether {memory.label} remembers at all: {why}")


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
              release_of: Callable[[str], Release], writes: Iterable[EnvWrite] = ()) -> dict[str, str]:
    """Where each memory's records land: as the first service that runs it has it, else as the code says: its own module
    and those of the handlers and scripts that reach it."""
    every = tuple(writes)
    found: dict[str, str] = {}
    for row in rows:
        found.setdefault(row.memory, row.location)
    return {m.id: found.get(m.id) or described(m, release_of(m.at.path), _near(m, every)) for m in memories}


def _near(memory: Memory, writes: tuple[EnvWrite, ...]) -> Iterator[EnvWrite]:
    modules = {memory.at.path, *(reach.entry.at.path for reach in memory.handlers)}
    return (write for write in writes if write.at.path in modules)
