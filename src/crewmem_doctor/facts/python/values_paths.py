"""Paths: pathlib, os.path, tempfile."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crewmem_doctor.model.expression import Choice, Concat, Expr, Fresh, Joined, Opaque, Place, Text
from crewmem_doctor.model.location import Location

if TYPE_CHECKING:
    from crewmem_doctor.facts.python.nodes import Scope
    from crewmem_doctor.facts.python.values import Evaluator

PATHS = {"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath", "anyio.Path"}
_SAME = {"as_posix", "absolute", "resolve", "__str__", "__fspath__"}
_TEMPORARY = {"mkdtemp", "TemporaryDirectory", "NamedTemporaryFile", "mkstemp", "TemporaryFile", "mktemp"}
_DATA = {"db_storage_path", "get_crewai_data_dir"}


def joined(parts: Sequence[Expr], at: Location | None) -> Expr:
    flat: list[Expr] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Joined) else (part,))
    for index in range(len(flat) - 1, 0, -1):
        part = flat[index]
        if isinstance(part, Text) and str(part.value).startswith("/"):
            flat = flat[index:]
            break
    texts = [p.value for p in flat if isinstance(p, Text)]
    if len(texts) == len(flat) and flat:
        return Text(posixpath.join(*(str(t) for t in texts)), at)
    return flat[0] if len(flat) == 1 else Joined(tuple(flat), at)


def file_of(path: str, at: Location) -> Expr:
    """`__file__`: the module's name in its folder."""
    folder, _, name = path.rpartition("/")
    return Joined((Place("source", folder, at), Text(name, at)), at)


def parent(value: Expr, at: Location) -> Expr:
    """The folder around a path."""
    if isinstance(value, Place) and value.kind == "source":
        if value.path and value.path.rsplit("/", 1)[-1] != "..":
            return Place("source", value.path.rpartition("/")[0], at)
        return Joined((value, Text("..", at)), at)
    if isinstance(value, Text) and isinstance(value.value, str):
        stripped = value.value.rstrip("/")
        return Text(posixpath.dirname(stripped) or ("." if not stripped.startswith("/") else "/"), at)
    if isinstance(value, Joined):
        last = value.parts[-1]
        if isinstance(last, Text) and str(last.value).strip("/") not in ("", "..", "."):
            text = str(last.value).rstrip("/")
            rest = [Text(posixpath.dirname(text), at)] if "/" in text else []
            return joined([*value.parts[:-1], *rest], at)
    if isinstance(value, Choice):
        return Choice(tuple(parent(o, at) for o in value.options), value.fallback, at)
    return Joined((value, Text("..", at)), at)


def home(value: Expr, at: Location) -> Expr:
    """`~` at the start of a path is the home directory."""
    if isinstance(value, Text) and isinstance(value.value, str) and value.value.startswith("~"):
        first, _, rest = value.value.partition("/")
        if first == "~":
            return joined([Place("home", at=at), Text(rest, at)], at) if rest else Place("home", at=at)
        return Opaque("another user's home directory", at)
    if isinstance(value, Joined):
        return joined([home(value.parts[0], at), *value.parts[1:]], at)
    if isinstance(value, Concat):
        first_part = value.parts[0]
        if isinstance(first_part, Text) and str(first_part.value).startswith("~/"):
            return joined(
                [Place("home", at=at), Concat((Text(str(first_part.value)[2:], at), *value.parts[1:]), at)], at
            )
    return value


def absolute(value: Expr, at: Location) -> Expr:
    """Relative paths start at the working directory."""
    if isinstance(value, Text) and isinstance(value.value, str):
        if value.value.startswith("/"):
            return Text(posixpath.normpath(value.value), at)
        return joined([Place("cwd", at=at), Text(posixpath.normpath(value.value), at)], at)
    if isinstance(value, Place):
        return value
    if isinstance(value, Joined):
        first = value.parts[0]
        if isinstance(first, Place) or (isinstance(first, Text) and str(first.value).startswith("/")):
            return value
    if isinstance(value, (Opaque, Fresh)):
        return value
    return joined([Place("cwd", at=at), value], at)


