"""What the index of the Python sources is made of: modules, classes, functions, bindings and calls."""

from __future__ import annotations

import ast
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Union

from crewmem_doctor.facts.python.bindings import Arm, Binding, BindingKind, Imported, Store
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import EntryPoint, Step
from crewmem_doctor.model.record import dataclass

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.index import CodeBase

__all__ = [
    "Arm",
    "Assignment",
    "Binding",
    "BindingKind",
    "CallSite",
    "Chain",
    "Class",
    "Definition",
    "Function",
    "Imported",
    "Module",
    "Scope",
    "Store",
    "is_main_guard",
]


@dataclass(eq=False, slots=True)
class Assignment:
    """A module-level or class-level name and what it was given; what `definition` returns for a plain variable."""

    module: Module
    owner: Class | None
    name: str
    bindings: list[Binding]

    @property
    def value(self) -> ast.expr | None:
        """The last value."""
        return next((b.value for b in reversed(self.bindings) if b.value is not None), None)


@dataclass(eq=False)
class Function:
    """A function, a method, or with an empty qualname the body of a module (`Module.body`), where scripts run.

    Lambdas and comprehensions belong to the function they stand in.
    """

    module: Module
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Module
    qualname: str
    owner: Class | None = None
    parent: Function | None = None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    sites: list[CallSite] = field(default_factory=list)  # calls, in order, those of lambdas and class bodies included
    returns: list[ast.Return] = field(default_factory=list)
    yields: list[ast.Yield | ast.YieldFrom] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    loads: list[ast.Name | ast.Attribute] = field(default_factory=list)  # names and dotted names read, outermost node
    subscripts: list[ast.Subscript] = field(default_factory=list)  # d["key"], read
    annotations: list[ast.expr] = field(default_factory=list)
    injected: list[ast.expr] = field(default_factory=list)  # what `Depends(…)` of the signature or a decorator names
    arms: list[tuple[int, int, tuple[Arm, ...]]] = field(default_factory=list)  # first and last line of each arm
    children: list[Function] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.qualname.rsplit(".", 1)[-1]

    @property
    def dotted(self) -> str:
        """Its canonical name: "app.crew.build"."""
        return f"{self.module.name}.{self.qualname}" if self.qualname else self.module.name

    @cached_property
    def scope(self) -> Scope:
        return Scope(self.module, self if self.qualname else None, self.owner)

    @property
    def is_body(self) -> bool:
        return not self.qualname

    @property
    def decorators(self) -> list[ast.expr]:
        return [] if isinstance(self.node, ast.Module) else self.node.decorator_list

    @cached_property
    def parameters(self) -> dict[str, ast.arg]:
        """By name, in order, `self` included; without `*args` and `**kwargs`."""
        if isinstance(self.node, ast.Module):
            return {}
        args = self.node.args
        return {a.arg: a for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}

    @cached_property
    def defaults(self) -> dict[str, ast.expr]:
        """The default expressions of its parameters."""
        if isinstance(self.node, ast.Module):
            return {}
        args = self.node.args
        positional = [*args.posonlyargs, *args.args]
        found = {a.arg: d for a, d in zip(reversed(positional), reversed(args.defaults), strict=False)}
        found.update({a.arg: d for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=False) if d is not None})
        return found

    def __repr__(self) -> str:
        return f"Function({self.module.path}:{self.qualname or '<module>'})"


