"""gunicorn.conf.py, read and never run."""

from __future__ import annotations

import ast
import warnings
from dataclasses import field

from crewmem_doctor.model.known import Answer, Confidence, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.expand import Lookup

_CPUS = ("cpu_count", "process_cpu_count", "sched_getaffinity", "nproc")


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the file. `least` says that it is only a lower bound, because the machine's CPUs decide."""

    value: str | int | float | bool | None
    at: Location
    confidence: Confidence = "high"
    least: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one file; `unread` says why there may be others."""

    values: dict[str, Value | Unknown] = field(default_factory=dict)
    unread: str = ""

    def number(self, name: str) -> Answer[int] | None:
        value = self.values.get(name)
        if value is None or isinstance(value, Unknown):
            return value
        if value.least and (not isinstance(value.value, (int, float)) or value.value < 2):
            return Unknown("as many as the machine has CPUs", value.at)
        try:
            return Known(int(value.value or 0), value.at, "medium" if value.least else value.confidence)
        except (ValueError, OverflowError):
            return Unknown(f"{str(value.value)[:40]!r} is no number", value.at)

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value.value if isinstance(value, Value) and isinstance(value.value, str) else ""

    def truth(self, name: str) -> Known[bool] | None:
        value = self.values.get(name)
        return Known(bool(value.value), value.at, value.confidence) if isinstance(value, Value) else None


def read_config(text: str, path: str, lookup: Lookup) -> Config:
    """The module-level settings; what is assigned under an `if` is Unknown unless both ways agree."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Config(unread=f"{path} cannot be parsed")
    reader = _Reader(path, lookup)
    try:
        reader.block(tree.body, certain=True)
    except RecursionError:
        return Config(unread=f"{path} is nested too deeply")
    return Config(reader.values)


