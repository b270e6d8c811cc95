"""SAM and CloudFormation templates: functions, and the task definitions and services of ECS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.facts.platforms.aws_lambda import Function, efs, service_of
from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import dockerfile_near, found
from crewmem_doctor.facts.platforms.ecs import definition_services
from crewmem_doctor.facts.platforms.syntax import (
    below,
    documents,
    entries,
    folder_of,
    inside,
    items,
    mapping,
    number,
    settings,
    text,
    words,
)
from crewmem_doctor.model.deployment import Environment, Service
from crewmem_doctor.model.known import Answer
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar

_FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")


def read(tree: Tree, path: str, images: Images) -> Found:
    body = tree.text(path)
    if body is None or "AWS::" not in body:
        return NOTHING
    given, gaps = documents(tree, path)
    services: list[Service] = []
    for document in given:
        shared = mapping(document, "Globals", "Function")
        counts = _desired(document)
        for key, resource in entries(document, "Resources"):
            kind, own = text(resource, "Type"), mapping(resource, "Properties")
            if kind in _FUNCTIONS:
                made = _function(tree, path, images, key, resource, _with(shared, own))
                services.extend([made] if made is not None else [])
            elif kind == "AWS::ECS::TaskDefinition":
                count, at = counts.get(key.value, (None, None))
                services.extend(definition_services(tree, images, own, path, key.value, count, at))
    return found(services, gaps) if services or gaps else NOTHING


def _with(shared: Mapping, own: Mapping) -> Mapping:
    """A function's own properties over those of Globals."""
    return Mapping((*shared.entries, *own.entries), own.at if own.entries else shared.at)


def _function(tree: Tree, path: str, images: Images, key: Scalar, resource: Node, said: Mapping) -> Service | None:
    folder = folder_of(path)
    runtime = text(said, "Runtime")
    is_image = text(said, "PackageType") == "Image" or below(said, "ImageUri") is not None
    if not is_image and not runtime.startswith("python") and runtime:
        return None  # Node, Java …
    own_name = text(said, "FunctionName")
    variables = [
        v for name in ("Environment",) for layer in _all(said, name) for v in settings(below(layer, "Variables"))
    ]
    mounts = [
        (target.value, target.at)
        for config in items(said, "FileSystemConfigs")
        if isinstance(target := below(config, "LocalMountPath"), Scalar)
    ]
    code = below(said, "CodeUri")
    code = (below(said, "Code", "ZipFile") and Scalar("", "null", key.at)) or code
    reserved = below(said, "ReservedConcurrentExecutions")
    concurrency: Answer[int] | None = number(reserved)
    image = None
    if is_image:
        built = mapping(resource, "Metadata")
        context = inside(folder, text(built, "DockerContext"))
        image = dockerfile_near(
            tree, images, context, text(built, "Dockerfile"), target=text(built, "DockerBuildTarget")
        )
        image = image or images.for_reference(
            text(said, "ImageUri") or text(said, "Code", "ImageUri"), path, (key.value,)
        )
    return service_of(
        tree,
        Function(
            own_name or key.value,
            key.at,
            text(said, "Handler"),
            _root(tree, folder, text(code)),
            Environment(tuple(variables)),
            efs(mounts),
            image,
            is_image,
            words(below(said, "ImageConfig", "Command")),
            concurrency,
            reserved.at if reserved is not None and concurrency is not None else None,
            path,
        ),
    )


def _all(node: Mapping, name: str) -> Iterator[Node]:
    """Every value of a key, those of Globals first."""
    yield from (value for key, value in node.entries if key.value == name)


def _root(tree: Tree, folder: str, code: str) -> str:
    root = inside(folder, code) if not re.match(r"s3://|\w+\.zip$", code) else folder
    return root if not root or tree.is_dir(root) else folder


def _desired(document: Mapping) -> dict[str, tuple[Answer[int] | None, Location | None]]:
    """By the task definition's logical name: how many tasks its service wants."""
    out: dict[str, tuple[Answer[int] | None, Location | None]] = {}
    for _, resource in entries(document, "Resources"):
        own = mapping(resource, "Properties")
        definition, count = below(own, "TaskDefinition"), below(own, "DesiredCount")
        if text(resource, "Type") == "AWS::ECS::Service" and isinstance(definition, Scalar):
            out[definition.value.partition(".")[0]] = number(count), count.at if count is not None else None
    return out


PLATFORM = Platform(
    "sam",
    read,
    Dialect(
        "AWS SAM, CloudFormation",
        "YAML and template.json with AWS:: resources",
        "functions with Globals, handler, CodeUri, variables, EFS, images, reserved concurrency; ECS task definitions "
        "and services",
        "request, worker, restart, redeploy, replica, node",
        "what !Ref, !Sub and parameters fill in; code uploaded from elsewhere",
    ),
    wanted=lambda path: (
        path.lower().endswith((".yaml", ".yml", ".template", "template.json")) and not path.startswith(".github/")
    ),
)
