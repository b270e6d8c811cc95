"""A workload's pod as Services of the model: one for each container.

The pod is the unit that people name, so its first container that runs application code is the service
`k8s:NAMESPACE/NAME`; further ones are `k8s:NAMESPACE/NAME/CONTAINER`. Init containers end before the others start and
are read only for what they leave behind; one with `restartPolicy: Always` is a sidecar like any other.
"""

from __future__ import annotations

import re
from dataclasses import replace

from crewmem_doctor.facts.compose.backing import backing_of
from crewmem_doctor.facts.dockerfile import Image
from crewmem_doctor.facts.images import Images, is_foreign
from crewmem_doctor.facts.kubernetes.environment import STORAGE_DIR, environment_of
from crewmem_doctor.facts.kubernetes.identity import user_in
from crewmem_doctor.facts.kubernetes.launch import processes_of
from crewmem_doctor.facts.kubernetes.nodes import answer, mapping, mappings, number, scalar, text, truth
from crewmem_doctor.facts.kubernetes.scaling import replicas_of
from crewmem_doctor.facts.kubernetes.storage import Volume
from crewmem_doctor.facts.kubernetes.things import Bundle, Hole, Thing
from crewmem_doctor.facts.kubernetes.volumes import mounts_of, texts_of, volumes_of
from crewmem_doctor.model.deployment import Environment, Mount, Service, Setting
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.yaml import Mapping

_DEVELOPMENT = frozenset(
    (
        "dev",
        "devel",
        "develop",
        "development",
        "local",
        "test",
        "tests",
        "testing",
        "kind",
        "minikube",
        "k3d",
        "debug",
        "ci",
        "e2e",
        "sandbox",
        "playground",
    )
)

_CLOUD_RUN = "an instance's file system is memory, and is gone when the instance stops"


def services_of(thing: Thing, bundle: Bundle, tree: Tree, images: Images) -> list[Service]:
    """The services of one workload, application containers first."""
    template = thing.template()
    if template is None:
        return []
    pod = mapping(template, "spec")
    always = [c for c in mappings(pod, "initContainers") if text(c, "restartPolicy") == "Always"]
    volumes = volumes_of(thing, pod, bundle)
    replicas, replicas_at, most = replicas_of(thing, template, bundle)
    grace = number(pod, "terminationGracePeriodSeconds")
    found: list[tuple[Service, str]] = []
    for container in (*mappings(pod, "containers"), *always):
        service = _service(thing, pod, container, volumes, bundle, tree, images)
        service = replace(service, replicas=replicas, replicas_at=replicas_at, replicas_most=most, grace=grace)
        service = replace(service, rollout=_rollout(thing))
        found.append((service, text(container, "name")))
    found.sort(key=lambda pair: (bool(pair[0].backing), is_foreign(pair[0].image)))
    out: list[Service] = []
    for service, name in found:
        suffix = f"/{name or len(out)}" if out else ""
        out.append(replace(service, id=service.id + suffix, name=service.name + suffix))
    return out


def _service(
    thing: Thing,
    pod: Mapping,
    container: Mapping,
    volumes: dict[str, Volume],
    bundle: Bundle,
    tree: Tree,
    images: Images,
) -> Service:
    reference = _reference(container)
    image = images.for_reference(reference, thing.path, (text(container, "name"), thing.name))
    image = image or images.pulled(reference, container.at)
    environment = environment_of(
        container, thing, bundle, image.environment if image else Environment(open=(f"the image {reference}".strip(),))
    )
    mounts = mounts_of(container, volumes, thing, environment)
    files = dict(texts_of(container, volumes))
    holes = _holes(container, pod, bundle)
    if holes:
        environment = _opened(environment, holes)
        mounts = (*mounts, *_anywhere(holes))
    environment = replace(environment, open=(*environment.open, *_mounted_dotenv(mounts)))
    packages = image.packages if image else ()
    backing = backing_of(reference) or (backing_of(image.base_image) if image and not packages else "")
    platform = "cloudrun" if thing.cloud_run else "kubernetes"
    name = thing.name or "unnamed"
    service = Service(
        id=f"cloudrun:{name}" if thing.cloud_run else f"k8s:{thing.namespace or 'default'}/{name}",
        name=name,
        platform=platform,
        at=thing.at,
        environment=environment,
        workdir=_workdir(container, image),
        user=user_in(pod, container, image, mounts, volumes),
        mounts=mounts,
        copies=image.copies if image else (),
        context=image.context if image else "",
        image=reference,
        backing=backing,
        dockerfile=image.path if image else "",
        base_image=image.base_image if image else "",
        packages=packages,
        read_only_root=truth(container, "securityContext", "readOnlyRootFilesystem"),
        dev=bundle.dev or is_development(thing.path) or is_development(thing.namespace),
        orchestrated=True,
        restart_keeps_layer=False,
        durable_disk=not thing.cloud_run,
        ephemeral_because=_CLOUD_RUN if thing.cloud_run else "",
        deployment=bundle.deployment,
    )
    return replace(service, processes=processes_of(container, service, image, tree, files))


