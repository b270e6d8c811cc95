"""Calls and imports of CrewAI's API, and the modules themselves, as rules read them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from crewmem_doctor.facts.python.closure import targets
from crewmem_doctor.facts.python.crewai_names import crewai_class, is_public_class, public
from crewmem_doctor.facts.python.environment import under_main
from crewmem_doctor.facts.python.index import CallSite, Class, CodeBase, Function, Module
from crewmem_doctor.facts.python.ledger import Position, argument_location, built
from crewmem_doctor.facts.python.loading import Loading
from crewmem_doctor.facts.python.survey import Survey, last_name, root, start_of
from crewmem_doctor.model.code import Argument, Call, Import, ServerRun
from crewmem_doctor.model.code import Module as ModuleFacts
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory

KICKOFFS = frozenset(
    {"kickoff", "kickoff_async", "akickoff", "kickoff_for_each", "kickoff_for_each_async", "akickoff_for_each"}
)
_AREAS = ("mem0.", "crewai.memory.", "crewai.flow.", "crewai.Crew.", "crewai.Memory.", "crewai.Agent.", "crewai.rag.")
# Packages that a memory may need; an import of one can be missing from the requirements or from the release.
PACKAGES = frozenset(
    {
        "crewai",
        "crewai_tools",
        "crewai_core",
        "mem0",
        "chromadb",
        "lancedb",
        "qdrant_client",
        "qdrant_edge",
        "redis",
        "valkey",
        "psycopg",
        "psycopg2",
        "asyncpg",
        "pymongo",
        "zep_cloud",
        "zep_python",
        "zep_crewai",
        "honcho",
        "honcho_crewai",
        "crewai_memory_postgres",
        "crewai_memory_dynamodb",
        "crewai_memory_cosmosdb",
        "crewai_memory_firestore",
        "crewai_mongodb_memory",
        "crewai_persistence_sql",
        "crewai_persistence_mongodb",
        "hindsight_client",
        "hindsight_crewai",
    }
)
# `_old`, `.bak`, "copy", a folder called archive, deprecated or backup, an editor's local history.
_ARCHIVED = re.compile(
    r"(?:^|/)\.?(?:archived?|archives|deprecated|backups?|old|legacy_backup|attic|trash)/|(?:^|/)\.history/|"
    r"[._-](?:old|orig|original|backup|bak|copy|deprecated|archived?)\d*\.py$|\.(?:DEPRECATED|OLD|BAK)\.py$|"
    r"(?:^|/)(?:old|backup|copy)[ _-]|[ _-]copy(?: \d+)?\.py$",
    re.IGNORECASE,
)


def api_calls(survey: Survey, memories: tuple[Memory, ...]) -> tuple[Call, ...]:
    """Every call of CrewAI's or mem0's API.

    A subclass's call bears the name of CrewAI's class; a kickoff of an object of unknown class is "unknown.kickoff".
    """
    made: dict[Position, Location] = {}
    for memory in memories:
        position = start_of(memory.at)
        if position is not None:
            made[position] = memory.at
    found = []
    names: dict[tuple[str, int], str] = {}
    for site in survey.base.calls:
        name = _api_name(survey.base, site, names)
        if name:
            position = start_of(site.location)
            found.append(
                Call(
                    name,
                    site.location,
                    tuple(_arguments(survey.base, site)),
                    made.get(position) if position is not None else None,
                    site.scope.inside,
                    isinstance(survey.base.definition(site.callee), (Class, Function)),
                )
            )
    return tuple(sorted(found, key=lambda c: (c.at, c.callee)))


def _api_name(base: CodeBase, site: CallSite, names: dict[tuple[str, int], str]) -> str:
    """What rules know a call by. `names` keeps the answers, each as long as no more modules are known."""
    name = site.callee
    if not name:
        word = last_name(site.node.func)
        return f"unknown.{word}" if word in KICKOFFS and isinstance(site.node.func, ast.Attribute) else ""
    key = (name, base.known)
    if key not in names:
        names[key] = _named(base, name)
    return names[key]


def _named(base: CodeBase, name: str) -> str:
    if root(name) in ("crewai", "mem0") and base.definition(name) is None:
        return public(name) if _matters(public(name)) else ""
    inherited = crewai_class(base, name)
    if inherited:
        return inherited
    owner, _, method = name.rpartition(".")
    inherited = crewai_class(base, owner) if base.definition(name) is None or method in KICKOFFS else ""
    if inherited:
        return f"{inherited}.{method}"
    return f"unknown.{method}" if method in KICKOFFS and base.definition(name) is None else ""


def _matters(name: str) -> bool:
    """Whether rules may ask for that call: not decorators, tools, events and the like."""
    return is_public_class(name) or name.startswith(_AREAS) or name.rpartition(".")[2] in KICKOFFS


def _arguments(base: CodeBase, site: CallSite) -> Iterator[Argument]:
    """In source order, those that `partial` brings first."""
    value = built(base, site)
    module = site.scope.module
    before = max(len(value.args) - len(site.node.args), 0)
    for given in value.args[:before]:
        yield Argument(None, given, getattr(given, "at", None) or site.location)
    for index, node in enumerate(site.node.args, before):
        given = value.args[index] if index < len(value.args) else base.evaluate(node, site.scope)
        yield Argument(None, given, base.location(node, module))
    for name, given in value.kwargs:
        yield Argument(name, given, argument_location(base, site, name, given))


def api_imports(base: CodeBase) -> tuple[Import, ...]:
    found = [
        Import(
            _spelled(imported.target, imported.local),
            base.location(imported.alias, module),
            imported.guarded,
            "module" if imported.function is None else "function",
        )
        for module in base.modules.values()
        for imported in module.imports
        if root(imported.target) in PACKAGES
    ]
    return tuple(sorted(found, key=lambda i: (i.at, i.name)))


def _spelled(target: str, local: str) -> str:
    return f"{target}.*" if local == "*" and not target.endswith("*") else target


def module_facts(base: CodeBase, servers: tuple[ServerRun, ...]) -> tuple[ModuleFacts, ...]:
    runs: dict[str, list[Location]] = {}
    for server in servers:
        runs.setdefault(server.at.path, []).append(server.at)
    loading = Loading(base)
    return tuple(_module(base, module, runs, loading) for _, module in sorted(base.modules.items()))


def _module(base: CodeBase, module: Module, runs: Mapping[str, list[Location]], loading: Loading) -> ModuleFacts:
    early: dict[str, None] = {}
    late: dict[str, None] = {}
    for imported in module.imports:
        at_import = imported.function is None and not under_main(module, imported.node)
        for path in targets(base, imported, module):
            if path != module.path:
                (early if at_import else late)[path] = None
    early.update(dict.fromkeys(path for path in loading.at_import(module) if path != module.path))
    kickoffs = [base.location(s.node, module) for s in module.body.sites if last_name(s.node.func) in KICKOFFS]
    return ModuleFacts(
        module.path,
        module.names,
        imports=tuple(early),
        lazy_imports=tuple(p for p in late if p not in early),
        runs=tuple(sorted({*runs.get(module.path, ()), *kickoffs})),
        archived=is_archived(module.path),
        factories=tuple(loading.factories(module)),
    )


def is_archived(path: str) -> bool:
    return bool(_ARCHIVED.search(path))
