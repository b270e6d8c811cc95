"""Python: `ast` says where things stand, text is spliced there, and libcst writes the arguments of a call anew.

libcst is imported when the first call is rewritten, sees that call alone, and only what `ast` accepts: on deep nesting
it would take the process down. A call past LIMIT characters is rewritten in a child process.
"""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Dialect, Sources
from crewmem_doctor.fixes.text import Document, between_lines
from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes import code as changes
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.python import parse

if TYPE_CHECKING:
    from crewmem_doctor.fixes.dialects.python.syntax import Code, Splice

LIMIT = 200_000
PATIENCE = 120  # seconds for the child
# Which module of this package has the function `apply(change, code)` for a kind of change.
TRANSFORMS: dict[type[Change], str] = {
    changes.RemoveArgument: "arguments",
    changes.ReplaceArgument: "arguments",
    changes.AddArgument: "arguments",
    changes.RenameArgument: "arguments",
    changes.ReplaceExpression: "expressions",
    changes.ReplaceText: "expressions",
    changes.EndScope: "expressions",
    changes.UseCaller: "keys",
    changes.ConstantName: "keys",
    changes.PassFlowId: "keys",
    changes.ScopeMemory: "scopes",
    changes.ScopeCall: "scopes",
    changes.AddParameter: "passing",
    changes.PassCaller: "passing",
    changes.RaiseAgain: "handlers",
    changes.RaiseInstead: "handlers",
    changes.SetBeforeImport: "statements",
    changes.WaitForSaves: "statements",
    changes.MakeOnce: "statements",
    changes.UnifyMemory: "legacy",
}


def edit(change: changes.CodeChange, sources: Sources) -> Iterable[Edit]:
    document = sources.document(change.at.path)
    splices = spliced(sources.parsed(change.at.path, _code), change)
    found = tuple(edits(document, splices))
    _check(document, splices)
    return found


def _code(document: Document) -> Code:
    tree = parse(document.text, document.path)
    if isinstance(tree, Gap):
        raise Refused(f"{document.path} is {tree.why}")
    code: Code = importlib.import_module(f"{__name__}.syntax").Code(document.path, document.text, tree)
    return code


def spliced(code: Code, change: changes.CodeChange) -> Sequence[Splice]:
    """The splices that make the change. Raises Refused."""
    transform = importlib.import_module(f"{__name__}.{TRANSFORMS[type(change)]}")
    try:
        found: Sequence[Splice] = transform.apply(change, code)
    except RecursionError:
        raise Refused(f"{change.at.path} is nested too deeply to be rewritten") from None
    return found


def in_child(task: tuple[object, ...], path: str) -> str:
    """A call's text rewritten by libcst in a process of its own."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"{__name__}.child"],
            input=pickle.dumps(task),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise Refused(f"{path} is too large to be rewritten") from None
    if done.returncode:
        raise Refused(f"{path} is too large or too deeply nested to be rewritten")
    held, found = pickle.loads(done.stdout)
    if not held:
        raise Refused(found)
    return str(found)


def edits(document: Document, splices: Sequence[Splice]) -> Iterator[Edit]:
    """Splices of the text as edits of the lines that they touch, and of nothing else in them."""
    lines = document.text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    text = document.text
    for group in _groups(text, splices):
        first, last = text.count("\n", 0, group[0].start), max(text.count("\n", 0, s.end) for s in group)
        new, end = "", starts[first]
        for splice in group:
            new += text[end : splice.start] + splice.text
            end = splice.end
        new += text[end : starts[last] + len(lines[last])]
        yield from between_lines(document, lines[first : last + 1], new.split("\n"), first)


def _groups(text: str, splices: Sequence[Splice]) -> Iterator[list[Splice]]:
    """Those that share a line together, in order. Raises Refused where two meet."""
    group: list[Splice] = []
    for splice in sorted(dict.fromkeys(splices), key=lambda s: (s.start, s.end)):
        if group and splice.start < group[-1].end:
            raise Refused("two changes of one place meet")
        if group and "\n" in text[group[-1].end : splice.start]:
            yield group
            group = []
        group.append(splice)
    if group:
        yield group


def _check(document: Document, splices: Sequence[Splice]) -> None:
    """What is written must be Python again."""
    text, new, end = document.text, "", 0
    for splice in sorted(dict.fromkeys(splices), key=lambda s: (s.start, s.end)):
        new += text[end : splice.start] + splice.text
        end = splice.end
    if isinstance(parse(new + text[end:], document.path), Gap):
        raise Refused(f"{document.path} would not be Python afterwards")


DIALECT = Dialect("python", owns=lambda path: path.endswith(".py"), editors=dict.fromkeys(TRANSFORMS, edit))
