"""Values as the code computes them, before any environment is known.

The readers of Python turn expressions into these; `evaluate` turns them into text once a service's environment is
known. Rules match on them to tell a constant from a value made for the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Literal, Union

from crewmem_doctor.model.known import Answer, Confidence, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass

Scalar = Union[str, int, float, bool, bytes, None]


@dataclass(frozen=True, slots=True)
class Text:
    """A constant of the source: a string, number, boolean or None."""

    value: Scalar
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class EnvVar:
    """`os.getenv(name, default)`, `os.environ[name]` (no default) or a settings field that reads `name`."""

    name: str
    default: Expr | None = None
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class Concat:
    """Text put together: an f-string, `+`, `%`, `.format`, `str(...)` of a part."""

    parts: tuple[Expr, ...]
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """Path parts joined by `os.path.join` or pathlib's `/`. An absolute part discards what precedes it."""

    parts: tuple[Expr, ...]
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A directory that the process finds at run time.

    `source` is the directory (or, with `ups`, an ancestor of it) of the module at `path`, relative to the scan root;
    `data` is CrewAI's own `db_storage_path()`; `temporary` is a fresh `mkdtemp`/`TemporaryDirectory`; `tempdir` is
    `gettempdir()`.
    """

    kind: Literal["cwd", "home", "tempdir", "temporary", "source", "data"]
    path: str = ""
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """A value that is new each time it is computed: `source` is e.g. "uuid4()"."""

    source: str
    nature: Literal["random", "time", "process", "host"] = "random"
    at: Location | None = None
    per_process: bool = False  # computed once at import, so constant within one process


@dataclass(frozen=True, slots=True)
class FromCaller:
    """Something the caller of the service sends or is known by: body, path, query, header, cookie, session, chat id."""

    what: str
    at: Location | None = None
    fixed: bool = False  # of one width whatever is sent: a UUID, a digest


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several: `a or b`, a conditional expression, an if/else assignment, two call sites. In source order.

    `fallback` is True for `a or b` and `a if a else b`: the later options only stand in for a missing first one.
    """

    options: tuple[Expr, ...]
    fallback: bool = False
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A dict display or `dict(...)`; keys that are not constant text are dropped and `open` is then True."""

    items: tuple[tuple[str, Expr], ...]
    open: bool = False
    at: Location | None = None

    def get(self, key: str) -> Expr | None:
        return next((v for k, v in reversed(self.items) if k == key), None)


@dataclass(frozen=True, slots=True)
class Items:
    """A list, tuple or set display."""

    items: tuple[Expr, ...]
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """A call whose result the readers do not compute: a constructor or a function, by its canonical dotted name.

    `class_path` is the path of the scanned module that defines the class, empty for installed packages; `bases` are the
    canonical names of all its bases, transitively. `receiver` is the object whose method is called, where it is known.
    """

    callee: str
    args: tuple[Expr, ...] = ()
    kwargs: tuple[tuple[str, Expr], ...] = ()
    at: Location | None = None
    class_path: str = ""
    bases: tuple[str, ...] = ()
    receiver: Expr | None = None

    def argument(self, name: str, position: int | None = None) -> Expr | None:
        for key, value in self.kwargs:
            if key == name:
                return value
        if position is not None and position < len(self.args):
            return self.args[position]
        return None


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value the readers could not follow; `why` is a phrase for the report."""

    why: str
    at: Location | None = None


Expr = Union[Text, EnvVar, Concat, Joined, Place, Fresh, FromCaller, Choice, Table, Items, Build, Opaque]


