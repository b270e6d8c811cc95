"""What a CDK stack in Python says in literals: Lambda functions, and containers of ECS task definitions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.python import parse

Literal = tuple[str, str | None, Location]  # a name, its value (None where that is computed), and where


@dataclass(frozen=True, slots=True)
class CdkUnit:
    """A function (with `handler`) or a container. `mounts` are EFS places, of a container also others: then `efs` lacks
    their volume's name. `complete` is False where something that may mount a disk could not be read."""

    name: str
    at: Location
    handler: str = ""
    asset: str = ""
    image: str = ""
    settings: tuple[Literal, ...] = ()
    mounts: tuple[tuple[str, str, Location], ...] = ()
    efs: frozenset[str] = frozenset()
    count: int | None = None
    count_at: Location | None = None
    complete: bool = True


def cdk_units(text: str, path: str) -> list[CdkUnit]:
    """Every function and container of a module that imports aws_cdk."""
    module = parse(text, path)
    if isinstance(module, Gap) or "aws_cdk" not in text:
        return []
    return list(_Reader(module, path).units())


class _Reader:
    def __init__(self, module: ast.Module, path: str) -> None:
        self.path = path
        self.calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
        self.values: dict[str, ast.expr | None] = {}
        for node in ast.walk(module):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                name = ast.unparse(node.targets[0])
                self.values[name] = None if name in self.values else node.value  # assigned twice: not a literal

    def units(self) -> Iterator[CdkUnit]:
        for call in self.calls:
            given = keywords(call)
            if _name(call) in ("Function", "PythonFunction") and {"runtime", "handler"} & set(given):
                yield self.function(call, given)
            elif _name(call) == "add_container" and isinstance(call.func, ast.Attribute):
                task = self.value(call.func.value)
                if isinstance(task, ast.Call) and _name(task).endswith("TaskDefinition"):
                    yield self.container(call, given, task)

    def function(self, call: ast.Call, given: dict[str, ast.expr]) -> CdkUnit:
        disk = self.value(given["filesystem"]) if "filesystem" in given else None
        target = self.text(disk.args[1]) if isinstance(disk, ast.Call) and len(disk.args) > 1 else ""
        handler = self.text(given.get("handler")) or "handler"
        if _name(call) == "PythonFunction":
            handler = f"{(self.text(given.get('index')) or 'index.py').removesuffix('.py')}.{handler}"
        name = call.args[1] if len(call.args) > 1 else None
        code = self.value(given["code"]) if "code" in given else None
        asset = self.text(code.args[0]) if isinstance(code, ast.Call) and code.args else self.text(given.get("entry"))
        most = given.get("reserved_concurrent_executions")
        mounts = ((target, "EFS", self.at(disk)),) if disk is not None and target.startswith("/") else ()
        whole = all(keyword.arg for keyword in call.keywords) and (disk is None or bool(mounts))
        return CdkUnit(
            self.text(name) or "function", self.at(call.func), handler, asset, "", self.settings(given), mounts,
            frozenset(("EFS",)), self.number(most), self.at(most) if most is not None else None, whole,
        )  # fmt: skip

    def container(self, call: ast.Call, given: dict[str, ast.expr], task: ast.Call) -> CdkUnit:
        image = self.value(given["image"]) if "image" in given else None
        said = self.text(image.args[0]) if isinstance(image, ast.Call) and image.args else ""
        is_asset = isinstance(image, ast.Call) and _name(image) == "from_asset"
        mounts, whole = [], all(keyword.arg for keyword in call.keywords)
        for point in self.made_on(call, "add_mount_points"):
            for item in point.args:
                made = self.value(item)
                parts = keywords(made) if isinstance(made, ast.Call) else {}
                target = self.text(parts.get("container_path"))
                whole = whole and target.startswith("/")
                mounts.append((target, self.text(parts.get("source_volume")), self.at(item)))
        volumes = [keywords(v) for v in self.made_on(task, "add_volume")]
        listed = keywords(task).get("volumes")
        volumes += [keywords(v) for v in getattr(listed, "elts", ()) if isinstance(v, ast.Call)]
        efs = frozenset(self.text(v.get("name")) for v in volumes if "efs_volume_configuration" in v)
        count = next((c for c in self.counts(task)), None)
        name = self.text(call.args[0]) if call.args else self.text(given.get("container_name"))
        return CdkUnit(
            name or "app", self.at(call.args[0] if call.args else call.func), "", said if is_asset else "",
            "" if is_asset else said, self.settings(given), tuple(m for m in mounts if m[0].startswith("/")), efs,
            self.number(count), self.at(count) if count is not None else None, whole,
        )  # fmt: skip

    def counts(self, task: ast.Call) -> Iterator[ast.expr]:
        for call in self.calls:
            given = keywords(call)
            if not _name(call).endswith("Service") or not {"task_definition", "desired_count"} <= set(given):
                continue
            if self.value(given["task_definition"]) is task:
                yield given["desired_count"]

    def made_on(self, owner: ast.Call, method: str) -> Iterator[ast.Call]:
        """The calls of a method of the object that `owner` makes."""
        for call in self.calls:
            if _name(call) == method and isinstance(call.func, ast.Attribute) and self.value(call.func.value) is owner:
                yield call

    def value(self, node: ast.expr) -> ast.expr:
        for _ in range(8):
            found = self.values.get(ast.unparse(node)) if isinstance(node, (ast.Name, ast.Attribute)) else None
            if found is None:
                break
            node = found
        return node

    def text(self, node: ast.expr | None) -> str:
        found = self.value(node) if node is not None else None
        return found.value if isinstance(found, ast.Constant) and isinstance(found.value, str) else ""

    def number(self, node: ast.expr | None) -> int | None:
        found = self.value(node) if node is not None else None
        return found.value if isinstance(found, ast.Constant) and isinstance(found.value, int) else None

    def settings(self, given: dict[str, ast.expr]) -> tuple[Literal, ...]:
        table = self.value(given["environment"]) if "environment" in given else None
        pairs = zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ()
        return tuple(
            (self.text(key), self.text(value) or None, self.at(value)) for key, value in pairs if self.text(key)
        )

    def at(self, node: ast.expr) -> Location:
        return Location(
            self.path, node.lineno, node.col_offset + 1, node.end_lineno or 0, (node.end_col_offset or 0) + 1
        )


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
