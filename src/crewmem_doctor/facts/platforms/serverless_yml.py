"""serverless.yml: the functions of a Serverless Framework service on AWS."""

from __future__ import annotations

import re

from crewmem_doctor.facts.platforms.aws_lambda import Function, efs, service_of
from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import dockerfile_near, found
from crewmem_doctor.facts.platforms.syntax import (
    below,
    documents,
    entries,
    folder_of,
    inside,
    items,
    name_of,
    number,
    settings,
    text,
    words,
)
from crewmem_doctor.model.deployment import Environment, Service
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar


def read(tree: Tree, path: str, images: Images) -> Found:
    given, gaps = documents(tree, path)
    if not given:
        return Found((), tuple(gaps))
    document = given[0]
    provider = text(document, "provider") or text(document, "provider", "name") or "aws"
    if provider != "aws" or below(document, "functions") is None:
        return Found((), tuple(gaps))
    made: list[Service | None] = []
    # `functions` may be a list of mappings.
    for node in items(document, "functions") or (below(document, "functions"),):
        made.extend(_function(tree, path, images, document, key, value) for key, value in entries(node))
    services = [s for s in made if s is not None]
    return found(services, gaps) if services or gaps else NOTHING


def _function(tree: Tree, path: str, images: Images, document: Mapping, key: Scalar, node: Node) -> Service | None:
    folder = folder_of(path)
    runtime = text(node, "runtime") or text(document, "provider", "runtime")
    said = below(node, "image")
    if said is None and runtime and not runtime.startswith("python"):
        return None
    given = [below(owner, *keys) for owner, keys in ((document, ("provider", "environment")), (node, ("environment",)))]
    elsewhere = [f"{g.value}" for g in given if isinstance(g, Scalar)]  # ${file(env.yml)}
    environment = Environment(tuple(v for g in given for v in settings(g)), tuple(elsewhere))
    mount = below(node, "fileSystemConfig", "localMountPath")
    count = below(node, "reservedConcurrency")
    image = command = None
    if said is not None:
        name = text(said) or text(said, "name")
        built = below(document, "provider", "ecr", "images", name)
        context = inside(folder, text(built, "path") if isinstance(built, Mapping) else text(built))
        image = dockerfile_near(tree, images, context, text(built, "file")) if built is not None else None
        image = image or images.for_reference(text(said, "uri") or name, path, (key.value,))
        command = words(below(said, "command"))
    return service_of(
        tree,
        Function(
            key.value,
            key.at,
            text(node, "handler"),
            folder,
            environment,
            efs([(mount.value, mount.at)] if isinstance(mount, Scalar) else []),
            image,
            said is not None,
            command,
            number(count),
            count.at if count is not None else None,
            path,
        ),
    )


PLATFORM = Platform(
    "serverless",
    read,
    Dialect(
        "Serverless Framework",
        "serverless.yml, serverless.json (provider aws)",
        "functions, handlers, images, variables of provider and function, fileSystemConfig (EFS), reserved concurrency",
        "request, worker, restart, redeploy, replica, node",
        "variables `${…}`, plugins, other providers",
    ),
    wanted=lambda path: re.fullmatch(r"serverless([.-][\w-]+)?\.(ya?ml|json)", name_of(path)) is not None,
)
