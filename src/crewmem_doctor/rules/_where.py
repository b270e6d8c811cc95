"""Where records land when rules of the 1xx group ask: in every service that runs a memory, or in the code alone."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from crewmem_doctor.model.expression import (
    Build,
    Choice,
    Concat,
    EnvVar,
    Expr,
    Fresh,
    FromCaller,
    Joined,
    Surroundings,
    Text,
    evaluate,
    walk,
)
from crewmem_doctor.model.finding import Severity
from crewmem_doctor.model.known import Answer, Confidence, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Step
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import locate, where_for
from crewmem_doctor.rules._common import STORAGE_DIR, active, graded, turned_on, unique

# Calls that only reshape their argument: what is fresh inside is fresh outside.
RESHAPES = ("hashlib.", "builtins.", "pathlib.", "os.", "base64.", "uuid.", "str", "slugify.")


@dataclass(frozen=True, slots=True)
class Landing:
    """One memory in one service, or in no service where none runs it (`run` is None).

    `said` is the text that the code or CREWAI_STORAGE_DIR gives, before the release's formula; None where nothing says
    where. `path` is the effective path. `assumed` says that a default holds only while nobody sets the variable.
    """

    memory: Memory
    run: Run | None
    around: Surroundings
    said: Answer[str] | None
    path: Answer[str]
    set_at: Location | None
    by_setting: bool
    assumed: bool = False


@functools.lru_cache(maxsize=4)
def landings(project: Project) -> tuple[Landing, ...]:
    """Every active memory with a path, wherever it runs; a memory that no service runs is judged by the code alone."""
    return tuple(_landings(project))


def _landings(project: Project) -> Iterator[Landing]:
    alone = code_alone(project)
    for memory in active(project):
        if memory.store.kind != "path":
            continue
        runs = project.runs_of(memory)
        for run in runs:
            yield _land(project, memory, run, run.around)
        if not runs:
            yield replace(_land(project, memory, None, alone), assumed=True)


def _land(project: Project, memory: Memory, run: Run | None, around: Surroundings) -> Landing:
    landing = _look(project, memory, run, around)
    if isinstance(landing.said, Unknown) and not landing.by_setting and run is not None and run.service.environment.open:
        # The environment may set more than the tree shows: what the code says by default still holds if nobody does.
        closed = replace(around, variable=lambda name: _shown(around.variable(name)))
        return replace(_look(project, memory, run, closed), assumed=True)
    return landing


def _shown(answer: Answer[str] | None) -> Answer[str] | None:
    return None if isinstance(answer, Unknown) and "may be set by" in answer.why else answer


def _look(project: Project, memory: Memory, run: Run | None, around: Surroundings) -> Landing:
    where = where_for(memory, project.release)
    path, _, set_at = locate(memory, around, project.release)
    if where is not None:
        said = evaluate(where, around)
        at = getattr(where, "at", None) or memory.store.at or (said.at if isinstance(said, Known) else None)
        return Landing(memory, run, around, said, path, at or set_at, False)
    setting = around.variable(STORAGE_DIR)
    return Landing(memory, run, around, setting, path, setting.at if setting is not None else None, True)


@functools.lru_cache(maxsize=4)
def code_alone(project: Project) -> Surroundings:
    """What code finds around it when no deployment is known: what it writes into its own environment and what the tree's
    .env files set. What neither sets counts as not set."""
    settings: dict[str, Answer[str]] = {s.name: s.value for s in project.dotenv}

    def variable(name: str) -> Answer[str] | None:
        return settings.get(name)

    around = Surroundings(
        cwd=Unknown("the working directory is not known"), home=Unknown("the home directory is not known"), variable=variable,
        source=lambda path: Unknown(f"where {path} is installed is not known"))
    for write in project.code.env_writes:
        if not (write.weak and write.name in settings):
            settings[write.name] = replace(evaluate(write.value, around), at=write.at)
    return around


def is_relative(text: str) -> bool:
    """A path that depends on the working directory. Windows drives, `~` and what is not resolved are none."""
    return text not in ("", "None") and not text.startswith(("/", "~", "$", "\\", ":", "file:")) and text[1:2] != ":" and "://" not in text


def fresh_in(expr: Expr | None, around: Surroundings | None = None) -> Iterator[Fresh]:
    """The values made anew inside `expr`, but for those that only stand in for something that is given."""
    if isinstance(expr, Fresh):
        yield expr
    elif isinstance(expr, (Concat, Joined)):
        for part in expr.parts:
            yield from fresh_in(part, around)
    elif isinstance(expr, Choice):
        for option in _chosen(expr, around):
            yield from fresh_in(option, around)
    elif isinstance(expr, EnvVar):
        if expr.default is not None and around is not None and around.variable(expr.name) is None:
            yield from fresh_in(expr.default, around)
    elif isinstance(expr, Build) and expr.callee.startswith(RESHAPES):
        for argument in (*expr.args, *(value for _, value in expr.kwargs)):
            yield from fresh_in(argument, around)


def _chosen(choice: Choice, around: Surroundings | None) -> tuple[Expr, ...]:
    """The options that stand for themselves. Where the caller gives one of them, the others stand in for it."""
    first = choice.options[0]
    if choice.fallback:
        return choice.options if _missing(first, around) else choice.options[:1]
    return () if any(isinstance(e, FromCaller) for option in choice.options for e in walk(option)) else choice.options


def _missing(first: Expr, around: Surroundings | None) -> bool:
    """Whether the first choice of a fallback is certainly not there, so that the second one stands."""
    if isinstance(first, Text):
        return not first.value
    return isinstance(first, EnvVar) and first.default is None and around is not None and around.variable(first.name) is None


def judged(landing: Landing, severity: Severity) -> tuple[Severity, Confidence]:
    """The severity and confidence of what is said about one landing."""
    if landing.run is not None:
        severity, confidence = graded(severity, [landing.run])
    else:
        enabled = landing.memory.enabled
        confidence = "high" if isinstance(enabled, Known) and enabled.confidence == "high" else "medium"
    if isinstance(landing.path, Known) and landing.path.confidence != "high":
        confidence = "medium"
    return severity, "medium" if landing.assumed and landing.run is not None else confidence


def worst(grades: list[tuple[Severity, Confidence]]) -> tuple[Severity, Confidence]:
    order = {"note": 0, "warning": 1, "error": 2, "low": 0, "medium": 1, "high": 2}
    return max(grades, key=lambda g: (order[g[0]], order[g[1]]))


def story(memory: Memory, run: Run | None, extra: tuple[Step, ...] = ()) -> tuple[Step, ...]:
    """From where memory is on, over how it is reached, to the service that runs it."""
    steps = [turned_on(memory), Step(memory.at, f"{memory.label} is built here")]
    reach = next((r for r in (run.reaches if run is not None else memory.handlers) if r.entry.kind != "script"), None)
    if reach is not None:
        steps.append(Step(reach.entry.at, f"reached from {reach.entry.label}"))
    if run is not None:
        at = run.process.at if run.process is not None and run.process.target else run.service.at
        steps.append(Step(at, f"{run.service.id} runs it"))
    return tuple(unique([*steps, *extra]))
