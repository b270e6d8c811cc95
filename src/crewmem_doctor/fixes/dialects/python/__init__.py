"""Python, through libcst: it keeps what it does not change.

libcst is imported when the first edit is made, and sees only what `ast` accepts: on deep nesting it would take the
process down. A file past LIMIT characters is rewritten in a child process.
"""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from collections.abc import Iterable

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Dialect, Sources
from crewmem_doctor.fixes.text import between
from crewmem_doctor.model.changes import Change
from crewmem_doctor.model.changes.code import (
    AddArgument,
    CodeChange,
    RemoveArgument,
    ReplaceArgument,
    ReplaceExpression,
    ScopeMemory,
)
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.python import parse

LIMIT = 200_000
PATIENCE = 120      # seconds for the child
# Which module of this package has the function `apply(change, code)` for a kind of change.
TRANSFORMS: dict[type[Change], str] = {
    RemoveArgument: "arguments", ReplaceArgument: "arguments", AddArgument: "arguments",
    ReplaceExpression: "expressions", ScopeMemory: "scopes",
}


def edit(change: CodeChange, sources: Sources) -> Iterable[Edit]:
    document = sources.document(change.at.path)
    text = document.text
    tree = parse(text, document.path)
    if isinstance(tree, Gap):
        raise Refused(f"{document.path} is {tree.why}")
    return between(document, rewritten(text, change) if len(text) <= LIMIT else in_child(text, change))


def rewritten(text: str, change: CodeChange) -> str:
    """The text with the change made. Raises Refused."""
    syntax = importlib.import_module(f"{__name__}.syntax")
    transform = importlib.import_module(f"{__name__}.{TRANSFORMS[type(change)]}")
    try:
        found: str = transform.apply(change, syntax.Code.read(text, change.at.path))
    except RecursionError:
        raise Refused(f"{change.at.path} is nested too deeply to be rewritten") from None
    return found


def in_child(text: str, change: CodeChange) -> str:
    """The same in a process of its own."""
    try:
        done = subprocess.run([sys.executable, "-m", f"{__name__}.child"], input=pickle.dumps((text, change)),
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise Refused(f"{change.at.path} is too large to be rewritten") from None
    if done.returncode:
        raise Refused(f"{change.at.path} is too large or too deeply nested to be rewritten")
    held, found = pickle.loads(done.stdout)
    if not held:
        raise Refused(found)
    return str(found)


DIALECT = Dialect("python", owns=lambda path: path.endswith(".py"), editors=dict.fromkeys(TRANSFORMS, edit))
