"""Calls that delete what a memory has stored, and when they run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Literal

from crewmem_doctor.facts.python.environment import under_main
from crewmem_doctor.facts.python.failures.startup import runs_at_start
from crewmem_doctor.facts.python.failures.touches import Touches
from crewmem_doctor.facts.python.index import CallSite, Function
from crewmem_doctor.facts.python.ledger import built, reaches
from crewmem_doctor.facts.python.survey import last_name
from crewmem_doctor.model.expression import Expr, Table, walk
from crewmem_doctor.model.failure import Wipe
from crewmem_doctor.model.memory import EntryPoint, Memory, Reach

Moment = Literal["import", "start", "request", "script", "never"]
_REMOVES = ("shutil.rmtree", "os.remove", "os.unlink", "os.rmdir", "os.removedirs")
_RESETS = ("reset", "reset_all", "reset_memories", "delete_all")
# Names of functions, routes and switches whose purpose it is to delete.
_MEANT = re.compile(
    r"reset|clear|clean|wipe|delete|purge|forget|flush|remove|erase|drop|truncate|fresh|tear_?down|uninstall|test|"
    r"seed|demo|rebuild|reindex|force|bench|migrat|restore|cleanup",
    re.IGNORECASE,
)


def find_wipes(touches: Touches, entries: Mapping[Function, EntryPoint]) -> tuple[Wipe, ...]:
    found = [*_removed(touches, entries), *_reset(touches, entries), *_mem0(touches)]
    return tuple(sorted(found, key=lambda w: w.at))


def _removed(touches: Touches, entries: Mapping[Function, EntryPoint]) -> Iterator[Wipe]:
    for site in touches.survey.calls("rmtree", "remove", "unlink", "rmdir", "removedirs"):
        func = site.node.func
        target = site.argument("path", 0)
        if site.callee not in _REMOVES:
            if last_name(func) not in ("unlink", "rmdir") or not isinstance(func, ast.Attribute):
                continue
            target = func.value
        if target is not None:
            yield _wipe(
                touches,
                entries,
                site,
                site.callee or f"Path.{last_name(func)}",
                touches.base.evaluate(target, site.scope),
                None,
            )


def _reset(touches: Touches, entries: Mapping[Function, EntryPoint]) -> Iterator[Wipe]:
    """`crew.reset_memories(…)`, `memory.reset()`, mem0's `delete_all()`, `crewai reset-memories` as a command."""
    for site in touches.survey.calls(*_RESETS):
        func = site.node.func
        if not isinstance(func, ast.Attribute):
            continue
        if func.attr == "reset_memories":
            for memory in touches.run_by(func.value, site):
                yield _wipe(touches, entries, site, "reset_memories()", None, memory)
            continue
        found = touches.of(touches.base.evaluate(func.value, site.scope))
        if found is not None and (found.kind != "third_party" or (not site.node.args and not site.node.keywords)):
            yield _wipe(touches, entries, site, f"{func.attr}()", None, found)
    for site in touches.survey.calls("run", "call", "check_call", "system", "Popen", "check_output"):
        if site.callee.startswith(("subprocess.", "os.")) and "reset-memories" in ast.unparse(site.node):
            yield _wipe(touches, entries, site, "crewai reset-memories", None, None)


def _mem0(touches: Touches) -> Iterator[Wipe]:
    """mem0's embedded Qdrant without `on_disk`: older releases empty its directory when it is opened."""
    for site, what, memories in touches.sites:
        memory = memories[0]
        if (
            what == "build"
            and memory.callee.startswith("mem0.")
            and memory.store.kind == "path"
            and memory.store.engine == "qdrant"
        ):
            tables = [
                part
                for part in walk(built(touches.base, site))
                if isinstance(part, Table) and part.get("path") is not None
            ]
            if tables and not any(table.open or table.get("on_disk") is not None for table in tables):
                yield Wipe(site.location, "mem0", "import", None, memory.at, (), False, site.scope.body.qualname)


def _wipe(
    touches: Touches,
    entries: Mapping[Function, EntryPoint],
    site: CallSite,
    call: str,
    target: Expr | None,
    memory: Memory | None,
) -> Wipe:
    function = site.scope.body
    moment, ways = moment_of(touches, entries, site)
    return Wipe(
        site.location,
        call,
        moment,
        target,
        memory.at if memory is not None else None,
        ways,
        _deliberate(function, site.node, ways),
        function.qualname,
    )


def moment_of(
    touches: Touches, entries: Mapping[Function, EntryPoint], site: CallSite
) -> tuple[Moment, tuple[Reach, ...]]:
    """When the call runs, and the ways to it."""
    function = site.scope.body
    if function.is_body and not under_main(function.module, site.node):
        return "import", ()
    ways = reaches(touches.base, [site], entries)
    if any(w.entry.kind != "script" for w in ways):
        return "request", ways
    if runs_at_start(touches.base, function):
        return "start", ways
    return ("script" if ways else "never"), ways


def _deliberate(function: Function, node: ast.AST, ways: tuple[Reach, ...]) -> bool:
    """The function, the way to it or a test around the call is named after deleting; or it is put back in an exit."""
    names = [
        function.qualname,
        function.module.path.rpartition("/")[2],
        *(w.entry.label for w in ways),
        *(w.entry.qualname for w in ways),
        *(s.note for w in ways for s in w.steps),
    ]
    if any(_MEANT.search(name) for name in names):
        return True
    line = getattr(node, "lineno", 0)
    for other in ast.walk(function.node):
        inside = (
            any(s.lineno <= line <= (s.end_lineno or 0) for s in getattr(other, "body", ()) if isinstance(s, ast.stmt))
            if isinstance(other, ast.If)
            else False
        )
        if inside and isinstance(other, ast.If) and _MEANT.search(ast.unparse(other.test)):
            return True
        if isinstance(other, (ast.Try,)) and any(s.lineno <= line <= (s.end_lineno or 0) for s in other.finalbody):
            return True
    return False
