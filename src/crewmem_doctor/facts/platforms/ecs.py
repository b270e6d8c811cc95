"""ECS task definitions as JSON; also as CloudFormation and Terraform write them."""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, found, service
from crewmem_doctor.facts.platforms.syntax import (
    answer,
    documents,
    folder_of,
    items,
    named_settings,
    number,
    text,
    words,
)
from crewmem_doctor.model.deployment import Environment, Mount, Service, Setting, User
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar

_ROOT = ("root", "0", "")


def read(tree: Tree, path: str, images: Images) -> Found:
    if "ontainerDefinitions" not in (tree.text(path) or ""):
        return NOTHING
    given, gaps = documents(tree, path)
    if not given:
        return Found((), tuple(gaps))
    document = value(given[0], "taskDefinition")
    document = document if isinstance(document, Mapping) else given[0]
    if value(document, "containerDefinitions") is None:
        return NOTHING
    count, at = _desired(tree, path, text(value(document, "family")))
    return found(definition_services(tree, images, document, path, "", count, at), gaps)


def value(node: Node | None, *names: str) -> Node | None:
    """The value below a path of keys, in either spelling: containerDefinitions, ContainerDefinitions,
    container_definitions."""
    for name in names:
        wanted = name.lower()
        pairs = node.items() if isinstance(node, Mapping) else ()
        node = next((v for k, v in pairs if k.value.replace("_", "").lower() == wanted), None)
    return None if isinstance(node, Scalar) and node.null else node


def definition_services(
    tree: Tree,
    images: Images,
    document: Mapping,
    path: str,
    name: str,
    count: Answer[int] | None = None,
    count_at: Location | None = None,
) -> Iterator[Service]:
    """A service for each container of a task definition."""
    family = text(value(document, "family")) or name or "task"
    volumes: dict[str, Node] = {
        text(value(node, "name")): node
        for node in items(value(document, "volumes") or value(document, "volume"))
        if isinstance(node, Mapping)
    }
    if isinstance(single := value(document, "volume"), Mapping):
        volumes[text(value(single, "name"))] = single
    for node in items(value(document, "containerDefinitions")):
        if isinstance(node, Mapping):
            yield _container(tree, images, node, path, family, volumes, count, count_at)


def _container(
    tree: Tree,
    images: Images,
    node: Mapping,
    path: str,
    family: str,
    volumes: dict[str, Node],
    count: Answer[int] | None,
    count_at: Location | None,
) -> Service:
    name = text(value(node, "name")) or "app"
    said_image = value(node, "image")
    reference = said_image.value if isinstance(said_image, Scalar) else ""
    key = value(node, "name")
    image = images.for_reference(reference, path, (name, family))
    variables = (*named_settings_of(value(node, "environment")), *_secrets(value(node, "secrets")))
    files = [f"environmentFiles ({text(value(item, 'value'))})" for item in items(value(node, "environmentFiles"))]
    read_only = value(node, "readonlyRootFilesystem")
    workdir = value(node, "workingDirectory")
    bare = service(
        "ecs",
        f"{family}/{name}",
        key.at if key is not None else node.at,
        deployment=path,
        mounts=_mounts(node, volumes),
        environment=Environment(variables, tuple(files)),
        image="" if image else reference,
        replicas=count if count is not None else Unknown("the service that runs this task is not in this tree"),
        replicas_at=count_at,
        user=_user(value(node, "user")),
        read_only_root=Known(True, read_only.at) if isinstance(read_only, Scalar) and read_only.truth else None,
    )
    return contained(
        tree,
        bare,
        image,
        words(value(node, "entryPoint")),
        words(value(node, "command")),
        answer(workdir) if workdir is not None else None,
    )


def named_settings_of(node: Node | None) -> tuple[Setting, ...]:
    """`environment` in either spelling."""
    upper = any(isinstance(item, Mapping) and item.get("Name") is not None for item in items(node))
    return named_settings(node, "Name", "Value") if upper else named_settings(node)


def _secrets(node: Node | None) -> tuple[Setting, ...]:
    return tuple(
        Setting(key.value, Unknown("it comes from a secret", key.at), key.at, True)
        for item in items(node)
        if isinstance(key := value(item, "name"), Scalar)
    )


def _user(node: Node | None) -> User:
    if not isinstance(node, Scalar) or not node.value:
        return User("", Unknown("the image decides"))
    root = node.value.partition(":")[0] in _ROOT
    home: Answer[str] = Known("/root") if root else Unknown("the image's passwd decides")
    return User(node.value, home, node.at, root)


def _mounts(node: Mapping, volumes: dict[str, Node]) -> Iterator[Mount]:
    for item in items(value(node, "mountPoints")):
        target, source = value(item, "containerPath"), text(value(item, "sourceVolume"))
        if not isinstance(target, Scalar) or not target.value.startswith("/"):
            continue
        volume = volumes.get(source)
        flag = value(item, "readOnly")
        read_only = isinstance(flag, Scalar) and flag.truth is True
        where, at = target.value.rstrip("/") or "/", target.at
        host = value(volume, "host", "sourcePath") or value(volume, "hostPath")
        docker = value(volume, "dockerVolumeConfiguration")
        if source not in volumes:
            yield Mount(where, "unknown", at, source, read_only=read_only)
        elif value(volume, "efsVolumeConfiguration") is not None:
            yield Mount(where, "nfs", at, source, shared=True, read_only=read_only, network="efs")
        elif value(volume, "fsxWindowsFileServerVolumeConfiguration") is not None:
            yield Mount(where, "nfs", at, source, shared=True, read_only=read_only, network="smb")
        elif isinstance(host, Scalar):
            yield Mount(where, "hostpath", at, host.value, read_only=read_only, local=True)
        elif docker is not None and text(value(docker, "scope")) == "shared":
            yield Mount(where, "named", at, source, read_only=read_only, local=True)
        else:  # the task's own storage, or a docker volume of the task
            yield Mount(where, "anonymous", at, source, durable=False, read_only=read_only)


def _desired(tree: Tree, path: str, family: str) -> tuple[Answer[int] | None, Location | None]:
    """desiredCount of a service definition beside the task definition."""
    folder = folder_of(path)
    for other in tree.files:
        if other == path or folder_of(other) != folder or not other.endswith(".json"):
            continue
        body = tree.text(other) or ""
        if "desiredCount" not in body:
            continue
        for document in documents(tree, other)[0]:
            definition = text(value(document, "taskDefinition")).partition(":")[0]
            count = value(document, "desiredCount")
            if count is not None and definition.rpartition("/")[2] in ("", family):
                return number(count), count.at
    return None, None


PLATFORM = Platform(
    "ecs",
    read,
    Dialect(
        "Amazon ECS",
        "task definition JSON (names with `task-def`, `ecs` or `container-def`)",
        "containers, images, commands, environment, secrets, mount points on EFS, host and task storage, user, "
        "read-only root, desiredCount beside it",
        "request, worker, restart, redeploy, replica, node",
        "the service's count where it is not in the tree; auto scaling; files of environment on S3",
    ),
    wanted=lambda path: path.lower().endswith(".json"),
)
