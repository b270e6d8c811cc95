"""A scope for each caller of a memory that is shared by everyone, wherever the code lets it be said."""

from __future__ import annotations

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.code import AddParameter, PassCaller, ScopeCall, ScopeMemory
from crewmem_doctor.model.code import Argument, Call
from crewmem_doctor.model.expression import Text
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Reach
from crewmem_doctor.model.project import Project
from crewmem_doctor.rules._in_code import declined
from crewmem_doctor.rules._remedies import unified
from crewmem_doctor.rules._replacements import takes_scope
from crewmem_doctor.survival import workers_of

METHODS = ("remember", "recall")
NAME = "user_id"


def scoping(project: Project, memories: list[tuple[Memory, list[Reach]]]) -> tuple[Change, ...]:
    """The changes, or one that says why there are none."""
    memory, _ = memories[0]
    if memory.kind in ("external", "third_party"):
        return declined(memory.at, "its constant id is a choice that only a person can undo; pass the caller's own")
    if not (unified(project.release) and project.release.always(takes_scope)):
        if not project.release.locked and takes_scope(project.release.newest):
            return declined(memory.at, f"not every release that the requirement allows has scopes; pin crewai=={project.release.newest}")
        return declined(memory.at, "this release has no scopes; docs/recipes/postgres_external_storage.md shows a memory for each user")
    if len(memories) > 1:
        return declined(memory.at, "several memories are used there; hand each of them a scope for the caller")
    if not all(reach.entry.identity for reach in memory.handlers):
        return declined(memory.at, "not every way to it knows its caller")
    if memory.kind == "memory":
        return _of_object(project, memory) or declined(memory.at, _CANNOT)
    given = _argument(project, memory)
    if memory.kind != "crew" or given is None or not (isinstance(given.value, Text) and given.value.value is True):
        return declined(memory.at, _CANNOT)
    return _of_crew(memory, given.at, "memory" if _alone(project, memory) else "") or declined(memory.at, _CANNOT)


_CANNOT = "the caller's id does not reach the place where it is made; pass it there and hand over memory.scope(…)"


def _argument(project: Project, memory: Memory) -> Argument | None:
    call = next((c for c in project.code.calls if c.at == memory.at), None)
    return call.argument("memory") if call is not None else None


def _alone(project: Project, memory: Memory) -> bool:
    """Whether it surely runs in one process at most: in several, an object made at import goes stale (CM306)."""
    return all(workers_of(run)[0] == 1 for run in project.runs_of(memory))


def _of_crew(memory: Memory, at: Location, variable: str) -> tuple[Change, ...]:
    """In the handler itself, or in a function that the handlers call, which then takes the id."""
    ways = memory.handlers
    known = tuple(dict.fromkeys(what for reach in ways for what in reach.entry.identity))
    if all(not reach.steps for reach in ways):
        return (ScopeMemory(at, known, variable=variable),)
    if all(len(reach.steps) == 1 and not reach.queued for reach in ways):
        calls = {reach.steps[0].at: reach.entry for reach in ways}
        return (AddParameter(at, NAME), ScopeMemory(at, caller=NAME, variable=variable),
                *(PassCaller(step, entry.identity, NAME) for step, entry in calls.items()))
    return ()


def _of_object(project: Project, memory: Memory) -> tuple[Change, ...]:
    """A memory object: what the handlers save and ask, and the crews that they hand it to."""
    if memory.level != "module" or sum(m.kind == "memory" for m in project.memories) > 1:
        return ()
    changes: list[Change] = []
    for entry in {reach.entry.qualname: reach.entry for reach in memory.handlers}.values():
        calls = [c for c in project.code.calls if c.inside == entry.qualname]
        used = [ScopeCall(c.at, entry.identity) for c in calls if _method(c)]
        crews = [ScopeMemory(given.at, entry.identity) for c in calls if (given := _handed(c, memory)) is not None]
        if not used and not crews:
            return ()       # it is used further away
        changes += [*used, *crews]
    elsewhere = [step for step in memory.used_by if not any(isinstance(c, ScopeMemory) and _near(c.at, step.at) for c in changes)]
    return () if elsewhere else tuple(changes)


def _method(call: Call) -> bool:
    return call.callee.startswith("crewai.") and call.callee.rsplit(".", 1)[-1] in METHODS


def _handed(call: Call, memory: Memory) -> Argument | None:
    given = call.argument("memory") if any(step.at == call.at for step in memory.used_by) else None
    return given if given is not None and not isinstance(given.value, Text) else None


def _near(one: Location, other: Location) -> bool:
    return one.path == other.path and one.line >= other.line
