"""Memory objects: `Memory(…)` and the legacy classes with their storages."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.facts.python.crewai_names import LEGACY, MEMORY, crewai_class, kind_of, sites_of
from crewmem_doctor.facts.python.deferred import FACTORIES, level_of
from crewmem_doctor.facts.python.embedders import embedder_of, models_of
from crewmem_doctor.facts.python.index import CallSite, Class, CodeBase
from crewmem_doctor.facts.python.ledger import Draft, Ledger, argument_location, built, inside
from crewmem_doctor.facts.python.mem0 import mem0_storage
from crewmem_doctor.facts.python.sinks import key_sinks, table_sinks
from crewmem_doctor.facts.python.staged import for_tests
from crewmem_doctor.facts.python.stores import store_of
from crewmem_doctor.facts.python.survey import Survey, as_text
from crewmem_doctor.model.expression import Build, Expr, Table, Text
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Kind, Memory, Store

_FIELDS = ("field", "Field", "ib", "attrib", "PrivateAttr", "Factory")


def find(survey: Survey, ledger: Ledger) -> None:
    wanted = (MEMORY, *(f"crewai.memory.{name}" for name in LEGACY))
    for site, name in (*sites_of(survey.base, *wanted), *_made_by_fields(survey, *wanted)):
        kind = kind_of(name)
        if kind is None:
            continue
        with survey.attempt(site.location):
            ledger.add(_draft(survey, site, name, kind))


def _made_by_fields(survey: Survey, *wanted: str) -> Iterator[tuple[CallSite, str]]:
    """`memory: Memory = field(default_factory=Memory)` calls one of those classes for each object."""
    for site in survey.calls(*_FIELDS):
        for keyword in site.node.keywords:
            named = keyword.value
            if keyword.arg not in FACTORIES or not isinstance(named, (ast.Name, ast.Attribute)):
                continue
            found = crewai_class(survey.base, survey.base.canonical(named, site.scope))
            if found in wanted:
                call = ast.copy_location(ast.Call(func=named, args=[], keywords=[]), named)
                yield CallSite(survey.base, call, site.scope), found


def _draft(survey: Survey, site: CallSite, name: str, kind: Kind) -> Draft:
    value = built(survey.base, site)
    store, at = _store(survey, site, value, kind)
    given, embedder_at = _embedder(survey.base, site, value)
    draft = Draft(
        Memory(
            kind,
            site.location,
            name,
            store,
            at,
            Known(not for_tests(site)),
            level=level_of(site),
            inside=inside(site.scope),
            embedder=embedder_of(given, embedder_at),
        ),
        [site],
        [value],
    )
    draft.sinks.extend(key_sinks(survey.base, site, value, "root_scope", "scope", "source"))
    config = given if isinstance(given, Table) and as_text(given.get("provider")) == "mem0" else None
    if config is not None:
        draft.sinks.extend(table_sinks(config, embedder_at))
    draft.llms.extend(models_of(value.argument("llm"), site.location))
    return draft


def _embedder(base: CodeBase, site: CallSite, value: Build) -> tuple[Expr | None, Location]:
    """The embedder of a memory. CrewAI's own vector storage embeds with what it was built with, and only mem0 still
    counts then of what the memory around it is given."""
    given, at = _given(base, site, value, "embedder", "embedder_config")
    storage = value.argument("storage")
    if not isinstance(storage, Build) or storage.callee != "crewai.memory.storage.RAGStorage":
        return given, at
    if isinstance(given, Table) and as_text(given.get("provider")) == "mem0":
        return given, at
    own = storage.argument("embedder_config", 2) or storage.argument("**")
    own = None if isinstance(own, Text) and own.value is None else own
    return own, getattr(own, "at", None) or at


def _given(base: CodeBase, site: CallSite, value: Build, *names: str) -> tuple[Expr | None, Location]:
    for name in names:
        found = value.argument(name)
        if found is None:
            found = _class_default(base, site, name)
        if found is not None and not (isinstance(found, Text) and found.value is None):
            return found, argument_location(base, site, name, found)
    return None, site.location


def _class_default(base: CodeBase, site: CallSite, name: str) -> Expr | None:
    """What a scanned subclass sets as a class attribute."""
    definition = base.definition(site.callee)
    if not isinstance(definition, Class):
        return None
    for binding in definition.attributes.get(name, ()):
        if binding.value is not None:
            return base.evaluate(binding.value, definition.scope)
    return None


def _store(survey: Survey, site: CallSite, value: Build, kind: Kind) -> tuple[Store, Location | None]:
    """The store, and the argument that hands it over."""
    base = survey.base
    embedder = value.argument("embedder_config")
    if kind != "memory" and isinstance(embedder, Table) and as_text(embedder.get("provider")) == "mem0":
        at = argument_location(base, site, "embedder_config", embedder)
        return mem0_storage(embedder.get("config") or embedder, at), at
    given, at = _given(base, site, value, "storage", "path", "db_path")
    if given is None and value.argument("**") is not None:
        return Store("unknown", "its arguments could not be followed", None, "unknown", site.location), None
    if given is None:
        return store_of(survey, None, site.location), None
    store = store_of(survey, given, at)
    return store, at
