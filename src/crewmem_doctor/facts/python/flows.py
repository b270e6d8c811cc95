"""Flows: persisted state, the memory a Flow makes for itself where it is used, and checkpoints."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.facts.python.clients import default_store, path_store
from crewmem_doctor.facts.python.crewai_names import CREW, FLOW, PERSIST, crewai_class, public, sites_of
from crewmem_doctor.facts.python.deferred import level_of
from crewmem_doctor.facts.python.index import CallSite, Class, Function, Scope
from crewmem_doctor.facts.python.ledger import Draft, Goal, Ledger, argument_location, built, inside
from crewmem_doctor.facts.python.sinks import is_given
from crewmem_doctor.facts.python.stores import store_of
from crewmem_doctor.facts.python.survey import Survey, around
from crewmem_doctor.model.code import BarePersist
from crewmem_doctor.model.expression import Build, Choice, Expr, Table, Text
from crewmem_doctor.model.memory import Memory, Sink, Step

KICKOFFS = ("kickoff", "kickoff_async", "akickoff")
_OWN = ("remember", "recall", "extract_memories")


def find(survey: Survey, ledger: Ledger) -> None:
    flows = {cls.dotted: cls for cls in survey.base.classes() if crewai_class(survey.base, cls.dotted) == FLOW}
    makers: dict[str, list[CallSite]] = {name: [] for name in flows}
    for site in survey.base.calls:
        if site.callee in makers:
            makers[site.callee].append(site)
    ids = list(_flow_ids(survey, set(flows)))
    for name, cls in flows.items():
        goals: list[Goal] = [*_all_makers(survey, name, makers)]
        with survey.attempt(cls.module):
            _persisted(survey, ledger, cls, goals, ids)
            _own_memory(survey, ledger, cls, goals)
    for name, sites in makers.items():
        for site in sites:
            with survey.attempt(site.location):
                _given_persistence(survey, ledger, site, name, ids)
    _checkpoints(survey, ledger, [site for sites in makers.values() for site in sites])


def _all_makers(survey: Survey, name: str, makers: dict[str, list[CallSite]]) -> Iterator[CallSite]:
    """The constructions of a class and of its subclasses."""
    for other, sites in makers.items():
        if other == name or name in survey.base.bases(other):
            yield from sites


def _persisted(survey: Survey, ledger: Ledger, cls: Class, goals: list[Goal], ids: list[tuple[str, Sink]]) -> None:
    """`@persist()` on the class or on its methods: one memory, whose store is made when the class is defined."""
    for decorator, scope, _ in _persists(survey, cls):
        if not isinstance(decorator, ast.Call):
            continue  # takes the class for its store, and keeps nothing
        argument = next(
            (k.value for k in decorator.keywords if k.arg == "persistence"),
            decorator.args[0] if decorator.args else None,
        )
        value = survey.base.evaluate(argument, scope) if argument is not None else None
        at = survey.base.location(decorator.func, cls.module)
        handed = survey.base.location(argument, cls.module) if argument is not None else at
        draft = Draft(
            Memory(
                "flow",
                at,
                "crewai.flow.persist",
                store_of(survey, value, handed),
                handed,
                level="module",
                inside=cls.qualname,
            ),
            goals,
            [value] if value is not None else [],
            made_once=True,
        )
        draft.sinks.extend(_ids_of(ids, cls.dotted, survey))
        ledger.add(draft)
        return


def _persists(survey: Survey, cls: Class) -> Iterator[tuple[ast.expr, Scope, Function | None]]:
    """Every `persist` among the decorators of a class and of its methods."""
    decorators: list[tuple[ast.expr, Function | None]] = [(d, None) for d in cls.node.decorator_list]
    decorators += [(d, method) for method in cls.methods.values() for d in method.decorators]
    for decorator, method in decorators:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        scope = around(method) if method is not None else cls.outside
        name = public(survey.base.canonical(target, scope))
        if name in PERSIST or (name.startswith("crewai.flow.") and name.endswith(".persist")):
            yield decorator, scope, method


def bare_persists(survey: Survey) -> tuple[BarePersist, ...]:
    """`@persist` without parentheses on a flow or a step of it."""
    found = []
    for cls in survey.base.classes():
        if crewai_class(survey.base, cls.dotted) == FLOW:
            for decorator, _, method in _persists(survey, cls):
                if not isinstance(decorator, ast.Call):
                    name = f"{cls.name}.{method.name}" if method is not None else cls.name
                    at = survey.base.location(decorator, cls.module)
                    found.append(BarePersist(at, ast.unparse(decorator), name, method is not None))
    return tuple(sorted(found, key=lambda bare: bare.at))


def _given_persistence(survey: Survey, ledger: Ledger, site: CallSite, name: str, ids: list[tuple[str, Sink]]) -> None:
    """`MyFlow(persistence=SQLiteFlowPersistence("…"))`."""
    value = built(survey.base, site)
    given = value.argument("persistence")
    if given is None or not is_given(given):
        return
    at = argument_location(survey.base, site, "persistence", given)
    draft = Draft(
        Memory(
            "flow",
            site.location,
            FLOW,
            store_of(survey, given, at),
            at,
            level=level_of(site),
            inside=inside(site.scope),
        ),
        [site],
        [given],
    )
    draft.sinks.extend(_ids_of(ids, name, survey))
    ledger.add(draft)


def _ids_of(ids: list[tuple[str, Sink]], name: str, survey: Survey) -> Iterator[Sink]:
    """The ids passed to kickoffs of that class, or of an object whose class is not known."""
    for owner, sink in ids:
        if owner in ("", name) or name in survey.base.bases(owner):
            yield sink


def _flow_ids(survey: Survey, flows: set[str]) -> Iterator[tuple[str, Sink]]:
    """`flow.kickoff(inputs={"id": …})` and `restore_from_state_id=`."""
    for site in survey.calls(*KICKOFFS):
        receiver = getattr(site.node.func, "value", None)
        if receiver is None:
            continue
        owner = survey.base.type_of(receiver, site.scope)
        if owner and owner not in flows:
            continue
        for name, position in (("inputs", 0), ("restore_from_state_id", None)):
            node = site.argument(name, position)
            value = survey.base.evaluate(node, site.scope) if node is not None else None
            found = _identifier(value) if name == "inputs" else value
            if found is not None and is_given(found) and node is not None:
                yield (
                    owner,
                    Sink("flow_id", found, getattr(found, "at", None) or survey.base.location(node, site.scope.module)),
                )


def _identifier(value: Expr | None) -> Expr | None:
    if isinstance(value, Table):
        return value.get("id")
    if isinstance(value, Choice):
        return next((found for found in map(_identifier, value.options) if found is not None), None)
    return None


def _own_memory(survey: Survey, ledger: Ledger, cls: Class, goals: list[Goal]) -> None:
    """A flow that calls `self.remember` or reads `self.memory`. The memory that CrewAI makes for a flow that never uses
    it is no memory of the project."""
    if any(word in cls.methods for word in ("remember", "recall")):
        return
    for binding in cls.attributes.get("memory", ()):
        if binding.value is None:
            continue
        value = survey.base.evaluate(binding.value, cls.scope)
        for draft in ledger.of(value):
            draft.uses.append(Step(survey.base.location(binding.value, cls.module), f"the flow {cls.name} uses it"))
            draft.goals.extend(goals)
        if ledger.of(value) or isinstance(value, Build) or (isinstance(value, Text) and not value.value):
            return
    if cls.fields.get("memory"):
        return
    use = _first_use(cls)
    if use is not None:
        at = survey.base.location(use, cls.module)
        ledger.add(Draft(Memory("memory", at, FLOW, default_store(at), at, inside=cls.qualname), list(goals)))


def _first_use(cls: Class) -> ast.Attribute | None:
    found = [
        node
        for method in cls.methods.values()
        for node in ast.walk(method.node)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
        and node.attr in (*_OWN, "memory")
        and isinstance(node.ctx, ast.Load)
    ]
    # `self.memory` alone may be anything; beside CrewAI's own words, or with a call of a memory on it, it is CrewAI's.
    sure = [n for n in found if n.attr in _OWN]
    if not sure:
        calls = {
            id(site.node.func.value)
            for m in cls.methods.values()
            for site in m.sites
            if isinstance(site.node.func, ast.Attribute)
            and site.node.func.attr in ("remember", "recall", "scope", "remember_many")
        }
        sure = [n for n in found if id(n) in calls]
    return min(sure, key=lambda n: (n.lineno, n.col_offset), default=None)


def _checkpoints(survey: Survey, ledger: Ledger, flows: list[CallSite]) -> None:
    """`Crew(checkpoint=True)`, `checkpoint=CheckpointConfig(location=…)`."""
    for site in (*(s for s, _ in sites_of(survey.base, CREW)), *flows):
        keyword = site.keyword("checkpoint")
        if keyword is None:
            continue
        value = survey.base.evaluate(keyword.value, site.scope)
        at = survey.base.location(keyword, site.scope.module)
        where: Expr | None = Text("./.checkpoints")
        if isinstance(value, Build) and value.callee.rsplit(".", 1)[-1] == "CheckpointConfig":
            where = value.argument("location") or where
        elif not (isinstance(value, Text) and value.value is True):
            continue
        store = path_store(where, "checkpoint=", "json", at)
        ledger.add(
            Draft(
                Memory("checkpoint", at, site.callee, store, at, level=level_of(site), inside=inside(site.scope)),
                [site],
                [value],
            )
        )
