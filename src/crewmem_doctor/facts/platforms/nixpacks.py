"""nixpacks.toml, and what Nixpacks and Railpack start where nothing says so."""

from __future__ import annotations

import re

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found, native, service
from crewmem_doctor.facts.platforms.syntax import folder_of, name_of, table, toml_settings
from crewmem_doctor.model.deployment import Environment
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage

_WEB = re.compile(r"^web[ \t]*:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_BESIDE = ("railway.json", "railway.toml")
HIDDEN = "volumes are kept in the dashboard of the platform that builds this"


def read(tree: Tree, path: str, _images: Images) -> Found:
    folder = folder_of(path)
    if any(tree.exists(join_path(folder, name)) for name in _BESIDE):
        return NOTHING  # Railway's own file speaks for the service
    document, gaps = table(tree, path)
    if document is None:
        return Found((), tuple(gaps))
    command = start_of(tree, folder)
    if command is None:
        return NOTHING
    bare = service(
        "nixpacks",
        folder.rpartition("/")[2] or "app",
        command.whole,
        disk="railway",
        hidden_mounts=HIDDEN,
        environment=Environment(toml_settings(document, "variables"), ("the platform's dashboard",)),
        deployment=path,
    )
    return found([native(tree, bare, command, folder, "/app")])


def start_of(tree: Tree, folder: str) -> Passage | None:
    """The start command of nixpacks.toml, of a Procfile, or the one that is guessed from the files there."""
    path = join_path(folder, "nixpacks.toml")
    if tree.exists(path):
        document, _ = table(tree, path)
        command = document.get("start", "cmd") if document is not None else None
        if document is not None and isinstance(command, str) and command.strip():
            return Passage(command, document.at_key("cmd", "start"))
    path = join_path(folder, "Procfile")
    match = _WEB.search(tree.text(path) or "") if tree.exists(path) else None
    if match is not None:
        body = tree.text(path) or ""
        row = body.count("\n", 0, match.start()) + 1
        return Passage.of(match[1], path, row, match.start(1) - match.start() + 1)
    for name in ("main.py", "app.py", "start.py", "bot.py"):
        path = join_path(folder, name)
        if tree.exists(path):
            return Passage(f"python {name}", Location(path))
    return None


PLATFORM = Platform(
    "nixpacks",
    read,
    Dialect(
        "Nixpacks",
        "nixpacks.toml (without a Railway file beside it)",
        "start command, variables",
        "request, worker, restart, redeploy, node",
        "the platform that builds it, its volumes, variables and scale",
    ),
    wanted=lambda path: name_of(path) == "nixpacks.toml",
)
