"""What the code does when memory fails, and what it does to memory when it starts and ends."""

from __future__ import annotations

from typing import Literal

from crewmem_doctor.model.expression import Expr
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Reach
from crewmem_doctor.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Guarded:
    """Something of a memory that an exception handler stands around. `memory` is where that memory is made."""

    what: Literal["kickoff", "build", "save", "recall"]
    at: Location
    memory: Location


@dataclass(frozen=True, slots=True)
class Swallow:
    """An `except` that neither raises, nor hands the error on, nor tells the caller.

    `how` is "silent" for `pass` and the like, "logged" where all that is left is a log line, "answered" where the
    function returns or goes on with something made up. `handlers` are the ways from entry points to it.
    """

    at: Location
    how: Literal["silent", "logged", "answered"]
    guarded: tuple[Guarded, ...]
    inside: str = ""
    handlers: tuple[Reach, ...] = ()


@dataclass(frozen=True, slots=True)
class Fallback:
    """A lesser store that stands in for the one that was meant: `at` is the lesser one, `meant` the other.

    `to` is "ram", "off" or "local". `settings` are the variables whose absence leads there; without any, an exception
    does, caught at `cause`.
    """

    at: Location
    to: Literal["ram", "off", "local"]
    memory: Location
    meant: Location
    cause: Location
    settings: tuple[str, ...] = ()
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Wipe:
    """A call that deletes a memory's records: the directory at `target`, or the records of the memory made at
    `memory` (all of CrewAI's where that is None and `target` too).

    `moment` says when it runs. `deliberate` where names around it say that deleting is the purpose.
    """

    at: Location
    call: str
    moment: Literal["import", "start", "request", "script", "never"]
    target: Expr | None = None
    memory: Location | None = None
    handlers: tuple[Reach, ...] = ()
    deliberate: bool = False
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A call that runs when the application starts and would fail if a server or a key were missing."""

    at: Location
    what: str


@dataclass(frozen=True, slots=True)
class Unflushed:
    """A call after which saves may still be on their way: `how` names it ("Agent.kickoff", "remember_many").

    `drained` where something waits for that memory's saves. `exits` is an `os._exit` in the same module.
    """

    at: Location
    how: str
    memory: Location
    handlers: tuple[Reach, ...] = ()
    drained: bool = False
    exits: Location | None = None
    inside: str = ""


@dataclass(frozen=True, slots=True)
class LateSetting:
    """A variable that the code sets after CrewAI was imported. `name` is empty for `load_dotenv()`; `imported` is the
    import that came first, `weak` a `setdefault`, and `loaded` are the scanned modules that were surely run before."""

    name: str
    at: Location
    imported: Location
    weak: bool = False
    inside: str = ""
    loaded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failures:
    """All of these."""

    swallows: tuple[Swallow, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()
    wipes: tuple[Wipe, ...] = ()
    checks: tuple[Check, ...] = ()
    unflushed: tuple[Unflushed, ...] = ()
    late: tuple[LateSetting, ...] = ()