@dataclass(eq=False)
class Class:
    """A class. `attributes` are the names its body binds, `fields` what methods store on `self`."""

    module: Module
    node: ast.ClassDef
    qualname: str
    parent: Function | None = None  # the function it is defined in
    owner: Class | None = None  # the class it is defined in
    attributes: dict[str, list[Binding]] = field(default_factory=dict)
    methods: dict[str, Function] = field(default_factory=dict)
    fields: dict[str, list[Binding]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def dotted(self) -> str:
        return f"{self.module.name}.{self.qualname}"

    @cached_property
    def scope(self) -> Scope:
        """The scope of its body."""
        return Scope(self.module, self.parent, self)

    @cached_property
    def outside(self) -> Scope:
        """The scope that the class statement stands in."""
        return self.owner.scope if self.owner is not None else Scope(self.module, self.parent, None)

    def __repr__(self) -> str:
        return f"Class({self.module.path}:{self.qualname})"


@dataclass(eq=False)
class Module:
    """A parsed file. `names` are its possible dotted names, the unique one (from the scan root) first."""

    path: str
    names: tuple[str, ...]
    tree: ast.Module
    text: str
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)
    imports: list[Imported] = field(default_factory=list)
    stars: list[Imported] = field(default_factory=list)
    all_functions: list[Function] = field(default_factory=list)  # in source order, redefinitions too; body first
    all_classes: list[Class] = field(default_factory=list)
    spans: dict[int, tuple[ast.AST, Location]] = field(default_factory=dict)  # by the node's id, while it is kept

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def is_package(self) -> bool:
        return self.path.rsplit("/", 1)[-1] == "__init__.py"

    @cached_property
    def body(self) -> Function:
        """Its top-level code, as a function."""
        return Function(self, self.tree, "")

    @cached_property
    def scope(self) -> Scope:
        return Scope(self)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def is_ascii(self) -> bool:
        return self.text.isascii()

    @property
    def is_script(self) -> bool:
        """Has an `if __name__ == "__main__":` block."""
        return any(isinstance(s, ast.If) and is_main_guard(s.test) for s in self.tree.body)

    def __repr__(self) -> str:
        return f"Module({self.path})"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands. At module level both `function` and `cls` are None; in a class body, `function` is
    the function around the class."""

    module: Module
    function: Function | None = None
    cls: Class | None = None

    @property
    def in_class_body(self) -> bool:
        return self.cls is not None and (self.function is None or self.function.owner is not self.cls)

    @property
    def level(self) -> Literal["module", "class", "function"]:
        if self.function is not None:
            return "function"
        return "class" if self.cls is not None else "module"

    @property
    def inside(self) -> str:
        """Dotted name of the enclosing function, empty at module level."""
        return self.function.dotted if self.function is not None else ""

    @property
    def body(self) -> Function:
        """The function whose code this is; the module's body at module and class level."""
        return self.function if self.function is not None else self.module.body


class CallSite:
    """A call. `callee` is canonical ("crewai.Crew", "crewai.Crew.kickoff", "app.crew.build"; "" unknown) and worked
    out on first use, as is `location`."""

    __slots__ = ("_base", "_callee", "node", "scope")

    def __init__(self, base: CodeBase, node: ast.Call, scope: Scope) -> None:
        self._base = base
        self._callee: str | None = None
        self.node = node
        self.scope = scope

    @property
    def callee(self) -> str:
        if self._callee is None:
            self._callee = self._base.callee(self)
        return self._callee

    @property
    def location(self) -> Location:
        """The span of the call's name: `Crew` of `Crew(…)`."""
        return self._base.location(self.node.func, self.scope.module)

    def keyword(self, name: str) -> ast.keyword | None:
        return next((k for k in self.node.keywords if k.arg == name), None)

    def argument(self, name: str, position: int | None = None) -> ast.expr | None:
        """The expression given by that name, or at that position. `**kwargs` are not looked into; `evaluate` does."""
        keyword = self.keyword(name)
        if keyword is not None:
            return keyword.value
        before = self.node.args[: (position or 0) + 1]
        if position is None or position >= len(before) or any(isinstance(a, ast.Starred) for a in before):
            return None
        return before[position]

    def __repr__(self) -> str:
        return f"CallSite({self.callee or ast.dump(self.node.func)[:40]} at {self.location})"


@dataclass(frozen=True, slots=True)
class Chain:
    """A way from an entry point to a place in the code.

    `builds` is True where the code at the end runs anew for each request, False where the request only uses an object
    that was made once (module level, start-up hook, cached factory). `steps` are the call sites from the handler on.
    `queued` says that a task queue lies on the way.
    """

    entry: EntryPoint
    steps: tuple[Step, ...]
    builds: bool = True
    functions: tuple[Function, ...] = ()
    queued: bool = False


Definition = Union[Function, Class, Assignment, Module]


def is_main_guard(test: ast.expr) -> bool:
    """`__name__ == "__main__"`."""
    return isinstance(test, ast.Compare) and any(
        isinstance(side, ast.Name) and side.id == "__name__" for side in (test.left, *test.comparators)
    )