def path_call(ev: Evaluator, callee: str, node: ast.Call, scope: Scope) -> Expr | None:
    """The value of a call that makes or changes a path; None where it is none."""
    owner, _, name = callee.rpartition(".")
    at = ev.at(node, scope)
    if callee in PATHS:
        return joined([ev.evaluate(a, scope) for a in node.args], at) if node.args else Text(".", at)
    if owner in PATHS:
        return _method(ev, name, node, scope)
    if owner in ("os.path", "posixpath"):
        return _os_path(ev, name, node, scope)
    if callee == "os.getcwd":
        return Place("cwd", at=at)
    if owner == "tempfile":
        if name in ("gettempdir", "gettempdirb"):
            return Place("tempdir", at=at)
        if name in _TEMPORARY:
            folder = next((k.value for k in node.keywords if k.arg == "dir"), None)
            if folder is None or (isinstance(folder, ast.Constant) and folder.value is None):
                return Place("temporary", at=at)
            return joined([ev.evaluate(folder, scope), Fresh(f"{name}()", at=at)], at)
    if callee in ("os.fspath", "os.fsdecode", "os.path.expandvars") and node.args:
        return ev.evaluate(node.args[0], scope)
    if name in _DATA and owner.startswith(("crewai", "crewai_core")):
        return Place("data", at=at)
    return None


def _os_path(ev: Evaluator, name: str, node: ast.Call, scope: Scope) -> Expr | None:
    at = ev.at(node, scope)
    if not node.args:
        return None
    values = [ev.evaluate(a, scope) for a in node.args]
    if name == "join":
        return joined(values, at)
    if name == "dirname":
        found = parent(values[0], at)
        return Text("", at) if isinstance(found, Text) and found.value == "." else found
    if name in ("abspath", "realpath"):
        return absolute(values[0], at)
    if name in ("normpath", "expandvars", "normcase"):
        return values[0]
    if name == "expanduser":
        return home(values[0], at)
    if name == "basename" and isinstance(values[0], Text):
        return Text(posixpath.basename(str(values[0].value)), at)
    if name in ("exists", "isdir", "isfile"):
        return Opaque("whether a path exists", at)
    return None


def _method(ev: Evaluator, name: str, node: ast.Call, scope: Scope) -> Expr | None:
    at = ev.at(node, scope)
    if name == "cwd":
        return Place("cwd", at=at)
    if name == "home":
        return Place("home", at=at)
    if not isinstance(node.func, ast.Attribute):
        return None
    return method_of_path(ev, ev.evaluate(node.func.value, scope), name, node, scope)


def method_of_path(ev: Evaluator, value: Expr, name: str, node: ast.Call, scope: Scope) -> Expr | None:
    """`p.joinpath(x)`, `p.expanduser()`; None for what does not give a path."""
    at = ev.at(node, scope)
    if name == "joinpath":
        return joined([value, *(ev.evaluate(a, scope) for a in node.args)], at)
    if name == "expanduser":
        return home(value, at)
    if name in ("absolute", "resolve"):
        return absolute(value, at)
    if name in _SAME:
        return value
    if name in ("with_name", "with_suffix", "relative_to"):
        return Opaque("a path that is changed", at)
    if name in ("exists", "is_dir", "is_file"):
        return Opaque("whether a path exists", at)
    return None


def path_attribute(value: Expr, name: str, at: Location) -> Expr | None:
    """`p.parent`, `p.name` of something that is a path."""
    if not isinstance(value, (Joined, Place, Text, Choice)):
        return None
    if name == "parent":
        return parent(value, at)
    if name == "name" and isinstance(value, Place) and value.kind in ("temporary",):
        return value
    if name == "name" and isinstance(value, Text):
        return Text(posixpath.basename(str(value.value)), at)
    return None
