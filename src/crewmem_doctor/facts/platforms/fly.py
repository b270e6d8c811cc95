"""fly.toml: an app, its process groups, and the volume that each Machine gets for itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from crewmem_doctor.facts.platforms.base import Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, dockerfile_near, found, native, service
from crewmem_doctor.facts.platforms.syntax import as_number, folder_of, name_of, table, toml_settings
from crewmem_doctor.model.deployment import Environment, Mount, Service
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import CommandLine, split
from crewmem_doctor.sources.toml import Document

_OPEN = ("the app's secrets (`fly secrets`)",)
_NAME = re.compile(r"fly(\.[\w-]+)?\.toml|[\w-]+\.fly\.toml")
_DEVELOPMENT = frozenset(("dev", "development", "local", "test"))
_FIRST = "app"  # the process group of an app that names none


def read(tree: Tree, path: str, images: Images) -> Found:
    document, gaps = table(tree, path)
    if document is None or not _is_fly(document):
        return Found((), tuple(gaps))
    groups = document.get("processes")
    named = {str(k): str(v) for k, v in groups.items()} if isinstance(groups, dict) and groups else {_FIRST: ""}
    return found(
        [_service(tree, document, images, group, command, len(named) > 1) for group, command in named.items()], gaps
    )


def _is_fly(document: Document) -> bool:
    keys = ("app", "http_service", "services", "mounts", "processes", "primary_region", "vm", "build")
    return any(document.get(key) is not None for key in keys)


def _service(tree: Tree, document: Document, images: Images, group: str, command: str, several: bool) -> Service:
    path, folder = document.path, folder_of(document.path)
    app = document.get("app") if isinstance(document.get("app"), str) else folder.rpartition("/")[2] or "app"
    at = document.at_key(group, "processes") if several else _key(document, "app")
    mounts = tuple(_mounts(document, group))
    replicas, replicas_at = _replicas(document, group, bool(mounts))
    words = set(re.split(r"[.-]", name_of(path)))
    name = f"{app}/{group}" if several else str(app)
    build = document.get("build")
    build = build if isinstance(build, Mapping) else {}
    bare = service(
        "fly",
        name,
        at,
        mounts=mounts,
        replicas=replicas,
        replicas_at=replicas_at,
        dev=not words.isdisjoint(_DEVELOPMENT),
        environment=Environment(toml_settings(document, "env"), _OPEN),
        image=str(build.get("image") or ""),
    )
    line = _command(document, group, command)
    image = None
    if not bare.image:
        image = dockerfile_near(
            tree, images, folder, str(build.get("dockerfile") or ""), target=str(build.get("build-target") or "")
        )
    if image is None and not bare.image and line is not None:
        return native(tree, bare, line, folder, "/workspace")  # built by a buildpack
    entrypoint = _words(document, "experimental", "entrypoint")
    return contained(tree, bare, image, entrypoint, line or _words(document, "experimental", "cmd"))


def _command(document: Document, group: str, command: str) -> CommandLine | None:
    """A process group's command is split into words and given to the image's entrypoint."""
    if not command.strip():
        return None
    at = document.at_key(group, "processes")
    passage = Passage(command, at)
    return CommandLine.of(split(passage, at), at)


def _words(document: Document, *keys: str) -> CommandLine | None:
    value = document.get(*keys)
    at = document.at_key(keys[-1], ".".join(keys[:-1]))
    if isinstance(value, str) and value.strip():
        return CommandLine.of(split(Passage(value, at), at), at)
    return CommandLine.of([str(word) for word in value], at) if isinstance(value, list) and value else None


def _mounts(document: Document, group: str) -> Iterator[Mount]:
    """A volume belongs to one Machine: every other one has a volume of the same name with other contents."""
    value = document.get("mounts")
    for entry in value if isinstance(value, list) else [value]:
        target = entry.get("destination") if isinstance(entry, dict) else None
        if isinstance(target, str) and target.startswith("/") and _serves(entry, group):
            source = str(entry.get("source") or "")
            at = document.at_text(target, "mounts")
            yield Mount(target.rstrip("/") or "/", "disk", at, source=source, local=True)


def _serves(entry: Mapping[str, Any], group: str) -> bool:
    """A section without `processes` is for the default group, and where the app names none for every group."""
    groups = entry.get("processes")
    return not isinstance(groups, list) or not groups or group in groups


def _replicas(document: Document, group: str, has_volume: bool) -> tuple[Answer[int], Location | None]:
    """`fly scale count` is not in the tree. A minimum of two Machines is; a first deploy makes two, but one where there
    is a volume."""
    for section in ("http_service", "services"):
        value = document.get(section)
        for entry in value if isinstance(value, list) else [value]:
            least = entry.get("min_machines_running") if isinstance(entry, dict) and _serves(entry, group) else None
            if isinstance(least, int) and least > 1:
                at = document.at_key("min_machines_running", section)
                return as_number(least, at), at
    if has_volume:
        return Known(1, None, "medium"), None
    return Unknown("how many Machines run is set with `fly scale count`"), None


def _key(document: Document, key: str) -> Location:
    for row, line in enumerate(document.text.split("\n"), 1):
        if re.match(rf"\s*{key}\s*=", line):
            start = len(line) - len(line.lstrip())
            return Location(document.path, row, start + 1, row, len(line.rstrip()) + 1)
    return Location(document.path)


PLATFORM = Platform(
    "fly",
    read,
    Dialect(
        "Fly.io",
        "fly.toml, fly.NAME.toml",
        "mounts (one volume for each Machine), process groups, `[env]`, the Dockerfile and stage, min_machines_running",
        "request, worker, restart, redeploy, replica, node",
        "`fly scale count`, secrets, volumes created by hand",
    ),
    wanted=lambda path: _NAME.fullmatch(name_of(path)) is not None,
)