class _Reader:
    def __init__(self, path: str, lookup: Lookup) -> None:
        self.path = path
        self.lookup = lookup
        self.values: dict[str, Value | Unknown] = {}

    def at(self, node: ast.AST) -> Location:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        return Location(
            self.path,
            line,
            column + 1,
            getattr(node, "end_lineno", line) or line,
            (getattr(node, "end_col_offset", column) or column) + 1,
        )

    def block(self, body: list[ast.stmt], certain: bool) -> None:
        for node in body:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assign(target, node.value, certain)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                self._assign(node.target, node.value, certain)
            elif isinstance(node, ast.If):
                self.block(node.body, False)
                self.block(node.orelse, False)
            elif isinstance(node, ast.Try):
                self.block(node.body, certain)
                for handler in node.handlers:
                    self.block(handler.body, False)

    def _assign(self, target: ast.expr, value: ast.expr, certain: bool) -> None:
        if not isinstance(target, ast.Name):
            return
        new = self.evaluate(value)
        if isinstance(new, Value):
            new = Value(new.value, self.at(value), new.confidence, new.least) if new.at.path == self.path else new
        old = self.values.get(target.id)
        if certain or (isinstance(old, Value) and isinstance(new, Value) and old.value == new.value):
            self.values[target.id] = new
        else:
            self.values[target.id] = Unknown(f"{target.id} is set under a condition", self.at(value))

    def evaluate(self, node: ast.expr) -> Value | Unknown:
        at = self.at(node)
        if isinstance(node, ast.Constant):
            known = node.value if isinstance(node.value, (str, int, float, bool)) else None
            return Value(known, at)
        if isinstance(node, ast.Name):
            return self.values.get(node.id, Unknown(f"{node.id} is not known", at))
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node)
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            return self._either(node.values)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Subscript) and _dotted(node.value).endswith("environ"):
            return self._variable(node.slice, None, at)
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.In)):
            return self._compare(node)
        return Unknown("the code computes it", at)

    def _either(self, nodes: list[ast.expr]) -> Value | Unknown:
        for node in nodes:
            value = self.evaluate(node)
            if isinstance(value, Unknown) or value.value or node is nodes[-1]:
                return value
        return Unknown("the code computes it")

    def _arithmetic(self, node: ast.BinOp) -> Value | Unknown:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return left if isinstance(left, Unknown) else right
        a, b = left.value, right.value
        if not isinstance(a, (int, float)) or not isinstance(b, (int, float)) or max(abs(a), abs(b)) > 1e6:
            return Unknown("the code computes it", self.at(node))
        least = left.least or right.least
        confidence: Confidence = "high" if left.confidence == right.confidence == "high" else "medium"
        if isinstance(node.op, ast.Add):
            result: int | float = a + b
        elif isinstance(node.op, ast.Mult) and not (least and min(a, b) < 0):
            result = a * b
        elif isinstance(node.op, ast.Sub) and not right.least:
            result = a - b
        elif isinstance(node.op, ast.FloorDiv) and b and not right.least:
            result = a // b
        else:
            return Unknown("the code computes it", self.at(node))
        return Value(result, self.at(node), confidence, least)

    def _call(self, node: ast.Call) -> Value | Unknown:
        name = _dotted(node.func)
        last = name.rpartition(".")[2]
        at = self.at(node)
        if last in _CPUS:
            return Value(1, at, "medium", True)
        if last == "getenv" or name.endswith("environ.get"):
            default = (
                node.args[1]
                if len(node.args) > 1
                else next((k.value for k in node.keywords if k.arg == "default"), None)
            )
            return self._variable(node.args[0], default, at) if node.args else Unknown("the code computes it", at)
        values = [self.evaluate(argument) for argument in node.args]
        known = [v for v in values if isinstance(v, Value)]
        if len(known) < len(values) or not values:
            return next((v for v in values if isinstance(v, Unknown)), Unknown("the code computes it", at))
        return _builtin(last, known, at)

    def _variable(self, name_node: ast.expr, default: ast.expr | None, at: Location) -> Value | Unknown:
        name = self.evaluate(name_node)
        if isinstance(name, Unknown) or not isinstance(name.value, str):
            return Unknown("the code computes it", at)
        answer = self.lookup(name.value)
        if isinstance(answer, Known):
            return Value(answer.value, answer.at or at, answer.confidence)
        if isinstance(answer, Unknown) and not answer.why.startswith(f"{name.value} may be set"):
            return Unknown(answer.why, answer.at or at)
        if default is None:
            return Value(None, at) if answer is None else answer
        value = self.evaluate(default)
        # A default that stands in for a variable nobody sets here.
        return value if isinstance(value, Unknown) else Value(value.value, value.at, "medium", value.least)

    def _compare(self, node: ast.Compare) -> Value | Unknown:
        left, right = self.evaluate(node.left), self.evaluate(node.comparators[0])
        if isinstance(left, Value) and isinstance(right, Value) and isinstance(node.ops[0], ast.Eq):
            return Value(left.value == right.value, self.at(node), left.confidence)
        return Unknown("the code computes it", self.at(node))


def _builtin(name: str, values: list[Value], at: Location) -> Value | Unknown:
    """`int`, `str`, `bool`, `min`, `max`, `round` and text methods, of values that are known."""
    first = values[0]
    least = any(v.least for v in values)
    confidence: Confidence = "high" if all(v.confidence == "high" for v in values) else "medium"
    place = first.at if len(values) == 1 else at
    try:
        if name in ("int", "round"):
            return Value(int(float(str(first.value))), place, confidence, least)
        if name == "str":
            return Value(str(first.value), place, confidence, least)
        if name in ("bool", "strtobool"):
            return Value(bool(first.value) and str(first.value).lower() not in ("0", "false", "no"), place, confidence)
        if name in ("min", "max") and all(isinstance(v.value, (int, float)) for v in values):
            numbers = [v.value for v in values if isinstance(v.value, (int, float))]
            return Value(min(numbers) if name == "min" else max(numbers), at, confidence, least)
    except (ValueError, OverflowError):
        pass
    return Unknown("the code computes it", at)


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "")
    return ".".join(reversed(parts))
