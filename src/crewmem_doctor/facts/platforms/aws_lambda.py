"""What SAM, CloudFormation, serverless.yml and Terraform have in common: a Lambda function."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field, replace

from crewmem_doctor.facts.dockerfile import Image
from crewmem_doctor.facts.platforms.base import Tree
from crewmem_doctor.facts.platforms.build import contained, function, native
from crewmem_doctor.model.deployment import Environment, Mount, Process, Service
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.shell import CommandLine

TASK = "/var/task"
_HANDLER = re.compile(r"[\w./-]+\.\w+")


@dataclass(frozen=True, slots=True)
class Function:
    """What a template says of one function. `root` is the folder of the tree that is uploaded, `handler` as written."""

    name: str
    at: Location
    handler: str = ""
    root: str = ""
    environment: Environment = field(default_factory=Environment)
    mounts: tuple[Mount, ...] = ()
    image: Image | None = None
    is_image: bool = False
    command: CommandLine | None = None
    concurrency: Answer[int] | None = None
    concurrency_at: Location | None = None
    deployment: str = ""


def service_of(tree: Tree, said: Function) -> Service:
    """The function as a service. Its instances share nothing but what is mounted."""
    target = file_of(tree, said.root, said.handler)
    bare = function(
        "lambda",
        said.name,
        said.at,
        "lambda",
        target,
        mounts=said.mounts,
        environment=said.environment,
        deployment=said.deployment or said.at.path,
    )
    if said.concurrency is not None:
        bare = replace(bare, replicas=said.concurrency, replicas_at=said.concurrency_at)
    if not said.is_image:
        return native(tree, bare, None, said.root, TASK)
    made = contained(tree, replace(bare, processes=()), said.image, command=said.command)
    return replace(made, user=bare.user, processes=tuple(_served(p) for p in made.processes))


def _served(process: Process) -> Process:
    """An image's command is the handler: `CMD ["app.handler"]`."""
    word = process.target if process.server == "lambda" else process.words[-1] if process.words else ""
    if process.server in ("lambda", "unknown") and _HANDLER.fullmatch(word) and not word.endswith((".py", ".sh")):
        return replace(process, server="lambda", target=word.rpartition(".")[0].replace(".", "/") + ".py")
    return process


def file_of(tree: Tree, root: str, handler: str) -> str:
    """The file of "src/app.handler": the module may also be dotted."""
    module = handler.strip().rpartition(".")[0]
    if not module:
        return ""
    for candidate in (module, module.replace(".", "/")):
        if tree.exists(join_path(root, candidate + ".py")):
            return candidate + ".py"
    return module + ".py"


def root_of(tree: Tree, folder: str, handler: str) -> str:
    """The folder that is zipped is seldom a literal: the nearest one that holds the handler's module."""
    module = handler.rpartition(".")[0].replace(".", "/") + ".py"
    holding = [p[: -len(module)].rstrip("/") for p in tree.python if p == module or p.endswith("/" + module)]
    return min(holding, key=lambda f: (not f.startswith(folder), f.count("/"), f)) if handler and holding else folder


def efs(targets: Iterable[tuple[str, Location]]) -> tuple[Mount, ...]:
    """Elastic file systems under a function: durable, and the same for every instance."""
    return tuple(
        Mount(target.rstrip("/"), "nfs", at, source="EFS", shared=True, network="efs")
        for target, at in targets
        if target.startswith("/")
    )
