"""Changes of Python code. Every location is one that the readers found; the expression there is not looked at here."""

from __future__ import annotations

from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True)
class CodeChange(Change):
    """The base of those that alter one Python file: `at` is a place in it."""

    at: Location


@dataclass(frozen=True, slots=True)
class RemoveArgument(CodeChange):
    """Take the argument at `at` (`Argument.at`) out of its call."""


@dataclass(frozen=True, slots=True)
class ReplaceArgument(CodeChange):
    """Put `name=value` for the argument at `at`. `value` is a Python expression; `imports` are what it needs, each as
    (module, name). Where the call has an argument `name` already, that one gets the value and the one at `at` goes."""

    name: str
    value: str
    imports: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AddArgument(CodeChange):
    """Add `name=value` to the call whose name stands at `at` (`Call.at`), unless it is given already."""

    name: str
    value: str
    imports: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplaceExpression(CodeChange):
    """Put the Python expression `value` for the one at `at`."""

    value: str
    imports: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplaceImport(CodeChange):
    """Import `name` of `module` for what the import at `at` takes, and use it under every name that `at` bound."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class ScopeMemory(CodeChange):
    """Hand the call one memory's scope for each caller, for the dict at `at` (`Argument.at`) that meant to.

    The caller's id is the dict's value under one of `keys`; the scope is `prefix` + id + `suffix`. The memory is made
    once, at import, by `memory_import` as (module, name), and called `variable` where that name is free.
    """

    keys: tuple[str, ...]
    prefix: str = "/user/"
    suffix: str = "/chat"
    memory_import: tuple[str, str] = ("crewai.memory", "Memory")
    variable: str = "memory"


@dataclass(frozen=True, slots=True)
class SetBeforeImport(CodeChange):
    """Run the statement at `at` (an assignment to `os.environ`, `load_dotenv()`) before the first import of `package`
    in its module."""

    package: str = "crewai"


@dataclass(frozen=True, slots=True)
class InsertCall(CodeChange):
    """Call `call` (a Python expression) after the statement that holds `at`."""

    call: str


@dataclass(frozen=True, slots=True)
class RaiseAgain(CodeChange):
    """Let the `except` clause at `at` log what it caught and raise it again."""

    message: str
