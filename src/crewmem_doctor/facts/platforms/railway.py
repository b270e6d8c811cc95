"""railway.json and railway.toml: one service's build and deploy settings. Its volumes live in the dashboard."""

from __future__ import annotations

import re
from typing import Any

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, dockerfile_near, found, native, service
from crewmem_doctor.facts.platforms.nixpacks import start_of
from crewmem_doctor.facts.platforms.syntax import (
    as_number,
    below,
    documents,
    folder_of,
    inside,
    name_of,
    table,
    toml_settings,
)
from crewmem_doctor.model.deployment import Environment, Mount
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import CommandLine, split
from crewmem_doctor.sources.yaml import Mapping, Scalar

HIDDEN = "Railway keeps volumes in its dashboard"
_OPEN = ("the service's variables in Railway's dashboard",)
_NAME = re.compile(r"railway([.-](?P<name>[\w-]+))?\.(json|toml)")


class _Settings:
    """The two spellings of one file."""

    def __init__(self, tree: Tree, path: str) -> None:
        self.path = path
        self.toml, self.gaps = table(tree, path) if path.lower().endswith(".toml") else (None, [])
        self.json: Mapping | None = None
        if self.toml is None and not self.gaps:
            given, self.gaps = documents(tree, path)
            self.json = given[0] if given else None

    def get(self, *keys: str) -> tuple[Any, Location]:
        """A value (None, text, a number, or a mapping's names) and its place."""
        if self.toml is not None:
            return self.toml.get(*keys), self.toml.at_key(keys[-1], ".".join(keys[:-1]))
        node = below(self.json, *keys)
        if isinstance(node, Scalar):
            return node.value, node.at
        return (
            {k.value: below(v, "numReplicas") for k, v in node.items()} if isinstance(node, Mapping) else None,
            node.at if node is not None else Location(self.path),
        )

    def text(self, *keys: str) -> str:
        value = self.get(*keys)[0]
        return value.strip() if isinstance(value, str) else ""

    def command(self, *keys: str) -> Passage | None:
        value, at = self.get(*keys)
        return Passage(value, at) if isinstance(value, str) and value.strip() else None


def read(tree: Tree, path: str, images: Images) -> Found:
    said = _Settings(tree, path)
    if said.toml is None and said.json is None:
        return Found((), tuple(said.gaps))
    if not any(said.get(key)[0] is not None for key in ("build", "deploy")):
        return NOTHING
    match = _NAME.fullmatch(name_of(path))
    folder = inside(folder_of(path), said.text("build", "rootDir"))
    name = (match["name"] if match else "") or folder.rpartition("/")[2] or "app"
    target, mounted_at = said.get("deploy", "requiredMountPath")
    mounts = (
        (Mount(target.rstrip("/") or "/", "disk", mounted_at),) if isinstance(target, str) and target[:1] == "/" else ()
    )
    replicas, replicas_at = _replicas(said)
    command = said.command("deploy", "startCommand")
    own = toml_settings(said.toml, "variables") if said.toml is not None else ()
    at = command.whole if command is not None else Location(path)
    bare = service(
        "railway",
        name,
        at,
        mounts=mounts,
        replicas=replicas,
        replicas_at=replicas_at,
        environment=Environment(own, _OPEN),
        hidden_mounts="" if mounts else HIDDEN,
    )
    file = said.text("build", "dockerfilePath")
    image = dockerfile_near(tree, images, folder, file)
    if image is not None:  # Railway builds with a Dockerfile wherever it finds one
        words = CommandLine.of(split(command, command.whole), command.whole) if command is not None else None
        return found([contained(tree, bare, image, entrypoint=words)], said.gaps)
    command = command or start_of(tree, folder)
    return found([native(tree, bare, command, folder, "/app")] if command is not None else [], said.gaps)


def _replicas(said: _Settings) -> tuple[Answer[int], Location | None]:
    value, at = said.get("deploy", "numReplicas")
    if value is not None:
        return as_number(value, at), at
    regions, at = said.get("deploy", "multiRegionConfig")
    counts = [
        v.get("numReplicas") if isinstance(v, dict) else getattr(v, "value", None)
        for v in (regions.values() if isinstance(regions, dict) else ())
    ]
    answers = [as_number(count, at) for count in counts if count is not None]
    if answers and all(isinstance(answer, Known) for answer in answers):
        return Known(sum(answer.value for answer in answers if isinstance(answer, Known)), at), at
    return Known(1, None, "medium"), None


PLATFORM = Platform(
    "railway",
    read,
    Dialect(
        "Railway",
        "railway.json, railway.toml",
        "start command, Dockerfile, numReplicas (also by region), requiredMountPath",
        "request, worker, restart, redeploy, replica, node",
        "volumes and variables, which live in the dashboard: findings about disks are less sure",
    ),
    wanted=lambda path: _NAME.fullmatch(name_of(path)) is not None,
)
