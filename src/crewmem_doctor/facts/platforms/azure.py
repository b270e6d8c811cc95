"""Azure: Container Apps and web apps in Bicep (literals), Functions by their host.json."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, found, function, native, service
from crewmem_doctor.facts.platforms.ecs import value
from crewmem_doctor.facts.platforms.syntax import (
    below,
    documents,
    folder_of,
    items,
    name_of,
    named_settings,
    number,
    text,
    words,
)
from crewmem_doctor.model.deployment import Environment, Mount, Service
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.hcl import load
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

_MAX = 512 * 1024
_ANY = Unknown("Container Apps runs up to ten replicas, unless maxReplicas says otherwise")
_OPEN = ("the app's settings in Azure",)


def read(tree: Tree, path: str, images: Images) -> Found:
    if name_of(path) == "host.json":
        return _functions(tree, path)
    body = tree.text(path)
    if body is None or len(body) > _MAX or "Microsoft." not in body:
        return NOTHING
    services: list[Service] = []
    for block in load(body, path):
        kind = next((label for label in block.labels if label.startswith("Microsoft.")), "")
        name = text(block.body, "name") or (block.labels[0] if block.labels else "")
        if kind.startswith(("Microsoft.App/containerApps@", "Microsoft.App/jobs@")):
            services.extend(container_app(tree, images, mapping_of(block.body, "properties"), path, name, block.at))
        elif kind.startswith("Microsoft.Web/sites@"):
            services.extend(_web_app(tree, images, block.body, path, name, block.at))
    return found(services)


def mapping_of(node: Node | None, *keys: str) -> Mapping:
    inner = value(node, *keys)
    return inner if isinstance(inner, Mapping) else Mapping((), node.at if node is not None else Location(""))


def container_app(tree: Tree, images: Images, said: Mapping, path: str, name: str, at: Location) -> Iterator[Service]:
    """A service for each container of an app, as Bicep and Terraform write it."""
    template = mapping_of(said, "template")
    volumes = {
        text(value(node, "name")): node for node in _several(value(template, "volumes") or value(template, "volume"))
    }
    most = value(template, "scale", "maxReplicas") or value(template, "maxReplicas")
    containers = _several(value(template, "containers") or value(template, "container"))
    for node in containers:
        given = value(node, "image")
        reference = given.value if isinstance(given, Scalar) else ""
        own = text(value(node, "name"))
        image = images.for_reference(reference, path, (own, name))
        count: Answer[int] = number(most) or _ANY
        bare = service(
            "azure",
            name if len(containers) == 1 else f"{name}/{own}",
            at,
            mounts=_mounts(node, volumes),
            environment=Environment(
                tuple(v for n in _several(value(node, "env")) for v in named_settings(Sequence((n,), n.at)))
            ),
            replicas=count,
            replicas_at=most.at if most is not None else None,
            replicas_most=True,
            image="" if image else reference,
            deployment=path,
        )
        yield contained(tree, bare, image, words(value(node, "command")), words(value(node, "args")))


def _several(node: Node | None) -> tuple[Node, ...]:
    return (node,) if isinstance(node, Mapping) else items(node)


def _mounts(node: Node, volumes: dict[str, Node]) -> Iterator[Mount]:
    for item in _several(value(node, "volumeMounts")):
        target = value(item, "mountPath") or value(item, "path")
        name = text(value(item, "volumeName")) or text(value(item, "name"))
        if not isinstance(target, Scalar) or not target.value.startswith("/"):
            continue
        kind = text(value(volumes.get(name), "storageType"))
        where, at = target.value.rstrip("/") or "/", target.at
        if kind.startswith(("AzureFile", "NfsAzureFile")):
            yield Mount(where, "nfs", at, name, shared=True, network="nfs" if kind.startswith("Nfs") else "smb")
        elif kind == "Secret":
            yield Mount(where, "secret", at, name, durable=False, read_only=True)
        elif kind == "EmptyDir" or (name in volumes and not kind):
            yield Mount(where, "emptydir", at, name, durable=False)
        else:
            yield Mount(where, "unknown", at, name)


def _web_app(tree: Tree, images: Images, body: Mapping, path: str, name: str, at: Location) -> Iterator[Service]:
    """App Service keeps /home on Azure Storage, for all instances; in a container only where asked."""
    site = mapping_of(body, "properties", "siteConfig")
    stack, kind = text(value(site, "linuxFxVersion")), text(value(body, "kind"))
    if "functionapp" in kind or not stack.upper().startswith(("PYTHON", "DOCKER")):
        return
    variables = tuple(v for n in items(value(site, "appSettings")) for v in named_settings(Sequence((n,), n.at)))
    environment = Environment(variables, _OPEN)
    keeps = environment.get("WEBSITES_ENABLE_APP_SERVICE_STORAGE")
    is_image = stack.upper().startswith("DOCKER")
    durable = not is_image or (
        keeps is not None and isinstance(keeps.value, Known) and keeps.value.value.lower() == "true"
    )
    share = (Mount("/home", "nfs", at, "App Service storage", shared=True, network="smb"),) if durable else ()
    command = value(site, "appCommandLine")
    line = Passage(command.value, command.at) if isinstance(command, Scalar) and command.value else None
    bare = service(
        "azure",
        name,
        at,
        mounts=share,
        environment=environment,
        deployment=path,
        replicas=Unknown("the plan's instances are set in Azure"),
    )
    if is_image:
        reference = stack.partition("|")[2]
        image = images.for_reference(reference, path, (name,))
        yield contained(tree, replace(bare, image="" if image else reference), image, command=line)
    else:
        root = next(
            (
                folder
                for folder in ("", "backend", "app", "src")
                if any(tree.exists(join_path(folder, f)) for f in ("requirements.txt", "pyproject.toml"))
            ),
            "",
        )
        yield native(tree, bare, line, root, "/home/site/wwwroot")


def _functions(tree: Tree, path: str) -> Found:
    """A Functions app whose code is Python: function_app.py, or a function.json with a script."""
    folder = folder_of(path)
    given, gaps = documents(tree, path)
    if not given or below(given[0], "version") is None:
        return Found((), tuple(gaps))
    scripts = [join_path(folder, "function_app.py")] if tree.exists(join_path(folder, "function_app.py")) else []
    for other in tree.files:
        if name_of(other) == "function.json" and folder_of(folder_of(other)) == folder:
            said = [text(document, "scriptFile") or "__init__.py" for document in documents(tree, other)[0]]
            scripts.extend(join_path(folder_of(other), script) for script in said if script.endswith(".py"))
    services = []
    for script in scripts:
        inside = script[len(folder) :].lstrip("/")
        name = inside.rpartition("/")[0] or inside.removesuffix(".py")
        bare = function(
            "azure",
            name,
            Location(script) if tree.exists(script) else given[0].at,
            "azure-functions",
            inside,
            disk="azure-functions",
            environment=Environment((), _OPEN),
            deployment=path,
        )
        bare = replace(bare, at=given[0].at, read_only_root=None, writable=())
        services.append(native(tree, bare, None, folder, "/home/site/wwwroot"))
    return found(services, gaps)


PLATFORM = Platform(
    "azure",
    read,
    Dialect(
        "Azure Container Apps, App Service, Functions",
        "*.bicep, host.json with function_app.py or function.json",
        "containers, images, environment, volumes (Azure Files, EmptyDir), maxReplicas, App Service's /home, functions",
        "request, worker, restart, redeploy, replica, node",
        "Bicep parameters and expressions, settings in the portal",
    ),
    wanted=lambda path: path.lower().endswith(".bicep") or name_of(path) == "host.json",
)
