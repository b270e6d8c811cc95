"""The memory classes up to CrewAI 1.9 become the one `Memory`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from crewmem_doctor.fixes.dialects.python.arguments import place, removed, rewrite
from crewmem_doctor.fixes.dialects.python.expressions import text
from crewmem_doctor.fixes.dialects.python.syntax import Code, Splice
from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.model.changes.code import UnifyMemory

CLASSES = ("ShortTermMemory", "LongTermMemory", "EntityMemory", "ExternalMemory", "UserMemory")
TAKES = ("short_term_memory", "long_term_memory", "entity_memory", "external_memory", "user_memory")


class _Unified:
    """One module on its way. `gone` are nodes that leave the text: what is used only there is not used any more."""

    def __init__(self, code: Code, change: UnifyMemory) -> None:
        self.code, self.path = code, code.path
        self.imports: dict[ast.ImportFrom, list[ast.alias]] = {}
        for at in change.imports or (change.at,):
            alias = code.beginning(at, ast.alias)
            statement = code.parents[alias]
            if not isinstance(alias, ast.alias) or not isinstance(statement, ast.ImportFrom):
                raise Refused(f"line {at.line} of {self.path} imports a module, not a class of it")
            self.imports.setdefault(statement, []).append(alias)
        self.classes = {a.asname or a.name: a.name for found in self.imports.values() for a in found}
        self.gone: list[ast.AST] = []
        self.splices: list[Splice] = []
        self.made: list[tuple[ast.Call, str]] = []  # calls that become a Memory, with its argument
        self.arguments: dict[ast.Call, list[ast.keyword]] = {}

    def run(self) -> Sequence[Splice]:
        for node in self.uses(*(n for n, c in self.classes.items() if c in CLASSES)):
            call = self.code.parents.get(node)
            if not isinstance(call, ast.Call) or call.func is not node:
                if self.in_annotation(node):
                    self.splices.append(self.code.replaced(node, self.memory()))
                    continue
                self.refuse(node, "is used otherwise than to make a memory")
            elif not self.away(call):
                self.used_at(call)
        for node in self.uses(*(n for n, c in self.classes.items() if c not in CLASSES)):
            if not self.away(node):
                raise Refused(
                    f"{node.id} at line {node.lineno} of {self.path} has no successor; "
                    "docs/recipes has storage objects for "
                    "Postgres and Redis"
                )
        self.splices += [self.without(call, found) for call, found in self.arguments.items()]
        self.splices += [
            self.code.replaced(call, f"{self.memory()}({given})") for call, given in self.made if not self.away(call)
        ]
        return [*self.splices, *self.rewritten_imports()]

    def refuse(self, node: ast.AST, why: str) -> None:
        name = getattr(node, "id", "memory")
        raise Refused(
            f"{name} at line {getattr(node, 'lineno', 0)} of {self.path} {why}; "
            "there is only Memory, with remember() and recall()"
        )

    def uses(self, *names: str) -> Iterator[ast.Name]:
        """In the order of the text."""
        found = [n for n in ast.walk(self.code.tree) if isinstance(n, ast.Name) and n.id in names]
        return iter(sorted(found, key=lambda n: (n.lineno, n.col_offset)))

    def away(self, node: ast.AST) -> bool:
        return any(n in self.gone for n in (node, *self.code.above(node)))

    def in_annotation(self, node: ast.AST) -> bool:
        above = self.code.parents.get(node)
        return (isinstance(above, (ast.arg, ast.AnnAssign)) and above.annotation is node) or (
            isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef)) and above.returns is node
        )

    def used_at(self, call: ast.Call) -> None:
        """A memory that is made: handed over where it is made, or kept under a name."""
        above = self.code.parents[call]
        if isinstance(above, ast.keyword):
            self.handed(above, call)
        elif isinstance(above, ast.Assign) and len(above.targets) == 1 and isinstance(above.targets[0], ast.Name):
            name = above.targets[0].id
            bindings = [
                n
                for n in ast.walk(self.code.tree)
                if isinstance(n, ast.Name) and n.id == name and not isinstance(n.ctx, ast.Load)
            ]
            reads = [n for n in self.uses(name) if isinstance(n.ctx, ast.Load)]
            if len(bindings) != 1 or not all(isinstance(self.code.parents.get(n), ast.keyword) for n in reads):
                self.refuse(call.func, f"is kept as {name}, which is used otherwise than as an argument")
            kept = [self.handed(k, call, n) for n in reads if isinstance(k := self.code.parents[n], ast.keyword)]
            if not any(kept):
                self.statement_gone(above)
        else:
            self.refuse(call.func, "is used otherwise than as an argument")

    def handed(self, keyword: ast.keyword, made: ast.Call, use: ast.AST | None = None) -> bool:
        """Whether the memory is still wanted there: `memory=` takes it, the arguments of old are gone."""
        owner = self.code.parents[keyword]
        assert isinstance(owner, ast.Call)
        if keyword.arg in TAKES:
            if any(not self.known(k.value) for k in made.keywords if k.arg == "storage") or made.args:
                raise Refused(
                    f"the storage at line {made.lineno} of {self.path} is one of its own, which this release does "
                    "not take; docs/recipes has storage objects for Postgres and Redis"
                )
            self.arguments.setdefault(owner, []).append(keyword)
            self.gone.append(use or keyword)
            return False
        if keyword.arg != "memory":
            self.refuse(made.func, f"is handed over as {keyword.arg}")
        if not any(call is made for call, _ in self.made):
            self.made.append((made, self.storage(made)))
            self.gone.extend(n for n in ast.iter_child_nodes(made) if n is not made.func)
        return True

    def known(self, storage: ast.expr) -> bool:
        """Whether it is the older releases' own, so that Memory's own takes its place."""
        if isinstance(storage, ast.Call) and isinstance(storage.func, ast.Name):
            return storage.func.id in ("LTMSQLiteStorage", "RAGStorage") or self.classes.get(storage.func.id, "") in (
                "LTMSQLiteStorage",
                "RAGStorage",
            )
        return isinstance(storage, (ast.Constant, ast.Dict))

    def storage(self, made: ast.Call) -> str:
        """`storage=…` of a Memory for where the older class kept its records: a directory in place of a file."""
        given = [k for k in made.keywords if not (isinstance(k.value, ast.Constant) and k.value.value is None)]
        kept = [f"embedder={self.code.source(k.value)}" for k in given if k.arg in ("embedder", "embedder_config")]
        where = [k for k in given if k.arg in ("storage", "path")]
        if made.args or len(where) > 1 or len(where) + len(kept) < len(given):
            self.refuse(made.func, "is given what a Memory does not take")
        for keyword in where:
            path = _path(keyword.value)
            if path is None:
                self.refuse(made.func, "is given a storage that a Memory does not take")
            kept.insert(0, f"storage={text(str(path).removesuffix('.db'), self.code.source(keyword.value))}")
        return ", ".join(kept)

    def without(self, call: ast.Call, found: list[ast.keyword]) -> Splice:
        """The call without the arguments of old, and with memory turned on."""
        on = next((k for k in call.keywords if k.arg == "memory"), None)
        if any(k.arg is None for k in call.keywords):
            raise Refused(f"the call at line {call.lineno} of {self.path} takes arguments from a dict")
        if on is None:
            first, rest = found[0], found[1:]
            if rest:
                raise Refused(
                    f"the crew at line {call.lineno} of {self.path} does not say whether memory is on; "
                    "turn it on there first"
                )
            return self.code.replaced(first, "memory=True")
        off = isinstance(on.value, ast.Constant) and on.value.value in (False, None)
        if off and len(found) > 1:
            raise Refused(
                f"the crew at line {call.lineno} of {self.path} has memory turned off; turn it on there first"
            )
        if off:
            return rewrite(self.code, call, "replace-other", place(call, found[0]), place(call, on), "True")
        return removed(self.code, call, *found)

    def statement_gone(self, statement: ast.Assign) -> None:
        self.code.indentation(statement)
        block = getattr(self.code.parents[statement], "body", [])
        if len(block) < 2:
            self.refuse(statement.targets[0], "is all that its block does")
        self.gone.append(statement)
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        if (
            last < len(self.code.lines)
            and not self.code.lines[last].strip()
            and (first == 0 or not self.code.lines[first - 1].strip())
        ):
            last += 1
        self.splices.append(
            Splice(
                self.code.starts[first],
                self.code.starts[last] if last < len(self.code.lines) else len(self.code.text),
                "",
            )
        )

    def memory(self) -> str:
        return "Memory" if "Memory" not in self.code.names else self.code.free("CrewMemory", "CrewAIMemory")

    def rewritten_imports(self) -> Iterator[Splice]:
        """The names of old out of the imports, `Memory` in where something uses it."""
        wanted = any("Memory" in s.text for s in self.splices)
        line = "from crewai.memory import Memory" + ("" if self.memory() == "Memory" else f" as {self.memory()}")
        for statement, aliases in self.imports.items():
            rest = [a for a in statement.names if a not in aliases]
            new = []
            if rest:
                if statement.lineno != statement.end_lineno:
                    raise Refused(f"line {statement.lineno} of {self.path} imports more, over several lines")
                names = ", ".join(a.name + (f" as {a.asname}" if a.asname else "") for a in rest)
                new.append(f"from {statement.module} import {names}")
            if wanted:
                new.append(line)
                wanted = False
            indent = self.code.indentation(statement)
            first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
            if new:
                yield Splice(*self.code.span(statement), f"\n{indent}".join(new))
            elif len(getattr(self.code.parents[statement], "body", [])) > 1 and last < len(self.code.lines):
                yield Splice(self.code.starts[first], self.code.starts[last], "")
            else:
                yield Splice(*self.code.span(statement), "pass")


def apply(change: UnifyMemory, code: Code) -> Sequence[Splice]:
    return _Unified(code, change).run()


def _path(value: ast.expr) -> str | None:
    """The path of `"/data/x.db"`, `{"path": "/data/x.db"}` or `LTMSQLiteStorage(db_path="/data/x.db")`."""
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else None
    if isinstance(value, ast.Dict):
        return next(
            (
                _path(v)
                for k, v in zip(value.keys, value.values, strict=True)
                if isinstance(k, ast.Constant) and k.value in ("path", "db_path")
            ),
            None,
        )
    if isinstance(value, ast.Call):
        given = [k.value for k in value.keywords if k.arg in ("db_path", "path")] + value.args[:1]
        return _path(given[0]) if len(given) == 1 else None
    return None
