"""Facts of the Python sources that rules read beside the memories."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from crewmem_doctor.model.expression import Expr
from crewmem_doctor.model.failure import Failures
from crewmem_doctor.model.known import Answer
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call. `name` is None for a positional one; `at` spans the whole `name=value`."""

    name: str | None
    value: Expr
    at: Location


@dataclass(frozen=True, slots=True)
class Call:
    """A call of CrewAI's (or mem0's) API by its canonical name: "crewai.Crew", "crewai.Crew.kickoff"."""

    callee: str
    at: Location
    arguments: tuple[Argument, ...] = ()
    memory: Location | None = None  # the memory this call makes, where it makes one
    inside: str = ""  # dotted name of the enclosing function, empty at module level
    inherited: bool = False  # the tree's own subclass or method is called, which may know arguments of its own

    def argument(self, name: str) -> Argument | None:
        return next((a for a in self.arguments if a.name == name), None)


@dataclass(frozen=True, slots=True)
class Import:
    """An import of something of `crewai` or a package that memory needs.

    `name` is canonical ("crewai.memory.LongTermMemory"). `guarded` is True inside `try` with an `except` that catches
    ImportError, or under TYPE_CHECKING.
    """

    name: str
    at: Location
    guarded: bool = False
    level: Literal["module", "function"] = "module"


@dataclass(frozen=True, slots=True)
class EnvRead:
    """A place that reads an environment variable. `default` is None where it must be set."""

    name: str
    at: Location
    default: Expr | None = None
    required: bool = False  # os.environ[name], or raises when missing
    memory: bool = False  # the value reaches a memory's store, key or embedder


@dataclass(frozen=True, slots=True)
class EnvWrite:
    """`os.environ[name] = value`. `weak` for `setdefault`. `module` is the path it stands in; `at_import` where it runs
    when that module is imported."""

    name: str
    value: Expr
    at: Location
    weak: bool = False
    at_import: bool = True


@dataclass(frozen=True, slots=True)
class Module:
    """A scanned module: its dotted names (several roots may apply), the scanned modules it imports at import time, and
    whether it starts a server or a run when executed as a script."""

    path: str
    names: tuple[str, ...]
    imports: tuple[str, ...] = ()  # paths of scanned modules: direct, and what functions called at import import
    lazy_imports: tuple[str, ...] = ()  # the same for imports inside functions
    runs: tuple[Location, ...] = ()  # `uvicorn.run(…)`, `app.run(…)`, top-level kickoff under __main__
    archived: bool = False  # looks like an old copy: .archive/, *_old.py, *.backup
    factories: tuple[tuple[str, tuple[str, ...]], ...] = ()  # functions, and the scanned modules a call of each imports


@dataclass(frozen=True, slots=True)
class ServerRun:
    """`uvicorn.run("app.main:app", workers=4)` and its kin, in code."""

    server: str  # "uvicorn", "flask", "hypercorn", "gradio"
    at: Location
    target: str = ""  # "app.main:app" or empty
    workers: Answer[int] | None = None
    workers_env: str = ""  # variable that decides the workers
    reload: bool = False


@dataclass(frozen=True, slots=True)
class Fork:
    """A place that starts a child process with a function that uses memories the parent has made: `what` is the call
    ("multiprocessing.Process"), `memories` are their positions."""

    at: Location
    what: str
    memories: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class BarePersist:
    """`@persist` without its parentheses, spelt as `text`, on the class or method `name` ("Chat", "Chat.answer")."""

    at: Location
    text: str
    name: str
    on_method: bool


@dataclass(frozen=True, slots=True)
class Code:
    """Everything the Python sources said."""

    modules: tuple[Module, ...] = ()
    calls: tuple[Call, ...] = ()
    imports: tuple[Import, ...] = ()
    env_reads: tuple[EnvRead, ...] = ()
    env_writes: tuple[EnvWrite, ...] = ()
    server_runs: tuple[ServerRun, ...] = ()
    forks: tuple[Fork, ...] = ()
    bare_persists: tuple[BarePersist, ...] = ()
    dotenv_loads: tuple[Location, ...] = ()
    told: tuple[Location, ...] = ()  # values made anew that the caller is told and may send back
    uses_crewai: bool = False
    failures: Failures = field(default_factory=Failures)

    def module(self, path: str) -> Module | None:
        return next((m for m in self.modules if m.path == path), None)
