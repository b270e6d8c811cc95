"""What a kustomization sets for all its objects: namespace, name, replicas and images."""

from __future__ import annotations

from dataclasses import replace

from crewmem_doctor.facts.kubernetes.nodes import mapping, mappings, scalar, text, with_entry
from crewmem_doctor.facts.kubernetes.things import Thing
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

_CLUSTER_WIDE = frozenset(("PersistentVolume", "StorageClass"))


def named(things: list[Thing], body: Mapping) -> list[Thing]:
    namespace, prefix, suffix = text(body, "namespace"), text(body, "namePrefix"), text(body, "nameSuffix")
    out = []
    for thing in things:
        if namespace and thing.kind not in _CLUSTER_WIDE:
            thing = replace(thing, namespace=namespace)
        if (prefix or suffix) and thing.name:
            name = prefix + thing.name + suffix
            thing = replace(thing, name=name, names=tuple(dict.fromkeys((*thing.names, name))))
        out.append(thing)
    return out


def scaled(things: list[Thing], body: Mapping) -> list[Thing]:
    out = list(things)
    for item in mappings(body, "replicas"):
        name, count = text(item, "name"), scalar(item, "count")
        for i, thing in enumerate(out):
            if count is not None and name in thing.names and thing.kind in ("Deployment", "StatefulSet", "ReplicaSet"):
                spec = with_entry(mapping(thing.node, "spec"), "replicas", None)
                node = with_entry(thing.node, "spec", with_entry(spec, "replicas", count))
                out[i] = replace(thing, node=node)
    return out


def with_images(things: list[Thing], body: Mapping) -> list[Thing]:
    changes = {text(item, "name"): item for item in mappings(body, "images") if text(item, "name")}
    if not changes:
        return things
    out = []
    for thing in things:
        node = _replaced(thing.node, changes) if thing.runs else thing.node
        out.append(replace(thing, node=node) if isinstance(node, Mapping) else thing)
    return out


def _replaced(node: Node, changes: dict[str, Mapping], depth: int = 0) -> Node:
    """The tree with the images of its containers replaced."""
    if depth > 40:
        return node
    if isinstance(node, Sequence):
        return Sequence(tuple(_replaced(item, changes, depth + 1) for item in node.items), node.at, node.tag)
    if not isinstance(node, Mapping):
        return node
    entries = []
    for key, value in node.entries:
        if key.value == "image" and isinstance(value, Scalar):
            value = _image(value, changes)
        elif not isinstance(value, Scalar):
            value = _replaced(value, changes, depth + 1)
        entries.append((key, value))
    return Mapping(tuple(entries), node.at, node.tag)


def _image(value: Scalar, changes: dict[str, Mapping]) -> Scalar:
    last = value.value.rpartition("/")[2]
    bare = value.value.partition("@")[0]
    name = bare.rpartition(":")[0] if ":" in last else bare
    item = changes.get(name)
    if item is None:
        return value
    new = text(item, "newName") or name
    tag, digest = text(item, "newTag"), text(item, "digest")
    whole = f"{new}@{digest}" if digest else f"{new}:{tag}" if tag else new + value.value[len(name) :]
    return Scalar(whole, "str", value.at, value.quoted)
