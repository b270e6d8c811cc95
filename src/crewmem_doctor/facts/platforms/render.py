"""render.yaml: web services, private services, workers and cron jobs of a Render blueprint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, dockerfile_near, found, native, service
from crewmem_doctor.facts.platforms.syntax import (
    answer,
    below,
    documents,
    folder_of,
    inside,
    items,
    name_of,
    number,
    passage,
    text,
)
from crewmem_doctor.model.deployment import Environment, Mount, Service, Setting, User
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar

_TYPES = ("web", "worker", "cron", "pserv", "job")
_PYTHON = ("", "python", "python3")
_SOURCE = "/opt/render/project/src"
_USER = User("render", Known("/opt/render"), None, root=False)
_OPEN = ("the service's environment in Render's dashboard",)


def read(tree: Tree, path: str, images: Images) -> Found:
    given, gaps = documents(tree, path)
    document = given[0] if given else None
    nodes = [node for node in _services(document) if text(node, "type") in _TYPES]
    if document is None or not nodes:
        return Found((), tuple(gaps)) if gaps else NOTHING
    groups = _groups(document)
    made = [_service(tree, path, images, node, groups) for node in nodes]
    return found((s for s in made if s is not None), gaps)


def _services(document: Mapping | None) -> Iterator[Mapping]:
    """The services of the file, those of its projects' environments among them."""
    projects = [
        environment for project in items(document, "projects") for environment in items(project, "environments")
    ]
    for owner in (document, *projects):
        yield from (node for node in items(owner, "services") if isinstance(node, Mapping))


def _groups(document: Mapping) -> dict[str, tuple[Setting, ...]]:
    return {
        text(group, "name"): tuple(_variables(below(group, "envVars"), {}))
        for group in items(document, "envVarGroups")
        if isinstance(group, Mapping)
    }


def _service(
    tree: Tree, path: str, images: Images, node: Mapping, groups: dict[str, tuple[Setting, ...]]
) -> Service | None:
    runtime = text(node, "runtime") or text(node, "env")
    image, file = text(node, "image", "url"), text(node, "dockerfilePath")
    is_image = runtime in ("docker", "image") or bool(image or file)
    if not is_image and runtime not in _PYTHON:
        return None  # Node, a static site: runs no Python
    name = text(node, "name") or text(node, "type")
    key = node.get("name")
    at = key.at if isinstance(key, Scalar) else node.at
    replicas, replicas_at = _replicas(node)
    missing = [f"the group {group}, which is not in this file" for group in _wanted(node) if group not in groups]
    environment = Environment(tuple(_variables(below(node, "envVars"), groups)), (*_OPEN, *missing))
    bare = service(
        "render",
        name,
        at,
        mounts=_disk(node),
        environment=environment,
        replicas=replicas,
        replicas_at=replicas_at,
        image=image,
        dev=bool(re.search(r"(^|[-_])(dev|development)$", name)),
    )
    base, named = folder_of(path), text(node, "rootDir")
    root = inside(base, named) if base and tree.is_dir(inside(base, named)) else inside("", named)
    if is_image:
        found_image = (
            None
            if image
            else dockerfile_near(
                tree, images, root, file.removeprefix("./"), text(node, "dockerContext").removeprefix("./")
            )
        )
        started = below(node, "dockerCommand") or below(node, "startCommand")
        return contained(tree, bare, found_image, command=passage(started))
    command = passage(below(node, "startCommand"))
    target = join_path(_SOURCE, inside("", named)) if named else _SOURCE
    return native(tree, replace(bare, user=_USER), command, root, target)


def _variables(node: Node | None, groups: dict[str, tuple[Setting, ...]]) -> Iterator[Setting]:
    for item in items(node):
        key = below(item, "key")
        if text(item, "fromGroup") in groups and below(item, "fromGroup") is not None:
            yield from groups[text(item, "fromGroup")]
        elif isinstance(key, Scalar):
            value = below(item, "value")
            said: Answer[str] = answer(value) if value is not None else Unknown("it is set on Render", key.at)
            over = value if value is not None and value.at.line == key.at.line else key
            yield Setting(key.value, said, over.at if value is None else _joined(key.at, over.at), value is None)


def _joined(start: Location, end: Location) -> Location:
    return Location(start.path, start.line, start.column, start.line, max(end.end_column, start.end_column))


def _wanted(node: Mapping) -> list[str]:
    return [name for item in items(node, "envVars") if (name := text(item, "fromGroup"))]


def _disk(node: Mapping) -> tuple[Mount, ...]:
    """A disk belongs to one instance; a service that has one cannot be scaled out."""
    target = below(node, "disk", "mountPath")
    if not isinstance(target, Scalar) or not target.value.startswith("/"):
        return ()
    return (Mount(target.value.rstrip("/") or "/", "disk", target.at, source=text(node, "disk", "name")),)


def _replicas(node: Mapping) -> tuple[Answer[int], Location | None]:
    most = below(node, "scaling", "maxInstances") or below(node, "numInstances")
    count = number(most)
    return (count, most.at) if most is not None and count is not None else (Known(1), None)


PLATFORM = Platform(
    "render",
    read,
    Dialect(
        "Render",
        "render.yaml (only where it follows Render's schema)",
        "web, worker, pserv and cron services, "
        "disk, numInstances and scaling, envVars and groups, start and Docker commands, rootDir",
        "request, worker, restart, redeploy, replica, node",
        "variables set in the dashboard (`sync: false`)",
    ),
    wanted=lambda path: re.fullmatch(r"render([.-][\w-]+)?\.ya?ml", name_of(path)) is not None,
)
