"""Kubernetes objects as they are read, and the sets of them that are deployed together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from crewmem_doctor.facts.kubernetes.nodes import child, mapping, mappings, scalar, text
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.yaml import Mapping, Node

# Kinds that run pods, with the way to the pod's template.
WORKLOADS: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Rollout": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "ScaledJob": ("spec", "jobTargetRef", "template"),
    "Pod": (),
}
_OTHERS = frozenset(
    (
        "Service",
        "HorizontalPodAutoscaler",
        "ScaledObject",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "StorageClass",
        "ConfigMap",
        "Secret",
        "ExternalSecret",
        "SealedSecret",
        "SecretProviderClass",
        "DopplerSecret",
        "InfisicalSecret",
        "OnePasswordItem",
        "VaultStaticSecret",
        "Kustomization",
        "Component",
    )
)
KINDS = _OTHERS | frozenset(WORKLOADS)


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """One object. `at` is its name's place, or its own where it has no name that is known. `names` are all names it has
    had: a kustomization may put a prefix before it, and others still refer to it by the old one."""

    node: Mapping
    path: str
    kind: str
    group: str
    name: str
    at: Location
    namespace: str = ""
    names: tuple[str, ...] = ()

    @property
    def knative(self) -> bool:
        return self.kind == "Service" and self.group == "serving.knative.dev"

    @property
    def cloud_run(self) -> bool:
        return self.knative or self.group == "run.googleapis.com"

    @property
    def runs(self) -> bool:
        return self.kind in WORKLOADS or self.knative

    def template(self) -> Mapping | None:
        """The pod's template (metadata and spec)."""
        path = ("spec", "template") if self.knative else WORKLOADS.get(self.kind, ())
        if self.kind == "Job" and self.group == "run.googleapis.com":
            path = ("spec", "template", "spec", "template")
        node: Node | None = child(self.node, *path) if path else self.node
        return node if isinstance(node, Mapping) else None


@dataclass(frozen=True, slots=True)
class Hole:
    """A line of a rendered template where something stands that nobody can know. `key` is what it stands under."""

    at: Location
    key: str = ""


class Shelf:
    """Objects by kind, by name and by what they scale: a tree may hold thousands."""

    def __init__(self, things: Iterable[Thing]) -> None:
        self.kinds: dict[str, list[Thing]] = defaultdict(list)
        self.names: dict[tuple[str, str], list[Thing]] = defaultdict(list)
        self.scalers: dict[str, list[Thing]] = defaultdict(list)
        for thing in things:
            self.kinds[thing.kind].append(thing)
            for name in thing.names:
                self.names[thing.kind, name].append(thing)
            if thing.kind in ("HorizontalPodAutoscaler", "ScaledObject"):
                self.scalers[text(thing.node, "spec", "scaleTargetRef", "name")].append(thing)


class Bundle:
    """Objects that are deployed together. `outer` holds those that others deploy, looked at second."""

    def __init__(
        self,
        things: Iterable[Thing],
        deployment: str,
        dev: bool = False,
        holes: Iterable[Hole] = (),
        outer: Shelf | None = None,
    ) -> None:
        self.things = tuple(things)
        self.deployment = deployment
        self.dev = dev
        self.holes = tuple(holes)
        self.shelf = Shelf(self.things)
        self.shelves = (self.shelf, outer) if outer is not None else (self.shelf,)

    def find(self, kinds: Iterable[str], name: str, near: Thing) -> Thing | None:
        """The object of that name that `near` means: in its namespace, the closest one by path."""
        for shelf in self.shelves:
            found = [
                thing
                for kind in kinds
                for thing in shelf.names.get((kind, name), ())
                if thing.namespace == near.namespace or not thing.namespace or not near.namespace
            ]
            if found:
                return max(found, key=lambda t: (_shared(t.path, near.path), t.namespace == near.namespace))
        return None

    def every(self, kind: str) -> Iterator[Thing]:
        """All objects of a kind, those of this bundle first."""
        for shelf in self.shelves:
            yield from shelf.kinds.get(kind, ())


def _shared(path: str, other: str) -> int:
    count = 0
    for one, two in zip(path.split("/"), other.split("/"), strict=False):
        if one != two:
            break
        count += 1
    return count


def things_of(documents: Iterable[Node], path: str) -> Iterator[Thing]:
    """The objects of a file's documents that tell something, those in a `List` too."""
    for document in documents:
        if not isinstance(document, Mapping):
            continue
        kind = text(document, "kind")
        if kind.endswith("List") and child(document, "items") is not None:
            yield from things_of(mappings(document, "items"), path)
        else:
            thing = thing_of(document, path)
            if thing is not None:
                yield thing


def thing_of(node: Mapping, path: str) -> Thing | None:
    kind, version = text(node, "kind"), text(node, "apiVersion")
    if kind not in KINDS:
        return None
    if not version and kind not in ("Kustomization", "Component"):
        return None
    group = version.rpartition("/")[0]
    if kind == "Service" and group != "serving.knative.dev":
        return None
    name = scalar(node, "metadata", "name") or scalar(node, "metadata", "generateName")
    known = name.value.strip().rstrip("-") if name is not None and not name.templated else ""
    at = name.at if name is not None else node.at
    key = mapping(node, "metadata").key("name")
    if at.path != path and key is not None:
        at = key.at  # a chart's values give the name: the workload still stands in its template
    return Thing(node, path, kind, group, known, at, text(node, "metadata", "namespace"), (known,) if known else ())
