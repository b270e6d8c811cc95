"""Terraform, where literals make it plain: ECS tasks and services, Lambda, Cloud Run, Azure Container Apps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.facts.platforms.aws_lambda import Function, efs, root_of, service_of
from crewmem_doctor.facts.platforms.azure import container_app
from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found
from crewmem_doctor.facts.platforms.cloudrun import terraform_service
from crewmem_doctor.facts.platforms.ecs import definition_services, value
from crewmem_doctor.facts.platforms.syntax import below, folder_of, number, settings, text, words
from crewmem_doctor.model.deployment import Environment, Service
from crewmem_doctor.model.known import Answer
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.hcl import Block, load
from crewmem_doctor.sources.yaml import Mapping, Scalar, Sequence
from crewmem_doctor.sources.yaml import load as load_yaml

_KINDS = ("aws_ecs_task_definition", "aws_lambda_function", "google_cloud_run", "azurerm_container_app")
_MAX = 512 * 1024
Counts = dict[str, tuple["Answer[int] | None", "Location | None"]]


def read(tree: Tree, path: str, images: Images) -> Found:
    body = tree.text(path)
    if body is None or len(body) > _MAX or not any(kind in body for kind in _KINDS):
        return NOTHING
    blocks = _resources(body, path)
    counts = _desired(tree, path) if any(b.labels[0] == "aws_ecs_task_definition" for b in blocks) else {}
    services: list[Service] = []
    for block in blocks:
        kind, name = block.labels[0], block.labels[1]
        if kind == "aws_ecs_task_definition":
            count, at = counts.get(name, (None, None))
            services.extend(definition_services(tree, images, _definition(tree, block, path), path, name, count, at))
        elif kind == "aws_lambda_function":
            services.extend(_function(tree, images, block, path))
        elif kind in ("google_cloud_run_service", "google_cloud_run_v2_service"):
            services.append(terraform_service(tree, images, block, path))
        elif kind == "azurerm_container_app":
            services.extend(
                container_app(tree, images, block.body, path, text(value(block.body, "name")) or name, block.at)
            )
    return found(services)


def _resources(body: str, path: str) -> list[Block]:
    return [block for block in load(body, path) if block.kind == "resource" and len(block.labels) > 1]


def _definition(tree: Tree, block: Block, path: str) -> Mapping:
    """The task definition with its containers, which may stand in a heredoc or in a JSON file beside it."""
    given = value(block.body, "containerDefinitions")
    if isinstance(given, Sequence) or not isinstance(given, Scalar):
        return block.body
    said = re.search(r"(?:template)?file\(\s*\"(?:\$\{path\.module\}/)?([\w./-]+)\"", given.value)
    source, where = given.value, path
    if said is not None:
        where = f"{folder_of(path)}/{said[1].removeprefix('./')}".lstrip("/")
        source = (tree.text(where) if tree.exists(where) else None) or ""
    nodes = load_yaml(re.sub(r"[\t]", " ", source), where)[0]
    if not nodes or not isinstance(nodes[0], Sequence):
        return block.body
    key = Scalar("container_definitions", "str", given.at)
    return Mapping((*block.body.entries, (key, nodes[0])), block.body.at)


def _desired(tree: Tree, path: str) -> Counts:
    """How many tasks the services of this folder want, by the name of the task definition's resource."""
    out: Counts = {}
    for other in tree.files:
        if folder_of(other) != folder_of(path) or not other.endswith(".tf"):
            continue
        body = tree.text(other) or ""
        for block in _resources(body, other) if "aws_ecs_service" in body and len(body) <= _MAX else ():
            definition, count = value(block.body, "taskDefinition"), value(block.body, "desiredCount")
            match = (
                re.search(r"aws_ecs_task_definition\.([\w-]+)", definition.value)
                if isinstance(definition, Scalar)
                else None
            )
            if block.labels[0] == "aws_ecs_service" and match is not None:
                out[match[1]] = number(count), count.at if count is not None else None
    return out


def _function(tree: Tree, images: Images, block: Block, path: str) -> Iterator[Service]:
    body, folder = block.body, folder_of(path)
    runtime, image = text(below(body, "runtime")), below(body, "image_uri")
    if image is None and runtime and not runtime.startswith("python"):
        return
    target = below(body, "file_system_config", "local_mount_path")
    count = below(body, "reserved_concurrent_executions")
    handler = text(below(body, "handler"))
    reference = image.value if isinstance(image, Scalar) else ""
    yield service_of(
        tree,
        Function(
            text(below(body, "function_name")) or block.labels[1],
            block.at,
            handler,
            root_of(tree, folder, handler),
            Environment(settings(below(body, "environment", "variables"))),
            efs([(target.value, target.at)] if isinstance(target, Scalar) else []),
            images.for_reference(reference, path, (block.labels[1],)) if image is not None else None,
            image is not None,
            words(below(body, "image_config", "command")),
            number(count),
            count.at if count is not None else None,
            path,
        ),
    )


PLATFORM = Platform(
    "terraform",
    read,
    Dialect(
        "Terraform",
        "*.tf",
        "aws_ecs_task_definition and desired_count of its service, aws_lambda_function with "
        "file_system_config, google_cloud_run services, azurerm_container_app: literals only",
        "request, worker, restart, redeploy, replica, node",
        "variables, locals, modules, count and for_each",
    ),
    wanted=lambda path: path.endswith(".tf"),
)
