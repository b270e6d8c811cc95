"""What a name of the source can stand for, beside the modules, classes and functions of the tree."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Union

from crewmem_doctor.facts.python.nodes import Assignment, Binding, Class, Function, Module, Scope
from crewmem_doctor.facts.python.spelling import normalise
from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True)
class External:
    """Something of an installed package, as it is spelled, or of an object whose class is known; `loose` where it
    belongs to a variable of unknown class."""

    name: str
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """A package without `__init__.py`."""

    path: str


@dataclass(frozen=True, slots=True)
class Local:
    """A variable, parameter or loop target of a function."""

    bindings: Sequence[Binding]


@dataclass(frozen=True, slots=True)
class Bound:
    """`partial(Crew, memory=True)`: a class with arguments that stand before those of its call.

    `given` are the calls of `partial` with where they stand, the innermost first; the first argument of each is what it
    binds to.
    """

    target: Class | External
    given: tuple[tuple[ast.Call, Scope], ...]


Ref = Union[Module, Class, Function, Assignment, External, Folder, Local, Bound, None]


def canonical(ref: Ref) -> str:
    """The dotted name of what a reference leads to, "" where it has none."""
    if isinstance(ref, Bound):
        ref = ref.target
    if isinstance(ref, External):
        return normalise(ref.name)
    if isinstance(ref, (Class, Function)):
        return ref.dotted
    if isinstance(ref, Module):
        return ref.name
    if isinstance(ref, Assignment):
        home = ref.owner.dotted if ref.owner is not None else ref.module.name
        return f"{home}.{ref.name}"
    return ref.path.replace("/", ".") if isinstance(ref, Folder) else ""


def is_property(function: Function) -> bool:
    return any(
        (isinstance(d, ast.Name) and d.id in ("property", "cached_property"))
        or (isinstance(d, ast.Attribute) and d.attr == "cached_property")
        for d in function.decorators
    )
