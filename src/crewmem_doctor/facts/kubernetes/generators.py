"""ConfigMaps and Secrets that a kustomization generates."""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.facts.kubernetes.manifests import Manifests
from crewmem_doctor.facts.kubernetes.nodes import child, mapping, mappings, scalar, text, texts, with_entry
from crewmem_doctor.facts.kubernetes.things import Thing
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.dotenv import parse
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar

Entries = dict[str, "tuple[Scalar, Node]"]


def generated(node: Mapping, path: str, things: list[Thing], manifests: Manifests) -> list[Thing]:
    """The things with what the configMapGenerator and secretGenerator of a kustomization add or change."""
    out = list(things)
    for key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for item in mappings(node, key):
            name = scalar(item, "name")
            if name is None:
                continue
            data = dict(_data(item, path, manifests))
            old = next((t for t in out if t.kind == kind and name.value in t.names), None)
            if old is not None and text(item, "behavior") == "merge":
                below: Entries = {k.value: (k, v) for k, v in mapping(old.node, "data").items()}
                data = {**below, **data}
            if old is not None:
                out.remove(old)
            body: Node = Mapping(tuple(data.values()), item.at)
            whole = with_entry(old.node if old is not None else Mapping((), item.at), "data", body)
            namespace = text(item, "namespace") or (old.namespace if old is not None else "")
            out.append(Thing(whole, path, kind, "", name.value, name.at, namespace, (name.value,)))
    return out


def _data(item: Mapping, path: str, manifests: Manifests) -> Iterator[tuple[str, tuple[Scalar, Node]]]:
    folder = path.rpartition("/")[0]
    for literal in texts(child(item, "literals")):
        name, sign, value = literal.value.partition("=")
        if sign:
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            yield _entry(name, value, literal.at)
    for file in texts(child(item, "files")):
        name, sign, source = file.value.partition("=")
        source = source if sign else name
        body = _read(manifests, join_path(folder, source))
        if body is not None:
            yield _entry(name if sign else source.rpartition("/")[2], body, file.at)
    for file in (*texts(child(item, "envs")), *texts(child(item, "env"))):
        where = join_path(folder, file.value)
        for variable in parse(_read(manifests, where) or "", where):
            if variable.value is not None:
                yield _entry(variable.name, variable.value, variable.at)


def _entry(name: str, value: str, at: Location) -> tuple[str, tuple[Scalar, Node]]:
    return name, (Scalar(name, "str", at), Scalar(value, "str", at, quoted=True))


def _read(manifests: Manifests, path: str) -> str | None:
    tree = manifests.tree
    return tree.text(path) if tree.exists(path) and not tree.is_dir(path) else None
