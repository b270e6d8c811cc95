"""AWS CDK in Python, where literals make it plain: Lambda functions, and containers of ECS task definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.facts.platforms.aws_lambda import Function, efs, root_of, service_of
from crewmem_doctor.facts.platforms.base import Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, dockerfile_near, found, service
from crewmem_doctor.facts.platforms.syntax import folder_of, name_of
from crewmem_doctor.facts.python.cdk_stack import CdkUnit, cdk_units
from crewmem_doctor.model.deployment import Environment, Mount, Service, Setting
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown

_HIDDEN = "the stack computes what is mounted"


def read(tree: Tree, path: str, images: Images) -> Found:
    """The stacks below a cdk.json; asset paths start from its folder."""
    home = folder_of(path)
    stacks = [p for p in tree.grep((b"aws_cdk",)) if not home or p.startswith(f"{home}/")]
    return found(
        _service(tree, home, stack, images, unit)
        for stack in stacks
        for unit in cdk_units(tree.text(stack) or "", stack)
    )


def _service(tree: Tree, home: str, path: str, images: Images, unit: CdkUnit) -> Service:
    variables = [
        Setting(name, Known(value, at) if value is not None else Unknown("the stack computes it", at), at)
        for name, value, at in unit.settings
    ]
    environment = Environment(tuple(variables), ("what the stack adds",))
    count: Answer[int] | None = Known(unit.count, unit.count_at) if unit.count is not None else None
    if unit.handler:
        root = join_path(home, unit.asset) if unit.asset else ""
        root = root if unit.asset and tree.is_dir(root) else root_of(tree, folder_of(path), unit.handler)
        disks = efs((target, at) for target, _, at in unit.mounts)
        made = service_of(
            tree,
            Function(
                unit.name,
                unit.at,
                unit.handler,
                root,
                environment,
                disks,
                concurrency=count,
                concurrency_at=unit.count_at,
                deployment=path,
            ),
        )
        return made if unit.complete else _hiding(made)
    image = dockerfile_near(tree, images, join_path(home, unit.asset)) if unit.asset else None
    image = image or images.for_reference(unit.image, path, (unit.name,))
    bare = service(
        "ecs",
        unit.name,
        unit.at,
        deployment=path,
        mounts=_mounts(unit),
        environment=environment,
        image="" if image else unit.image,
        replicas=count if count is not None else Unknown("the stack does not say how many tasks run"),
        replicas_at=unit.count_at,
        hidden_mounts="" if unit.complete else _HIDDEN,
    )
    return contained(tree, bare, image)


def _hiding(made: Service) -> Service:
    return replace(made, hidden_mounts=_HIDDEN)


def _mounts(unit: CdkUnit) -> Iterator[Mount]:
    for target, source, at in unit.mounts:
        if source in unit.efs:
            yield Mount(target, "nfs", at, source, shared=True, network="efs")
        else:
            yield Mount(target, "unknown", at, source)


PLATFORM = Platform(
    "cdk",
    read,
    Dialect(
        "AWS CDK (Python)",
        "cdk.json, and the Python files below it that import aws_cdk",
        "Lambda functions with code, environment, filesystem and reserved concurrency; containers of ECS task "
        "definitions with image, environment, mount points on EFS and desired_count: literals only",
        "request, worker, restart, redeploy, replica, node",
        "stacks in other languages, patterns of ecs_patterns, everything that the stack computes",
    ),
    wanted=lambda path: name_of(path) == "cdk.json",
)
