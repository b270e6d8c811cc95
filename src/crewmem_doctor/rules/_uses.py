"""What the code asks of CrewAI's API, held against the releases in question."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import field

from crewmem_doctor.model.code import Argument, Call
from crewmem_doctor.model.expression import Expr, Text
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Project
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.releases._api_data import MEMORY_WORDS
from crewmem_doctor.releases.api import argument, asks_for_memory, owner_of
from crewmem_doctor.releases.imports import importable
from crewmem_doctor.releases.providers import refused
from crewmem_doctor.releases.spans import Verdict
from crewmem_doctor.rules._common import archived


@dataclass(frozen=True, slots=True)
class Use:
    """One argument or import, with what each release does with it. Releases that say nothing about it are left out."""

    what: str                            # "external_memory" or "crewai.memory.LongTermMemory"
    owner: str                           # "crewai.Crew"; the module of an import
    at: Location
    verdicts: tuple[tuple[Version, Verdict], ...]
    call: Call | None = field(default=None, compare=False)
    given: Argument | None = field(default=None, compare=False)

    @property
    def never_works(self) -> bool:
        return all(v.outcome != "ok" for _, v in self.verdicts)

    @property
    def works_sometimes(self) -> bool:
        """On some releases in question, but not on all that have a say."""
        return not self.never_works and any(v.outcome != "ok" for _, v in self.verdicts)

    @property
    def gone(self) -> bool:
        """Works on some releases in question, but not on the newest, which a fresh install brings."""
        return self.works_sometimes and self.verdicts[-1][1].outcome != "ok"

    @property
    def newest(self) -> Verdict:
        """What the newest release that minds does."""
        return next((v for _, v in reversed(self.verdicts) if v.outcome != "ok"), self.verdicts[-1][1])


@functools.lru_cache(maxsize=4)
def arguments(project: Project) -> tuple[Use, ...]:
    """Every memory argument of a call that some release in question does not take for what it says."""
    return tuple(use for use in _arguments(project) if not all(v.outcome == "ok" for _, v in use.verdicts))


@functools.lru_cache(maxsize=4)
def imports(project: Project) -> tuple[Use, ...]:
    """Every unguarded import of memory's API that some release in question lacks."""
    out = []
    for found in project.code.imports:
        if not found.guarded and not archived(project, found.at.path):
            name = found.name
            verdicts = _verdicts(project.release, lambda v, name=name: importable(v, name))  # type: ignore[misc]
            if verdicts and not all(v.outcome == "ok" for _, v in verdicts):
                out.append(Use(name, name.rpartition(".")[0], found.at, verdicts))
    return tuple(out)


def _arguments(project: Project) -> Iterator[Use]:
    for call in project.code.calls:
        if call.inherited or archived(project, call.at.path):
            continue
        for given in call.arguments:
            name = given.name or ""
            if not name.isidentifier() or _is_off(given) or not _about_memory(call, name):
                continue
            verdicts = _verdicts(project.release, _judge(call, given))
            if verdicts:
                yield Use(name, call.callee, given.at, verdicts, call, given)


def _judge(call: Call, given: Argument) -> Callable[[Version], Verdict | None]:
    name = given.name or ""
    provider = _provider(given) if name in ("embedder", "embedder_config") else None
    if provider is not None:
        return lambda version: refused(version, provider, call.callee)
    beside = _beside(call)
    return lambda version: argument(version, call.callee, name, given.value, beside)


def _beside(call: Call) -> dict[str, Expr] | None:
    """The call's arguments by name; None where one is positional or spread, so that any may be given."""
    named = {a.name: a.value for a in call.arguments if a.name is not None and a.name.isidentifier()}
    return named if len(named) == len(call.arguments) else None


def _provider(given: Argument) -> str | None:
    """The constant provider of `embedder={"provider": "…"}`."""
    get = getattr(given.value, "get", None)
    provider = get("provider") if get is not None else None
    return provider.value if isinstance(provider, Text) and isinstance(provider.value, str) else None


def _is_off(given: Argument) -> bool:
    """`memory=False`, `external_memory=None`: nothing is asked for."""
    return isinstance(given.value, Text) and given.value.value in (None, False, "")


def _about_memory(call: Call, name: str) -> bool:
    """Whether the argument asks for memory. A plain word such as `user_id` or `storage` does so only beside memory itself;
    an embedder counts only where memory is on."""
    owner = owner_of(call.callee) or ""
    if asks_for_memory(owner, name):
        return True
    if "kickoff" in owner:
        return name in MEMORY_WORDS
    if owner not in ("Crew", "Agent", "Flow"):
        return True
    memory = call.argument("memory")
    return call.memory is not None or (memory is not None and not _is_off(memory))


def _verdicts(release: Release, judge: Callable[[Version], Verdict | None]) -> tuple[tuple[Version, Verdict], ...]:
    return tuple((version, verdict) for version in release.candidates if (verdict := judge(version)) is not None)
