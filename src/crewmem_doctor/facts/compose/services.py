"""A merged compose service, joined with the Dockerfile it is built from, as a Service of the model.

`develop.watch` is not read: it copies into a running development container only. What one service takes from another's
network, health or order of start says nothing about where memory is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from crewmem_doctor.facts.compose.backing import backing_of
from crewmem_doctor.facts.compose.builds import Build, Builds
from crewmem_doctor.facts.compose.environment import environment_of
from crewmem_doctor.facts.compose.interpolate import answer_of, fill, number_of, truth_of
from crewmem_doctor.facts.compose.launch import processes_of
from crewmem_doctor.facts.compose.merge import items_of
from crewmem_doctor.facts.compose.mounts import mounts_of
from crewmem_doctor.facts.compose.project import Project
from crewmem_doctor.facts.dockerfile import Image, user_of
from crewmem_doctor.facts.dockerfile.names import is_development
from crewmem_doctor.model.deployment import Copied, Environment, Mount, Service, User
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar

_DEVELOPMENT = frozenset(("dev", "devel", "develop", "development", "test", "tests", "testing", "debug"))
_PINS = re.compile(r"\s*(node\.(hostname|id|ip|labels\..+?)|engine\.labels\..+?)\s*==")


class Pulled(Protocol):
    """Which Dockerfile of the tree makes an image; `alone` says that being the only Dockerfile is enough."""

    def __call__(self, reference: str, near: str, names: Iterable[str], *, alone: bool) -> Image | None: ...


def services_of(
    project: Project, tree: Tree, builds: Builds, made: dict[str, Node], pulled: Pulled | None = None
) -> tuple[list[Service], list[Gap]]:
    """The services of one deployment in the order of its files. `made` are the builds of images all over the tree."""
    nodes = {key.value: (key, node) for key, node in project.section("services").items()}
    swarm = project.deployment.swarm or _is_swarm(project, (node for _, node in nodes.values()))
    found: list[Service] = []
    gaps: list[Gap] = []
    images = {**made, **images_of(project)}
    alone = _one_stranger(project, images, [node for _, node in nodes.values() if isinstance(node, Mapping)])
    for key, node in nodes.values():
        if not isinstance(node, Mapping):
            if not (isinstance(node, Scalar) and node.null):
                gaps.append(Gap(key.at.path, key.at.line, "parse", "a service that is no mapping"))
            continue
        build, build_gaps = builds.of(_with_build(node, project, images), project)
        gaps.extend(build_gaps)
        reference, guessed = _image(node, project), False
        if build is None and not reference:
            continue                    # nothing to run: half of an overlay, or a `provider`
        if build is None and pulled is not None:
            names = (key.value,) if "$" in reference else ()
            build = builds.elsewhere(pulled(reference, node.at.path, names, alone=False))
            guessed = build is None and alone
            if guessed:
                build = builds.elsewhere(pulled(reference, node.at.path, names, alone=True))
        found.append(replace(_service(key, node, project, tree, build, swarm), guessed=guessed))
    return [_with_volumes_from(service, nodes, found, project) for service in found], gaps


def _one_stranger(project: Project, images: dict[str, Node], nodes: list[Mapping]) -> bool:
    """Whether nothing is built here and one image only is neither known nor made: then it is the project's own."""
    references = {_image(node, project) for node in nodes if node.get("build") is None}
    strangers = {r for r in references if r and r.removesuffix(":latest") not in images and not backing_of(r)}
    return len(strangers) == 1 and all(node.get("build") is None for node in nodes)


def _service(key: Scalar, node: Mapping, project: Project, tree: Tree, build: Build | None, swarm: bool) -> Service:
    image = build.image if build is not None else None
    reference = "" if build is not None else _image(node, project)
    moves = swarm and not _is_pinned(node, project)
    mounts, brought = mounts_of(node, project, moves=moves)
    covered = {mount.target for mount in mounts}
    inherited = tuple(volume for volume in image.volumes if volume.target not in covered) if image else ()
    environment = environment_of(node, project, tree, image.environment if image else _foreign(reference, build))
    environment = replace(environment, open=(*environment.open, *_mounted_dotenv(mounts, tree)))
    replicas, replicas_at = _replicas(node, project)
    workdir = _workdir(node, project, image.workdir if image else None)
    profiles = tuple(text for item in items_of(node.get("profiles")) if (text := project.text(item)))
    packages = image.packages if image else ()
    service = Service(
        id=f"compose:{key.value}", name=key.value, platform="compose", at=key.at,
        environment=environment, workdir=workdir, user=_user(node, project, build),
        mounts=(*inherited, *mounts), replicas=replicas, replicas_at=replicas_at,
        copies=(*(image.copies if image else ()), *brought),
        context=build.context if build else "", image=reference,
        backing=backing_of(reference) or (backing_of(image.base_image) if image and not packages else ""),
        dockerfile=build.dockerfile if build else "", base_image=image.base_image if image else "", packages=packages,
        read_only_root=_read_only(node, project),
        dev=project.deployment.dev or _is_dev(key.value, build, profiles),
        orchestrated=moves, restart_keeps_layer=not swarm, profiles=profiles, deployment=project.deployment.main,
    )
    return replace(service, processes=processes_of(node, project, tree, image, service))


def _image(node: Mapping, project: Project) -> str:
    """The image reference, with what cannot be known still as `${…}`."""
    image = node.get("image")
    if not isinstance(image, Scalar) or image.null:
        return ""
    return fill(image.value, project.scope(image.at).variables).text.strip()


