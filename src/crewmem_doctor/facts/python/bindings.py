"""The places of a module that import, bind and store."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.nodes import Class, Function, Scope

BindingKind = Literal["assign", "augment", "iterate", "enter", "import", "define", "parameter", "delete", "unpack"]


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the alternatives of an `if`, `try` or `match`: `total` counts them where one always runs, else 0;
    `leaves` where it ends in return, raise, break or continue, so nothing it binds is seen after it."""

    owner: int
    index: int
    total: int
    leaves: bool
    test: ast.expr | None = field(default=None, compare=False)  # of the first arm of an `if`


@dataclass(eq=False, slots=True)
class Imported:
    """One name that an import statement brings in.

    `target` is the name as it is spelled, absolute where the import was relative ("crewai.memory.LongTermMemory").
    `local` is what it is called here ("*" for a star import); `module` is the dotted module alone.
    `CodeBase.import_path` finds the scanned file.
    """

    local: str
    target: str
    module: str
    level: int
    node: ast.Import | ast.ImportFrom
    alias: ast.alias
    function: Function | None = None
    guarded: bool = False  # under try/except ImportError, or TYPE_CHECKING


@dataclass(eq=False, slots=True)
class Binding:
    """One place that gives a name (or a field of `self`) a value.

    `value` is the assigned expression where there is one, to be read in `scope`; `pos` is where the name begins to
    have it. `branch` lists the arms of if and try that it stands in, outermost first.
    """

    name: str
    kind: BindingKind
    node: ast.AST
    scope: Scope
    value: ast.expr | None = None
    pos: tuple[int, int] = (0, 0)
    branch: tuple[Arm, ...] = ()
    annotation: ast.expr | None = None
    index: int | None = None  # position in an unpacked tuple
    imported: Imported | None = None
    defined: Function | Class | None = None


@dataclass(eq=False, slots=True)
class Store:
    """`a.b = value` or `d[key] = value`; `value` is None where a tuple is unpacked."""

    target: ast.Attribute | ast.Subscript
    value: ast.expr | None
    statement: ast.stmt
    scope: Scope
    branch: tuple[Arm, ...] = ()
