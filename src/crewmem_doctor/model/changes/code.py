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
class RenameArgument(CodeChange):
    """Hand the value of the argument at `at` over as `name`, and put `instead` (an argument) where it was."""

    name: str
    instead: str


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
class ReplaceText(CodeChange):
    """Put the constant text `value` for the expression at `at`; of an assignment or a call that sets `name`, for the
    value that it sets. An f-string, a joined path or a call that makes a path is replaced as a whole.
    With `old`, only that constant text inside the expression is."""

    value: str
    name: str = ""
    old: str = ""


@dataclass(frozen=True, slots=True)
class EndScope(CodeChange):
    """Put one more segment behind the id that the scope at `at` (an argument or its value) ends in."""

    segment: str = "chat"


@dataclass(frozen=True, slots=True)
class CallerChange(CodeChange):
    """The base of those that need the caller's id. `known` are the phrases by which the entry point knows its caller
    (`EntryPoint.identity`); the id must be one of these, in scope at `at`, and not be missing at times."""

    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UseCaller(CallerChange):
    """Put the caller's id for the value at `at` that is made anew each time. Where the caller need not send one, the
    made one stays as what stands in for it."""


@dataclass(frozen=True, slots=True)
class ConstantName(CodeChange):
    """Take the value at `at`, which is new each time, out of the text that it is a part of. Where it has a name of its
    own, that text is the one at `named` in the same function."""

    named: Location | None = None


@dataclass(frozen=True, slots=True)
class PassFlowId(CallerChange):
    """Let the kickoff at `at` (`Call.at`) bring the caller's id as the flow's."""


@dataclass(frozen=True, slots=True)
class ScopeMemory(CallerChange):
    """Hand the call one memory's scope for each caller, for the argument at `at` (`Argument.at`): the dict that meant
    to, the flag that turns memory on, or the memory object itself.

    The caller's id is the dict's value under one of `keys`, else `caller` where that is given, else one of `known`; the
    scope is `prefix` + id + `suffix`. The memory is made once, at import, by `memory_import` as (module, name), and
    called `variable` where that name is free; without a `variable` it is made in place.
    """

    keys: tuple[str, ...] = ()
    prefix: str = "/user/"
    suffix: str = "/chat"
    memory_import: tuple[str, str] = ("crewai.memory", "Memory")
    variable: str = "memory"
    caller: str = ""


@dataclass(frozen=True, slots=True)
class ScopeCall(CallerChange):
    """Give the call at `at` (`Call.at`) of a memory object's method the caller's own scope: below the constant one that
    it has, else `prefix` + id + `suffix`."""

    prefix: str = "/user/"
    suffix: str = "/chat"


@dataclass(frozen=True, slots=True)
class AddParameter(CodeChange):
    """Give the function around `at` one more parameter, without a default."""

    name: str


@dataclass(frozen=True, slots=True)
class PassCaller(CallerChange):
    """Pass the caller's id as the argument `name` of the call at `at` (`Call.at`)."""

    name: str = "user_id"


@dataclass(frozen=True, slots=True)
class UnifyMemory(CodeChange):
    """Use the one `Memory` for the older memory classes of CrewAI that the module at `at` imports at `imports`: their
    objects go where a crew takes them as the arguments of old, and become a `Memory` where `memory` takes them."""

    imports: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class SetBeforeImport(CodeChange):
    """Run the statement at `at` (an assignment to `os.environ`, `load_dotenv()`) before the import at `before`."""

    before: Location


@dataclass(frozen=True, slots=True)
class WaitForSaves(CodeChange):
    """Wait for the saves of the memory that is made at `memory` after the statement that holds the call at `at`."""

    memory: Location


@dataclass(frozen=True, slots=True)
class MakeOnce(CodeChange):
    """Evaluate the call at `at` (`Call.at`) once, at import, and use the object under the name `variable`."""

    variable: str = "memory"


@dataclass(frozen=True, slots=True)
class RaiseAgain(CodeChange):
    """Let the `except` clause (or `suppress`) at `at` log what it caught, as the module does, and raise it again."""

    message: str = "memory failed"


@dataclass(frozen=True, slots=True)
class RaiseInstead(CodeChange):
    """Raise an error with that message in place of the statement of a branch that `at` is the value of."""

    message: str
