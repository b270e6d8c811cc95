"""Python sources → the code and its memories."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from crewmem_doctor.facts.python.calls import api_calls, api_imports, module_facts
from crewmem_doctor.facts.python.conversations import find_conversations
from crewmem_doctor.facts.python.entries import entry_points
from crewmem_doctor.facts.python.environment import dotenv_loads, env_reads, env_writes
from crewmem_doctor.facts.python.failures import read_failures
from crewmem_doctor.facts.python.flows import bare_persists
from crewmem_doctor.facts.python.forks import forks
from crewmem_doctor.facts.python.index import CodeBase, Function
from crewmem_doctor.facts.python.memories import find_memories
from crewmem_doctor.facts.python.servers import server_runs
from crewmem_doctor.facts.python.survey import Survey, root
from crewmem_doctor.facts.python.told import told_keys
from crewmem_doctor.model.code import Code
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Memory
from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.discover import Tree

Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """`memories` are in order of place and have no ids yet."""

    code: Code
    memories: tuple[Memory, ...]
    gaps: tuple[Gap, ...]


def read_code(tree: Tree, scripts: Iterable[str] = ()) -> CodeFacts:
    """Everything that rules need of the Python sources. Without a use of CrewAI there are no memories.

    `scripts` are looked at as well, although they may not mention CrewAI.
    """
    if not tree.hits:
        return CodeFacts(Code(), (), ())
    base = CodeBase(tree, scripts)
    survey = Survey(base)
    imports = api_imports(base)
    uses_crewai = any(root(i.name) == "crewai" for i in imports)
    entries = _entries(survey) if uses_crewai else {}
    memories = _memories(survey, tree, entries) if uses_crewai else ()
    servers = _whole(survey, partial(server_runs, survey))
    code = Code(
        modules=module_facts(base, servers),
        calls=_whole(survey, partial(api_calls, survey, memories)),
        imports=imports,
        env_reads=_whole(survey, partial(env_reads, survey, memories)),
        env_writes=_whole(survey, partial(env_writes, survey)),
        server_runs=servers,
        forks=_whole(survey, partial(forks, survey, memories)),
        bare_persists=_whole(survey, partial(bare_persists, survey)),
        dotenv_loads=_whole(survey, partial(dotenv_loads, survey)),
        uses_crewai=uses_crewai,
        told=_whole(survey, partial(told_keys, survey, memories, entries)),
        failures=read_failures(survey, memories, entries),
    )
    return CodeFacts(code, memories, tuple(sorted({*base.gaps, *survey.gaps})))


def _entries(survey: Survey) -> dict[Function, EntryPoint]:
    entries = entry_points(survey)
    survey.base.handlers = {f for f, entry in entries.items() if entry.kind != "script" and not f.is_body}
    return entries


def _memories(survey: Survey, tree: Tree, entries: dict[Function, EntryPoint]) -> tuple[Memory, ...]:
    found = find_memories(survey, tree, entries)
    conversations = _whole(survey, partial(find_conversations, survey, entries))
    return tuple(sorted((*found, *conversations), key=lambda m: (m.at, m.kind)))


def _whole(survey: Survey, read: Callable[[], tuple[Fact, ...]]) -> tuple[Fact, ...]:
    """What a reader found; nothing, and a gap, where it failed."""
    found: list[Fact] = []
    with survey.attempt(Location(".")):
        found.extend(read())
    return tuple(found)