def _reference(container: Mapping) -> str:
    """The image as written; of one that a template makes, what is left."""
    node = scalar(container, "image")
    return node.value.strip() if node is not None else ""


def _workdir(container: Mapping, image: Image | None) -> Answer[str]:
    own = answer(container, "workingDir")
    below = image.workdir if image is not None else Unknown("the image decides", container.at)
    if own is None or isinstance(own, Unknown):
        return own or below
    if own.value.startswith("/"):
        return Known(join_path(own.value) or "/", own.at, own.confidence)
    return Known(join_path(below.value, own.value), own.at, own.confidence) if isinstance(below, Known) else below


def _rollout(thing: Thing) -> str:
    """ "Recreate", "RollingUpdate" or "OnDelete"; Kubernetes' own default where nothing is said."""
    if thing.kind == "Deployment":
        return text(thing.node, "spec", "strategy", "type") or "RollingUpdate"
    if thing.kind in ("StatefulSet", "DaemonSet"):
        return text(thing.node, "spec", "updateStrategy", "type") or "RollingUpdate"
    return ""


def _holes(container: Mapping, pod: Mapping, bundle: Bundle) -> list[Hole]:
    """What templates put into this container, or into the pod beside its containers, that is not known."""
    others = [c.at for c in mappings(pod, "containers") if c is not container]

    def concerns(hole: Hole) -> bool:
        at = hole.at
        inside = at.path == pod.at.path and pod.at.line <= at.line <= pod.at.end_line + 1
        return inside and not any(o.path == at.path and o.line <= at.line <= o.end_line for o in others)

    whole = [(container, key) for key in ("env", "envFrom", "volumeMounts")] + [(pod, "volumes")]
    found = [(key, scalar(holder, key)) for holder, key in whole]
    return [
        *(hole for hole in bundle.holes if concerns(hole)),
        *(Hole(node.at, key) for key, node in found if node is not None and node.templated),
    ]


def _opened(environment: Environment, holes: list[Hole]) -> Environment:
    """Whatever a template may set besides, memory's directory included."""
    if all(hole.key in ("volumes", "volumeMounts") for hole in holes):
        return environment
    settings, at = environment.settings, holes[0].at
    if environment.get(STORAGE_DIR) is None:
        settings = (*settings, Setting(STORAGE_DIR, Unknown("a template of the chart may set it", at), at))
    return Environment(settings, (*environment.open, "a template of the chart"))


def _anywhere(holes: list[Hole]) -> tuple[Mount, ...]:
    """A mount that may lie over anything, where a template may add mounts."""
    hole = next((h for h in holes if h.key not in ("env", "envFrom")), None)
    return (Mount("$template", "unknown", hole.at, unsure="a template may add mounts"),) if hole else ()


def _mounted_dotenv(mounts: tuple[Mount, ...]) -> list[str]:
    """Dotenv files that ConfigMaps and Secrets put where an application loads them."""
    return [
        f"{m.source or 'the file'}, mounted at {m.target}"
        for m in mounts
        if m.kind in ("configmap", "secret") and m.target.rpartition("/")[2].startswith(".env")
    ]


def is_development(path: str) -> bool:
    """Whether a folder, the file or a namespace says by its name that it is not for production."""
    words = {word for part in path.lower().split("/") for word in re.split(r"[._\-]", part)}
    return not _DEVELOPMENT.isdisjoint(words)
