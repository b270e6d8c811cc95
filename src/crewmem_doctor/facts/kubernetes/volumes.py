"""What a container of a pod has mounted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from crewmem_doctor.facts.kubernetes.nodes import child, mapping, mappings, scalar, text, truth
from crewmem_doctor.facts.kubernetes.storage import Volume, claimed, network_of, of_claim, of_source
from crewmem_doctor.facts.kubernetes.things import Bundle, Thing
from crewmem_doctor.model.deployment import Environment, Mount
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Scalar

_VARIABLE = re.compile(r"\$\(([^()\s]+)\)")


def volumes_of(thing: Thing, spec: Mapping, bundle: Bundle) -> dict[str, Volume]:
    """The volumes of a pod by their names, with the claims that a StatefulSet makes for each of its pods."""
    found: dict[str, Volume] = {}
    for node in mappings(spec, "volumes"):
        name = text(node, "name")
        if name:
            found[name] = _volume(node, name, thing, bundle)
    for claim in mappings(thing.node, "spec", "volumeClaimTemplates") if thing.kind == "StatefulSet" else ():
        name = text(claim, "metadata", "name")
        if name:
            volume = of_claim(mapping(claim, "spec"), bundle, thing)
            found[name] = replace(
                volume, kind="claim-template", source=f"{name} of {thing.name}", shared=False, unsure=""
            )
    return found


def _volume(node: Mapping, name: str, thing: Thing, bundle: Bundle) -> Volume:
    """One entry of `volumes`. Where a patch gave it a second source, the later one counts."""
    own = f"{name} of {thing.name}"
    for key, value in reversed(list(node.items())):
        kind, at = key.value, key.at
        if kind == "name" or (isinstance(value, Scalar) and value.null and kind != "emptyDir"):
            continue
        if kind == "persistentVolumeClaim":
            volume = claimed(text(value, "claimName"), at, bundle, thing)
            off = truth(value, "readOnly")
            return replace(volume, at=at, read_only=volume.read_only or bool(off and off.value))
        if kind == "emptyDir":
            ram = text(value, "medium") == "Memory" or thing.cloud_run
            return Volume("emptydir", own + (" in memory" if ram else ""), durable=False, open_to="all", at=at)
        if kind == "ephemeral":
            return Volume("anonymous", own, durable=False, open_to="group", at=at)
        if kind in ("configMap", "secret", "projected", "downwardAPI"):
            return _files(kind, value if isinstance(value, Mapping) else mapping(node), thing, bundle, at)
        if kind == "csi":
            return _inline_csi(value if isinstance(value, Mapping) else node, own, at)
        if kind in ("gitRepo", "image"):
            return Volume("anonymous", own, durable=False, read_only=kind == "image", at=at)
    return of_source(node, node.at) or Volume(
        "unknown", own, unsure=f"what the volume {name} is, is not known", at=node.at
    )


def _files(kind: str, value: Mapping, thing: Thing, bundle: Bundle, at: Location) -> Volume:
    """Files that Kubernetes writes from its own objects: read-only, and made anew with the pod."""
    name = text(value, "name") or text(value, "secretName")
    secret = kind == "secret" or any(child(source, "secret") is not None for source in mappings(value, "sources"))
    texts: list[tuple[str, str]] = []
    names = [name] if kind == "configMap" else [text(s, "configMap", "name") for s in mappings(value, "sources")]
    for each in filter(None, names):
        held = bundle.find(("ConfigMap",), each, thing)
        if held is not None:
            data = mapping(held.node, "data")
            renamed = {text(i, "key"): text(i, "path") for i in mappings(value, "items")}
            texts.extend(
                (renamed.get(k.value) or k.value, v.value)
                for k, v in data.items()
                if isinstance(v, Scalar) and not v.templated
            )
    return Volume("secret" if secret else "configmap", name, durable=False, read_only=True, at=at, texts=tuple(texts))


def _inline_csi(value: Mapping, own: str, at: Location) -> Volume:
    """A volume that a CSI driver makes for the pod: it ends with it, but for a network's file system."""
    driver = text(value, "driver")
    off = truth(value, "readOnly")
    read_only = bool(off and off.value)
    if "secrets-store" in driver:
        return Volume("secret", own, durable=False, read_only=True, at=at)
    network = network_of(driver)
    if network:
        return Volume(
            "disk",
            text(value, "volumeAttributes", "bucketName") or driver,
            shared=True,
            read_only=read_only,
            network=network,
            at=at,
        )
    return Volume("anonymous", own, durable=False, read_only=read_only, open_to="group", at=at)


def mounts_of(
    container: Mapping, volumes: dict[str, Volume], thing: Thing, environment: Environment
) -> tuple[Mount, ...]:
    """The mounts of one container, the last one of a target. A target that is not known keeps a `$`: it may lie over
    anything."""
    found: dict[str, Mount] = {}
    for node in mappings(container, "volumeMounts"):
        path = scalar(node, "mountPath")
        name = text(node, "name")
        if path is None:
            continue
        target = "$" + (name or "mountPath") if path.templated else join_path("/", path.value.strip())
        volume = volumes.get(name) or Volume(
            "unknown", unsure=f"the volume {name or 'that a template names'} is not in this manifest"
        )
        off = truth(node, "readOnly")
        mount = Mount(
            target,
            volume.kind,
            node.at,
            volume.source,
            volume.durable,
            volume.shared,
            volume.read_only or bool(off and off.value),
            volume.network,
            text(node, "subPath"),
            local=volume.local,
            unsure=volume.unsure,
        )
        found[target] = _in_own_folder(mount, node, thing, environment)
    return tuple(found.values())


def _in_own_folder(mount: Mount, node: Mapping, thing: Thing, environment: Environment) -> Mount:
    """subPathExpr with the pod's name gives each pod a folder of its own; a Deployment's pods get new ones."""
    written = text(node, "subPathExpr")
    if not written:
        return mount
    parts = [environment.get(name) for name in _VARIABLE.findall(written)]
    varying = [s for s in parts if s is not None and not isinstance(s.value, Known) and "each pod" in s.value.why]
    known = {s.name: s.value.value for s in parts if s is not None and isinstance(s.value, Known)}
    shown = _VARIABLE.sub(lambda m: known.get(m[1], m[0]), written)
    if not varying:
        return replace(mount, sub_path=shown)
    stays = thing.kind == "StatefulSet" and all(
        "name" in s.value.why for s in varying if not isinstance(s.value, Known)
    )
    return replace(mount, sub_path=shown, shared=False, durable=mount.durable and stays, unsure="")


def texts_of(container: Mapping, volumes: dict[str, Volume]) -> Iterator[tuple[str, str]]:
    """The files that ConfigMaps of the tree put into a container, by path."""
    for node in mappings(container, "volumeMounts"):
        volume = volumes.get(text(node, "name"))
        target, sub_path = text(node, "mountPath"), text(node, "subPath")
        for name, body in volume.texts if volume is not None and target else ():
            if not sub_path:
                yield join_path("/", target, name), body
            elif name == sub_path:
                yield join_path("/", target), body