def images_of(project: Project) -> dict[str, Node]:
    """Which build makes which image: a worker often only names the image that the api's `build` makes."""
    found: dict[str, Node] = {}
    for _, node in project.section("services").items():
        build = node.get("build") if isinstance(node, Mapping) else None
        if isinstance(node, Mapping) and build is not None and (image := _image(node, project)):
            found.setdefault(image.removesuffix(":latest"), build)
    return found


def _with_build(node: Mapping, project: Project, images: dict[str, Node]) -> Node | None:
    own = node.get("build")
    return own if own is not None else images.get(_image(node, project).removesuffix(":latest"))


def _foreign(reference: str, build: Build | None) -> Environment:
    """What is set where no Dockerfile can be read."""
    image = f"the image {reference}" if build is None else f"its Dockerfile {build.dockerfile}".strip()
    return Environment(open=(image,))


def _mounted_dotenv(mounts: Iterable[Mount], tree: Tree) -> list[str]:
    """A dotenv file that is mounted for the application to load, and that the tree does not hold."""
    found = [m for m in mounts if m.kind == "bind" and m.target.rpartition("/")[2].startswith(".env")]
    return [f"{m.source}, which is mounted but not in this tree" for m in found if not tree.exists(m.source)]


def _workdir(node: Mapping, project: Project, image: Answer[str] | None) -> Answer[str]:
    below = image if image is not None else Unknown("the image decides", node.at)
    at = node.get("working_dir")
    own = answer_of(at, project.scope(at.at).variables) if at is not None else None
    if not isinstance(own, Known) or own.value.startswith("/"):
        return Known(join_path(own.value) or "/", own.at, own.confidence) if isinstance(own, Known) else own or below
    return Known(join_path(below.value, own.value), own.at, own.confidence) if isinstance(below, Known) else below


def _user(node: Mapping, project: Project, build: Build | None) -> User:
    image = build.image if build is not None else None
    own = node.get("user")
    answer = answer_of(own, project.scope(own.at).variables) if own is not None else None
    if answer is None:
        return image.user if image else User("", Unknown("the image decides"))
    at = own.at if own is not None else node.at
    if isinstance(answer, Unknown):
        return User("", Unknown(f"the user is not known: {answer.why}"), at)
    name = answer.value.strip()
    if name.partition(":")[0] in ("", "root", "0"):
        return User("root", Known("/root"), at)
    if image is not None:
        return user_of(image, name, at)
    return User(name, Unknown("the image's passwd decides"), at, root=False, home_exists=Unknown("the image decides"))


def _replicas(node: Mapping, project: Project) -> tuple[Answer[int], Location | None]:
    deploy = node.get("deploy")
    deploy = deploy if isinstance(deploy, Mapping) else Mapping((), node.at)
    mode = deploy.get("mode")
    if mode is not None and project.text(mode).startswith("global"):
        return Unknown("one replica on each machine", mode.at), mode.at
    for value in (deploy.get("replicas"), node.get("scale")):
        answer = number_of(value, project.scope(value.at).variables) if value is not None else None
        if value is not None and answer is not None:
            return answer, value.at
    return Known(1), None


def _read_only(node: Mapping, project: Project) -> Known[bool] | None:
    value = node.get("read_only")
    answer = truth_of(value, project.scope(value.at).variables) if value is not None else None
    return answer if isinstance(answer, Known) else None


def _is_dev(name: str, build: Build | None, profiles: tuple[str, ...]) -> bool:
    words = {word for text in (name, *profiles) for word in re.split(r"[._\-]", text.lower())}
    return not _DEVELOPMENT.isdisjoint(words) or (build is not None and is_development(build.dockerfile, build.target))


def _is_swarm(project: Project, nodes: Iterable[Node]) -> bool:
    """Evidently for `docker stack deploy`: placement, one task on each node, or a network across machines."""
    for node in nodes:
        deploy = node.get("deploy") if isinstance(node, Mapping) else None
        if isinstance(deploy, Mapping):
            placement = deploy.get("placement")
            if isinstance(placement, Mapping) and placement.entries:
                return True
            if project.text(deploy.get("mode")).startswith("global"):
                return True
    return any(isinstance(network, Mapping) and project.text(network.get("driver")) == "overlay"
               for _, network in project.section("networks").items())


def _is_pinned(node: Mapping, project: Project) -> bool:
    """Whether a placement constraint keeps the service on chosen machines."""
    deploy = node.get("deploy")
    placement = deploy.get("placement") if isinstance(deploy, Mapping) else None
    constraints = placement.get("constraints") if isinstance(placement, Mapping) else None
    return any(_PINS.match(project.text(item)) for item in items_of(constraints))


def _with_volumes_from(
    service: Service, nodes: dict[str, tuple[Scalar, Node]], services: list[Service], project: Project
) -> Service:
    """The service with the mounts of those it names in `volumes_from`; its own win."""
    node = nodes[service.name][1]
    mounts = {mount.target: mount for mount in service.mounts}
    copies: list[Copied] = []
    for item in items_of(node.get("volumes_from")) if isinstance(node, Mapping) else ():
        name, _, mode = project.text(item).partition(":")
        other = next((s for s in services if s.name == name and s is not service), None)
        for mount in other.mounts if other else ():
            taken: Mount = replace(mount, at=item.at, read_only=mount.read_only or mode == "ro")
            mounts.setdefault(mount.target, taken)
        if other is None and name and name != service.name:
            mounts.setdefault("$", Mount("$" + name, "unknown", item.at))
    return replace(service, mounts=tuple(mounts.values()), copies=(*service.copies, *copies))
