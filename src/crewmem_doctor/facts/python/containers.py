"""Long-lived Python containers whose names leave room for conversations or crews."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.facts.python.crewai_names import CREW, FLOW, crewai_class
from crewmem_doctor.facts.python.index import Binding, Class, Module, Scope
from crewmem_doctor.facts.python.state import state_key
from crewmem_doctor.facts.python.survey import Survey, last_name, root
from crewmem_doctor.facts.python.wording import (
    container_kind,
    is_empty_container,
    is_made_by_factory,
    may_hold_crews,
    means_conversation,
    needs_company,
)
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass

# Bases whose classes describe records: what their bodies bind is a field of each object.
_MODELS = frozenset(
    ("pydantic", "pydantic_settings", "sqlalchemy", "sqlmodel", "django", "crewai", "typing", "enum", "attrs")
)


# Where Starlette and Flask keep what belongs to the application.
_KEPT = ("state", "extensions", "config")


@dataclass(frozen=True, slots=True)
class Container:
    """A long-lived container: its canonical name, where it is defined, what it is, and what a person calls it."""

    name: str
    word: str
    at: Location
    why: str
    label: str
    module: Module
    owner: Class | None = None
    holds: bool = False  # its annotation names crews or flows
    shared: bool = False  # it belongs to the class itself, so all objects fill the same one


def containers(survey: Survey) -> Iterator[Container]:
    for module in survey.nearby:
        yield from _of_module(survey, module)
        for cls in module.all_classes:
            yield from _of_class(survey, cls)
    yield from _app_state(survey)


def _of_module(survey: Survey, module: Module) -> Iterator[Container]:
    for name, bindings in module.body.bindings.items():
        binding = _empty(name, bindings)
        if binding is not None:
            at = _target(survey, module, binding.node, name)
            why = f"the module-level {container_kind(binding.value)} {name}"
            holds = _holds_crews(survey, binding.annotation, module.scope)
            yield Container(f"{module.name}.{name}", name, at, why, name, module, None, holds)


def _of_class(survey: Survey, cls: Class) -> Iterator[Container]:
    module = cls.module
    company = means_conversation(cls.name) or means_conversation(module.path.rsplit("/", 1)[-1].removesuffix(".py"))
    for name, bindings, shared in _held(survey, cls):
        binding = _empty(name, bindings)
        if binding is None or (needs_company(name) and not company):
            continue
        at = _target(survey, module, binding.node, name)
        why = f"the {container_kind(binding.value)} {cls.name if shared else 'self'}.{name}"
        holds = _holds_crews(survey, binding.annotation, cls.scope)
        yield Container(f"{cls.dotted}.{name}", name, at, why, f"{cls.name}.{name}", module, cls, holds, shared)


def _held(survey: Survey, cls: Class) -> Iterator[tuple[str, list[Binding], bool]]:
    """What methods store on `self`, what the class body binds, and whether it is the class's own: models copy what
    their bodies bind for each object."""
    for name, bindings in cls.fields.items():
        yield name, bindings, False
    new = cls.methods.get("__new__")
    for stored in new.stores if new is not None else ():
        # `cls._instance.sessions = {}`
        target = stored.target
        if isinstance(target, ast.Attribute) and last_name(target.value) not in ("cls", cls.name):
            yield target.attr, [Binding(target.attr, "assign", stored.statement, stored.scope, stored.value)], False
    if any(root(base) in _MODELS for base in survey.base.bases(cls.dotted)):
        return
    for name, bindings in cls.attributes.items():
        if name not in cls.fields:
            yield name, bindings, not any(is_made_by_factory(b.value) for b in bindings)


def _empty(name: str, bindings: list[Binding]) -> Binding | None:
    """The first binding to an empty container, where the name leaves room for conversations."""
    if not (means_conversation(name) or may_hold_crews(name)):
        return None
    return next((b for b in bindings if is_empty_container(b.value) or is_made_by_factory(b.value)), None)


def _app_state(survey: Survey) -> Iterator[Container]:
    """`app.state.sessions = {}`, `app.extensions["chats"] = {}`, `app.config["SESSIONS"] = {}`"""
    for module in survey.base.modules.values():
        if ".state." not in module.text and "app.config" not in module.text and ".extensions" not in module.text:
            continue
        for function in dict.fromkeys((module.body, *module.all_functions)):
            for stored in function.stores:
                target, value = stored.target, stored.value
                place = state_key(target)
                if place is None or place[0] not in _KEPT or not is_empty_container(value):
                    continue
                owner, key = place
                if means_conversation(key):
                    item = f".{key}" if isinstance(target, ast.Attribute) else f'["{key}"]'
                    label = f"app.{owner}{item}"
                    at = survey.base.location(target, module)
                    yield Container(f".{owner}.{key}", key, at, f"the {container_kind(value)} {label}", label, module)


def _target(survey: Survey, module: Module, node: ast.AST, name: str) -> Location:
    """The name that is bound, where the statement can be taken apart."""
    targets = (
        [node.target] if isinstance(node, ast.AnnAssign) else list(node.targets) if isinstance(node, ast.Assign) else []
    )
    found = next((t for t in targets if last_name(t) == name), node)
    return survey.base.location(found, module)


def _holds_crews(survey: Survey, annotation: ast.expr | None, scope: Scope) -> bool:
    if annotation is None:
        return False
    for node in ast.walk(annotation):
        if isinstance(node, (ast.Name, ast.Attribute)):
            name = survey.base.canonical(node, scope)
            if name and crewai_class(survey.base, name) in (CREW, FLOW):
                return True
    return False
