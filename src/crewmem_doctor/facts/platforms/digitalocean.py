"""The app specification of DigitalOcean's App Platform: .do/app.yaml, or wherever it lies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, dockerfile_near, found, native, service
from crewmem_doctor.facts.platforms.nixpacks import start_of
from crewmem_doctor.facts.platforms.syntax import (
    below,
    documents,
    folder_of,
    inside,
    items,
    name_of,
    named_settings,
    number,
    passage,
    text,
)
from crewmem_doctor.model.deployment import Environment, Service
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.sources.yaml import Mapping

_OPEN = ("the app's variables on DigitalOcean",)
_SOURCES = (
    "github",
    "gitlab",
    "bitbucket",
    "git",
    "image",
    "dockerfile_path",
    "environment_slug",
    "run_command",
    "instance_size_slug",
    "source_dir",
)


def read(tree: Tree, path: str, images: Images) -> Found:
    given, gaps = documents(tree, path)
    document = given[0] if given else None
    spec = below(document, "spec") if document is not None else None  # a deploy template
    document = spec if isinstance(spec, Mapping) and below(document, "apiVersion") is None else document
    if document is None or not text(document, "name"):
        return NOTHING
    return found(
        [made for node in _components(document) if (made := _service(tree, path, images, document, node))], gaps
    )


def _components(document: Mapping) -> Iterator[Mapping]:
    for kind in ("services", "workers", "jobs"):
        for node in items(document, kind):
            if isinstance(node, Mapping) and any(node.get(key) is not None for key in _SOURCES):
                yield node


def _service(tree: Tree, path: str, images: Images, document: Mapping, node: Mapping) -> Service | None:
    slug = text(node, "environment_slug")
    if slug and not slug.startswith("python"):
        return None
    name, key = text(node, "name") or "app", node.get("name")
    count = below(node, "autoscaling", "max_instance_count") or below(node, "instance_count")
    replicas: Answer[int] = number(count) or Known(1)
    environment = Environment(
        (*named_settings(below(document, "envs"), "key"), *named_settings(below(node, "envs"), "key")), _OPEN
    )
    reference = text(node, "image", "repository")
    bare = service(
        "digitalocean",
        name,
        key.at if key is not None else node.at,
        environment=environment,
        replicas=replicas,
        replicas_at=count.at if count is not None else None,
        deployment=path,
        image=reference,
    )
    base = folder_of(path).removesuffix(".do").rstrip("/")
    root = inside(base, text(node, "source_dir"))
    file = text(node, "dockerfile_path")
    command = passage(below(node, "run_command"))
    image = (
        images.for_reference(reference, path, (name,))
        if reference
        else None
        if slug
        else dockerfile_near(tree, images, base if file else root, file)
    )
    if image is not None or reference:
        return contained(tree, bare, image, command=command)
    return native(tree, bare, command or start_of(tree, root), root, "/workspace")


PLATFORM = Platform(
    "digitalocean",
    read,
    Dialect(
        "DigitalOcean App Platform",
        ".do/app.yaml and other app specifications",
        "services, workers and jobs, run command, Dockerfile, source_dir, instance_count and autoscaling, envs",
        "request, worker, restart, redeploy, replica, node",
        "bindable variables `${…}`, secrets",
    ),
    wanted=lambda path: (
        path.startswith(".do/")
        or "/.do/" in path
        or re.fullmatch(r"(app|[\w-]*(digitalocean|do-app|app-spec)[\w-]*)\.ya?ml", name_of(path)) is not None
    ),
)