def walk(expr: Expr | None) -> Iterator[Expr]:
    """`expr` and everything inside it, outermost first."""
    if expr is None:
        return
    yield expr
    children: tuple[Expr | None, ...] = ()
    if isinstance(expr, (Concat, Joined)):
        children = expr.parts
    elif isinstance(expr, Choice):
        children = expr.options
    elif isinstance(expr, EnvVar):
        children = (expr.default,)
    elif isinstance(expr, Table):
        children = tuple(v for _, v in expr.items)
    elif isinstance(expr, Items):
        children = expr.items
    elif isinstance(expr, Build):
        children = (*expr.args, *(v for _, v in expr.kwargs))
    for child in children:
        yield from walk(child)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process finds around it. Text answers; `variable(name)` is None where the name is certainly not set.

    `source(path)` gives the directory in the running container of the scanned module at `path`.
    """

    cwd: Answer[str]
    home: Answer[str]
    variable: Callable[[str], Answer[str] | None]
    source: Callable[[str], Answer[str]]
    tempdir: Answer[str] = field(default_factory=lambda: Known("/tmp"))
    data: Answer[str] = field(default_factory=lambda: Unknown("CrewAI's data directory is not known"))
    caller: Answer[str] | None = None   # stands for whatever a caller sends, where a reader wants the rest of the text


def join_path(*parts: str) -> str:
    """POSIX join with `.` and `..` resolved textually; an absolute part discards what precedes it."""
    joined = ""
    for part in parts:
        joined = part if part.startswith("/") or not joined else f"{joined.rstrip('/')}/{part}"
    absolute = joined.startswith("/")
    out: list[str] = []
    for piece in joined.split("/"):
        if piece in ("", "."):
            continue
        if piece == ".." and out and out[-1] != "..":
            out.pop()
        elif piece != ".." or not absolute:
            out.append(piece)
    return ("/" if absolute else "") + "/".join(out)


def evaluate(expr: Expr, around: Surroundings) -> Answer[str]:
    """The text of `expr` in those surroundings. Relative paths stay relative. Never guesses."""
    if isinstance(expr, Text):
        return Known("" if expr.value is None else str(expr.value), expr.at)
    if isinstance(expr, EnvVar):
        answer = around.variable(expr.name)
        if answer is not None:
            return answer
        if expr.default is None:
            return Unknown(f"{expr.name} is not set", expr.at)
        return evaluate(expr.default, around)
    if isinstance(expr, (Concat, Joined)):
        return _combined(expr, around)
    if isinstance(expr, Place):
        return _place(expr, around)
    if isinstance(expr, Choice):
        return _choice(expr, around)
    if isinstance(expr, Fresh):
        return Unknown(f"{expr.source} differs each time", expr.at)
    if isinstance(expr, FromCaller):
        return around.caller or Unknown(f"{expr.what} comes from the caller", expr.at)
    if isinstance(expr, Opaque):
        return Unknown(expr.why, expr.at)
    return Unknown("not text", expr.at)


def _combined(expr: Concat | Joined, around: Surroundings) -> Answer[str]:
    texts: list[str] = []
    confidence: Confidence = "high"
    for part in expr.parts:
        answer = evaluate(part, around)
        if isinstance(answer, Unknown):
            return answer
        confidence = answer.confidence if answer.confidence != "high" else confidence
        texts.append(answer.value)
    return Known(join_path(*texts) if isinstance(expr, Joined) else "".join(texts), expr.at, confidence)


def _place(expr: Place, around: Surroundings) -> Answer[str]:
    if expr.kind == "cwd":
        return around.cwd
    if expr.kind == "home":
        return around.home
    if expr.kind == "data":
        return around.data
    if expr.kind == "source":
        return around.source(expr.path)
    tempdir = around.tempdir
    if expr.kind == "tempdir" or isinstance(tempdir, Unknown):
        return tempdir
    return Known(join_path(tempdir.value, "tmp????????"), expr.at)


def _choice(expr: Choice, around: Surroundings) -> Answer[str]:
    """Known only where all options give the same text; in a fallback the first that is set decides."""
    answers = [evaluate(option, around) for option in expr.options]
    if expr.fallback:
        for answer in answers:
            if isinstance(answer, Unknown):
                if answer.why.endswith("is not set"):
                    continue
                return answer
            if answer.value:
                return answer
        return answers[-1]
    first = answers[0]
    if isinstance(first, Known) and all(isinstance(a, Known) and a.value == first.value for a in answers):
        return first
    return next(
        (a for a in answers if isinstance(a, Unknown)), Unknown("the code chooses between several values", expr.at)
    )
