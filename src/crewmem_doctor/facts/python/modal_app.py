"""Functions and classes that Modal runs: what their decorators say."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.python import parse

_MOST = ("max_containers", "concurrency_limit")
_DURABLE = {"Volume": "volume", "NetworkFileSystem": "nfs", "CloudBucketMount": "bucket"}


@dataclass(frozen=True, slots=True)
class Volume:
    """`target` is the place in the container, `kind` "volume", "nfs", "bucket" or "" (not known)."""

    target: str
    name: str
    kind: str
    at: Location


@dataclass(frozen=True, slots=True)
class ModalFunction:
    """`complete` is False where a volume's place could not be read. `settings` come from its image, from secrets whose
    content the code shows, and from its own `env`; the last of a name counts, and None is a value that is not known.
    `outside` names what may set more than that."""

    name: str
    at: Location
    volumes: tuple[Volume, ...] = ()
    complete: bool = True
    outside: tuple[str, ...] = ()
    most: int | None = None
    most_at: Location | None = None
    workdir: str = ""
    settings: tuple[tuple[str, str | None, Location], ...] = ()


def modal_functions(text: str, path: str) -> list[ModalFunction]:
    """Every `@app.function`, `@app.cls` and `@app.server` of a module, `app` being a modal.App."""
    module = parse(text, path)
    if isinstance(module, Gap):
        return []
    return list(_Reader(module, path).functions())


class _Reader:
    def __init__(self, module: ast.Module, path: str) -> None:
        self.module, self.path = module, path
        self.values: dict[str, ast.expr] = {}
        self.names: dict[str, str] = {}  # what `from modal import App as A` calls App
        for node in ast.walk(module):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "modal":
                self.names.update((alias.asname or alias.name, alias.name) for alias in node.names)
            elif isinstance(node, ast.Import):
                self.names.update((alias.asname or alias.name, "") for alias in node.names if alias.name == "modal")
        for statement in module.body:
            if (
                isinstance(statement, ast.Assign)
                and len(statement.targets) == 1
                and isinstance(statement.targets[0], ast.Name)
            ):
                self.values[statement.targets[0].id] = statement.value
            elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
                self.values[statement.target.id] = statement.value

    def functions(self) -> Iterator[ModalFunction]:
        for node in self.module.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                for decorator in node.decorator_list:
                    app = self.app(decorator.func) if isinstance(decorator, ast.Call) else None
                    if app is not None and isinstance(decorator, ast.Call):
                        yield self.function(node.name, decorator, app)
                        break

    def app(self, node: ast.expr) -> ast.Call | None:
        """The call that made the application whose decorator that is."""
        if not isinstance(node, ast.Attribute) or node.attr not in ("function", "cls", "server"):
            return None
        owner = self.value(node.value)
        made = isinstance(owner, ast.Call) and self.modal_name(owner.func).split(".")[0] in ("App", "Stub")
        return owner if made and isinstance(owner, ast.Call) else None

    def value(self, node: ast.expr) -> ast.expr:
        """The expression that a module-level name stands for."""
        for _ in range(8):
            if not isinstance(node, ast.Name) or node.id not in self.values:
                break
            node = self.values[node.id]
        return node

    def modal_name(self, node: ast.expr) -> str:
        """ "Volume.from_name" for `modal.Volume.from_name`; empty for what is not Modal's."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.names:
            return ""
        return ".".join(part for part in (self.names[node.id], *reversed(parts)) if part)

    def function(self, name: str, call: ast.Call, app: ast.Call) -> ModalFunction:
        """The image of the application stands in for none of its own; its volumes and secrets come on top (app.py:990,
        1009 and 1112 of modal 1.6.4)."""
        shared = {keyword.arg: keyword.value for keyword in app.keywords if keyword.arg}
        given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        complete = all(keyword.arg for keyword in (*call.keywords, *app.keywords))
        places = (shared.get("volumes"), given.get("volumes"), given.get("network_file_systems"))
        volumes, whole = self.volumes(*places)
        shown, outside = self.secrets(shared.get("secrets"), given.get("secrets"))
        most = next((self.value(given[key]) for key in _MOST if key in given), None)
        count = most.value if isinstance(most, ast.Constant) and isinstance(most.value, int) else None
        at = next((given[key] for key in _MOST if key in given), None)
        image, known = self.image(given.get("image") or shared.get("image"))
        tables = [*(c.args[0] for c in image if _is(c, "env")), *shown, *([given["env"]] if "env" in given else [])]
        if not known or any(not isinstance(self.value(table), ast.Dict) for table in tables):
            outside = (*outside, "the function's image")
        settings = {key: (key, value, where) for table in tables for key, value, where in self.pairs(table)}
        return ModalFunction(
            name,
            self.at(call.func),
            volumes,
            complete and whole,
            outside,
            count,
            self.at(at) if at is not None else None,
            next((self.text(c.args[0]) for c in image if _is(c, "workdir")), ""),
            tuple(settings.values()),
        )

    def volumes(self, *given: ast.expr | None) -> tuple[tuple[Volume, ...], bool]:
        out: list[Volume] = []
        complete = True
        for node in given:
            table = self.value(node) if node is not None else None
            if table is not None and not isinstance(table, ast.Dict):
                complete = False
            for key, value in zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ():
                target = self.text(key) if key is not None else ""
                complete = complete and target.startswith("/")
                if target.startswith("/") and key is not None:
                    made = self.value(value)
                    called = self.modal_name(made.func) if isinstance(made, ast.Call) else ""
                    kind = _DURABLE.get(called.split(".")[0], "")
                    kind = "" if called.endswith(".ephemeral") else kind
                    named = self.text(made.args[0]) if isinstance(made, ast.Call) and made.args else ""
                    out.append(Volume(target.rstrip("/") or "/", named or ast.unparse(value)[:40], kind, self.at(key)))
        return tuple(out), complete

    def secrets(self, *given: ast.expr | None) -> tuple[list[ast.expr], tuple[str, ...]]:
        """The tables of `Secret.from_dict({…})`, and what holds those whose content is not in the code."""
        shown: list[ast.expr] = []
        hidden = False
        for node in given:
            listed = self.value(node) if node is not None else None
            if listed is not None and not isinstance(listed, (ast.List, ast.Tuple)):
                hidden = True
            for item in listed.elts if isinstance(listed, (ast.List, ast.Tuple)) else ():
                made = self.value(item)
                if isinstance(made, ast.Call) and self.modal_name(made.func) == "Secret.from_dict" and made.args:
                    shown.append(made.args[0])
                else:
                    hidden = True
        return shown, ("the function's secrets",) if hidden else ()

    def image(self, node: ast.expr | None) -> tuple[list[ast.Call], bool]:
        """The calls of `modal.Image.debian_slim().env({…}).workdir("…")` that have an argument, innermost first, and
        whether those are all."""
        found: list[ast.Call] = []
        start = node = self.value(node) if node is not None else None
        while isinstance(node, ast.Call):
            if node.args:
                found.append(node)
            node = self.value(node.func.value) if isinstance(node.func, ast.Attribute) else None
        return found[::-1], start is None or (node is not None and self.modal_name(node) == "Image")

    def pairs(self, node: ast.expr) -> Iterator[tuple[str, str | None, Location]]:
        table = self.value(node)
        for key, value in zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ():
            said = self.value(value)
            if key is not None and self.text(key):
                known = str(said.value) if isinstance(said, ast.Constant) else self.text(said) or None
                yield self.text(key), known, self.at(value)

    def text(self, node: ast.expr) -> str:
        """The text of a constant, of `Path("…")`, or of `BASE / "…"` and f-strings made of such."""
        node = self.value(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if (
            isinstance(node, ast.Call)
            and len(node.args) == 1
            and ast.unparse(node.func).split(".")[-1] in ("Path", "PurePosixPath", "str")
        ):
            return self.text(node.args[0])
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            left, right = self.text(node.left), self.text(node.right)
            return f"{left.rstrip('/')}/{right}" if left and right else ""
        if isinstance(node, ast.JoinedStr):
            parts = [self.text(p.value) if isinstance(p, ast.FormattedValue) else self.text(p) for p in node.values]
            return "".join(parts) if all(parts) else ""
        return ""

    def at(self, node: ast.expr) -> Location:
        return Location(
            self.path, node.lineno, node.col_offset + 1, node.end_lineno or 0, (node.end_col_offset or 0) + 1
        )


def _is(call: ast.Call, name: str) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == name
