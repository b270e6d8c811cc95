"""vercel.json, where it really deploys Python. A front end beside a Python back end is nothing here."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found, function, native
from crewmem_doctor.facts.platforms.syntax import (
    below,
    documents,
    entries,
    folder_of,
    inside,
    items,
    name_of,
    settings,
    text,
)
from crewmem_doctor.model.deployment import Environment, Service
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Scalar

_OPEN = ("the project's variables in Vercel's dashboard",)
_FORMS = r"(?:app|application|handler)\b"
# What the Python runtime loads: an ASGI or WSGI application, or a request handler.
_LOADS = re.compile(rf"^(?:{_FORMS}|class handler\b|from\b.*\bimport\b.*\b{_FORMS})", re.MULTILINE)
_PRESETS = ("fastapi", "flask", "django", "python")
# Where the runtime looks for an application that nothing names.
_ENTRIES = tuple(
    f"{folder}{name}.py"
    for folder in ("", "src/", "app/", "api/")
    for name in ("app", "index", "server", "main", "asgi", "wsgi")
)
_PYTHON = ("requirements.txt", "pyproject.toml", "Pipfile", "uv.lock")


def read(tree: Tree, path: str, _images: Images) -> Found:
    given, gaps = documents(tree, path)
    if not given:
        return Found((), tuple(gaps))
    document, folder = given[0], folder_of(path)
    root = inside(folder, text(document, "rootDirectory"))
    made: dict[str, Service] = {}
    for file, at in _files(tree, document, root):
        if file not in made:
            environment = Environment(
                (*settings(below(document, "build", "env")), *settings(below(document, "env"))), _OPEN
            )
            bare = function("vercel", file, at, "vercel", file, environment=environment, deployment=path)
            made[file] = native(tree, bare, None, root, "/var/task")
    return found(made.values(), gaps) if made else NOTHING


def _files(tree: Tree, document: Mapping, root: str) -> Iterator[tuple[str, Location]]:
    """The Python files that become functions, each with the place that says so."""
    builds = items(document, "builds")
    for build in builds:
        source = below(build, "src")
        if text(build, "use").startswith("@vercel/python") and isinstance(source, Scalar):
            yield from ((file, source.at) for file in _matching(tree, root, source.value))
    if builds:
        return  # `builds` switches everything else off
    for key in ("services", "experimentalServices"):
        for name, node in entries(document, key):
            entry = text(node, "entrypoint")
            if entry.endswith(".py"):
                yield from ((file, name.at) for file in _matching(tree, inside(root, text(node, "root")), entry))
    functions = [(key, file) for key, _ in entries(document, "functions") for file in _matching(tree, root, key.value)]
    yield from ((file, key.at) for key, file in functions)
    at = next((k.at for name in ("functions", "rewrites", "routes") if (k := document.key(name)) is not None), None)
    in_api = [
        p
        for p in tree.python
        if p.startswith(join_path(root, "api") + "/")
        and not name_of(p).startswith(("_", "."))
        and _LOADS.search(tree.text(p) or "")
    ]
    yield from ((file, at or Location(document.at.path)) for file in in_api)
    if not functions and not in_api and _is_python_project(tree, document, root):
        for entry in _ENTRIES:
            file = join_path(root, entry)
            if file in tree.python and _LOADS.search(tree.text(file) or ""):
                yield file, at or Location(document.at.path)
                return


def _matching(tree: Tree, root: str, pattern: str) -> list[str]:
    wanted = join_path(root, pattern.strip().lstrip("/"))
    return [p for p in tree.python if p == wanted or fnmatch.fnmatchcase(p, wanted.replace("**/", "*"))]


def _is_python_project(tree: Tree, document: Mapping, root: str) -> bool:
    framework = text(document, "framework").lower()
    if framework:
        return framework in _PRESETS
    if below(document, "outputDirectory") is not None or tree.exists(join_path(root, "package.json")):
        return False
    return any(tree.exists(join_path(root, name)) for name in _PYTHON)


PLATFORM = Platform(
    "vercel",
    read,
    Dialect(
        "Vercel",
        "vercel.json (only where it deploys Python)",
        "builds with @vercel/python, functions and files in api/, Python services and presets, env",
        "request, worker, restart, redeploy, replica, node",
        "a root directory or variables set in the dashboard; how many instances run",
    ),
    wanted=lambda path: name_of(path) in ("vercel.json", "now.json"),
)
