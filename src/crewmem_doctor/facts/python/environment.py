"""Environment variables that the code reads and sets, and the places that load a `.env` file."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from crewmem_doctor.facts.python.index import CallSite, Function, Module, Scope
from crewmem_doctor.facts.python.nodes import is_main_guard
from crewmem_doctor.facts.python.survey import Survey, last_name
from crewmem_doctor.model.code import EnvRead, EnvWrite
from crewmem_doctor.model.expression import EnvVar, Table, walk
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory

_READS = frozenset({"os.getenv", "os.environ.get", "os.environ.pop", "decouple.config", "environ.Env"})
_LOADERS = frozenset({"load_dotenv", "dotenv_values", "read_env", "read_envfile"})
ANY = "*"  # the name of a variable that the code computes
_LOADING = ("dotenv", "environ", "environs")


def env_reads(survey: Survey, memories: Iterable[Memory]) -> tuple[EnvRead, ...]:
    """Every read, and the fields of settings classes that a memory is made of, which no call reads.

    `memory` marks the variables that a memory's store, key, embedder or switch is made of.
    """
    memories = tuple(memories)
    names = {name for memory in memories for name in memory.reads}
    found: dict[tuple[str, Location], EnvRead] = {}
    for read in _direct(survey, names):
        found.setdefault((read.name, read.at), read)
    places = {(read.name, read.at.path, read.at.line) for read in found.values()}
    for memory in memories:
        values = [memory.store.where, *(sink.value for sink in memory.sinks)]
        values += [memory.embedder.provider] if memory.embedder is not None else []
        for value in values:
            for part in walk(value):
                if (
                    isinstance(part, EnvVar)
                    and part.at is not None
                    and (part.name, part.at.path, part.at.line) not in places
                ):
                    found[part.name, part.at] = EnvRead(part.name, part.at, part.default, part.default is None, True)
    return tuple(sorted(found.values(), key=lambda r: (r.at, r.name)))


def _direct(survey: Survey, memory_names: set[str]) -> Iterator[EnvRead]:
    base = survey.base
    for site in survey.calls("getenv", "get", "pop", "config", "str", "bool", "int"):
        name = site.callee
        word = last_name(site.node.func)
        if name not in _READS and not (
            word in ("str", "bool", "int", "get") and name.startswith(("environ.Env.", "environs."))
        ):
            continue
        variable = survey.text(site.argument("key", 0), site.scope)
        if variable is None:
            continue
        default_node = site.argument("default", 1)
        default = base.evaluate(default_node, site.scope) if default_node is not None else None
        yield EnvRead(
            variable,
            base.location(site.node, site.scope.module),
            default,
            name == "decouple.config" and default is None,
            variable in memory_names,
        )
    for module in base.modules.values():
        # Reading by subscript is no call; a byte test spares the walk.
        if "environ[" not in module.text:
            continue
        for node in ast.walk(module.tree):
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.ctx, ast.Load)
                and last_name(node.value) == "environ"
                and isinstance(node.slice, ast.Constant)
                and isinstance(node.slice.value, str)
            ):
                yield EnvRead(
                    node.slice.value, base.location(node, module), None, True, node.slice.value in memory_names
                )


def env_writes(survey: Survey) -> tuple[EnvWrite, ...]:
    found = [*_assigned(survey), *_called(survey)]
    return tuple(sorted(found, key=lambda w: (w.at, w.name)))


def _assigned(survey: Survey) -> Iterator[EnvWrite]:
    """`os.environ["X"] = …`"""
    base = survey.base
    for module in base.modules.values():
        if "environ" not in module.text:
            continue
        for function in dict.fromkeys((module.body, *module.all_functions)):
            for stored in function.stores:
                target, value = stored.target, stored.value
                if (
                    isinstance(target, ast.Subscript)
                    and value is not None
                    and base.canonical(target.value, function.scope) == "os.environ"
                ):
                    yield EnvWrite(
                        survey.text(target.slice, function.scope) or ANY,
                        base.evaluate(value, function.scope),
                        base.location(stored.statement, module),
                        False,
                        _at_import(function, stored.statement),
                    )


def _called(survey: Survey) -> Iterator[EnvWrite]:
    """`os.environ.setdefault("X", …)`, `os.environ.update({…})`, `os.putenv`."""
    base = survey.base
    for site in survey.calls("setdefault", "update", "putenv"):
        if site.callee not in ("os.environ.setdefault", "os.environ.update", "os.putenv"):
            continue
        at = base.location(site.node, site.scope.module)
        early = _at_import(site.scope.body, site.node)
        if site.callee == "os.environ.update":
            table = base.evaluate(site.argument("other", 0), site.scope)
            whole = isinstance(table, Table) and not table.open
            entries = list(table.items) if isinstance(table, Table) else []
            if not whole and site.argument("other", 0) is not None:
                entries.append((ANY, table))
            entries += [(k.arg, base.evaluate(k.value, site.scope)) for k in site.node.keywords if k.arg is not None]
            for name, value in entries:
                yield EnvWrite(name, value, at, False, early)
            continue
        variable = survey.text(site.argument("key", 0), site.scope)
        if variable is not None:
            yield EnvWrite(
                variable,
                base.evaluate(site.argument("value", 1), site.scope),
                at,
                site.callee.endswith("setdefault"),
                early,
            )


def _at_import(function: Function, node: ast.AST) -> bool:
    """At module level and not under `if __name__ == "__main__"`."""
    return function.is_body and not under_main(function.module, node)


def under_main(module: Module, node: ast.AST) -> bool:
    return on_script_line(module, getattr(node, "lineno", 0))


def on_script_line(module: Module, line: int) -> bool:
    """Whether top-level code on that line runs only where the module is run as a script."""
    return any(
        isinstance(s, ast.If) and is_main_guard(s.test) and s.lineno <= line <= (s.end_lineno or s.lineno)
        for s in module.tree.body
    )


def dotenv_loads(survey: Survey) -> tuple[Location, ...]:
    found = [
        survey.base.location(site.node, site.scope.module) for site in survey.calls(*sorted(_LOADERS)) if _loads(site)
    ]
    return tuple(sorted(found))


def _loads(site: CallSite) -> bool:
    return site.callee.startswith(_LOADING) or (not site.callee and _imports_loader(site.scope))


def _imports_loader(scope: Scope) -> bool:
    return any(i.target.startswith("dotenv") for i in scope.module.imports)
