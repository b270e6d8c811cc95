"""A workload of Kubernetes in the file that defines it, with what its pods need so that a claim can be used."""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Sources
from crewmem_doctor.fixes.yaml import Yaml
from crewmem_doctor.fixes.yaml_settings import starts
from crewmem_doctor.fixes.yaml_text import Value
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

SIZE = "1Gi"
_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (), "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "ScaledJob": ("spec", "jobTargetRef", "template")}


class Workload:
    """Raises Refused where the workload is not written out in the service's own file."""

    def __init__(self, service: Service, sources: Sources) -> None:
        self.service, path = service, service.at.path
        self.yaml = sources.parsed(path, Yaml)
        found = next((o for o in self._objects() if any(starts(at, service.at) for at in _named(o))), None)
        if found is None:
            raise Refused(f"{service.name} is not written out in {path}")
        self.object, self.kind = found, text_of(found, "kind")
        self.name = text_of(_below(found, "metadata"), "name")
        template = _below(found, *_TEMPLATES.get(self.kind, ("spec", "template")))
        self.spec = _below(template, "spec")
        self.container = self._container()

    def _objects(self) -> Iterator[Mapping]:
        for document in self.yaml.documents:
            items = document.get("items") if isinstance(document, Mapping) else None
            for node in items.items if isinstance(items, Sequence) else (document,):
                if isinstance(node, Mapping):
                    yield node

    def _container(self) -> Mapping:
        """The container that the service is: by its name, else by its image, else the only one."""
        nodes = [n for key in ("containers", "initContainers") for n in _items(self.spec, key)]
        suffix = self.service.id.count("/") > 1 and self.service.id.rpartition("/")[2]
        called = [node for node in nodes if suffix and text_of(node, "name") == suffix]
        alike = [node for node in nodes if text_of(node, "image") == self.service.image]
        plain = _items(self.spec, "containers")
        chosen = called or (plain if len(plain) == 1 else alike)
        if len(chosen) != 1:
            raise Refused(f"which container of {self.name} runs memory is not plain from {self.service.at.path}")
        return chosen[0]

    @property
    def volumes(self) -> list[Mapping]:
        return _items(self.spec, "volumes")

    @property
    def several(self) -> bool:
        """Whether pods on several nodes need the volume at once."""
        replicas = self.service.replicas
        return self.kind == "DaemonSet" or (isinstance(replicas, Known) and replicas.value > 1)

    def part(self, node: Mapping, name: str) -> tuple[Scalar, Node] | None:
        return self.yaml.child(node.entries[0][0], node, name)

    def added(self, node: Mapping, name: str, item: Value) -> Edit:
        """One more item of a list that may not be there yet."""
        part = self.part(node, name)
        if part is None:
            return self.yaml.put(node.entries[0][0], node, name, [item])
        key, value = part
        if isinstance(value, Sequence) and (value.items or self.yaml.flow(value)):
            return self.yaml.append(value, item)
        raise Refused(f"{name} at line {key.at.line} of {key.at.path} is no list with entries")

    def claim(self, name: str, size: str, *, shared: bool) -> list[Edit]:
        """A document of its own at the end of the file."""
        if self.service.at.path.endswith(".json"):
            raise Refused(f"{self.service.at.path} holds one object, and a claim is another")
        for node in self._objects():
            if text_of(node, "kind") == "PersistentVolumeClaim" and text_of(_below(node, "metadata"), "name") == name:
                if shared and "ReadWriteMany" not in self.yaml.source(node):
                    raise Refused(f"the claim {name} is for one node, and what a claim asks for cannot be changed")
                return []
        metadata: dict[str, Value] = {"name": name}
        namespace = text_of(_below(self.object, "metadata"), "namespace")
        if namespace:
            metadata["namespace"] = namespace
        spec: dict[str, Value] = {"accessModes": ["ReadWriteMany" if shared else "ReadWriteOnce"],
                                  "resources": {"requests": {"storage": size}}}
        kind = "PersistentVolumeClaim"
        return [self.yaml.document({"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec})]

    def kept_apart(self, *, shared: bool) -> list[Edit]:
        """A claim of one node: the new pod must wait for the old one's end, or neither would ever be ready."""
        if shared or self.kind not in ("Deployment", "Rollout"):
            return []
        spec = _below(self.object, "spec")
        part = self.part(spec, "strategy")
        if part is None and self.kind == "Deployment":
            return [self.yaml.put(spec.entries[0][0], spec, "strategy", {"type": "Recreate"})]
        if part is None or text_of(part[1], "type") == "Recreate":
            return []
        raise Refused(f"{self.name} starts new pods beside the old ones (line {part[0].at.line} of {part[0].at.path}) "
                      "and only pods of one node can share such a claim; set the strategy Recreate")

    def group(self) -> list[Edit]:
        """`fsGroup`, so that a user who is not root may write to the claim. Which group does not matter: Kubernetes
        gives it to the pod's processes as one more."""
        if self.service.user.root:
            return []
        part = self.part(self.spec, "securityContext")
        own = self.container.get("securityContext")
        said = [text_of(node, key) for key in ("runAsGroup", "runAsUser") for node in (own, part[1] if part else None)]
        number = next((int(word) for word in (*said, self.service.user.name) if word.isdigit() and int(word)), 1000)
        if part is None:
            return [self.yaml.put(self.spec.entries[0][0], self.spec, "securityContext", {"fsGroup": number})]
        key, node = part
        if isinstance(node, Mapping) and node.get("fsGroup") is not None:
            return []
        return [self.yaml.put(key, node, "fsGroup", number)]


def text_of(node: Node | None, name: str) -> str:
    value = node.get(name) if isinstance(node, Mapping) else None
    return value.value.strip() if isinstance(value, Scalar) and not value.null else ""


def _named(node: Mapping) -> Iterator[Location]:
    metadata = node.get("metadata")
    for name in ("name", "generateName"):
        value = metadata.get(name) if isinstance(metadata, Mapping) else None
        if value is not None:
            yield value.at
    yield node.at


def _below(node: Node | None, *names: str) -> Mapping:
    for name in names:
        node = node.get(name) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or not node.entries:
        raise Refused(f"the workload has no {names[-1] if names else 'content'} of its own")
    return node


def _items(node: Mapping, name: str) -> list[Mapping]:
    value = node.get(name)
    return [item for item in value.items if isinstance(item, Mapping)] if isinstance(value, Sequence) else []
