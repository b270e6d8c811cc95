"""Docker Compose: volumes, variables and mounts of a service, in the file that defines the service."""

from __future__ import annotations

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Dialect, Sources
from crewmem_doctor.fixes.server_options import PROGRAMS, appended, beside, replaced
from crewmem_doctor.fixes.yaml import Yaml
from crewmem_doctor.fixes.yaml_settings import in_list, starts, valued
from crewmem_doctor.model.changes.deployment import (
    AllowWriting,
    ConfigureServer,
    MountVolume,
    ReplaceMount,
    SetVariable,
)
from crewmem_doctor.model.deployment import Mount, Service
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence


class Place:
    """A service where it is defined: its file, its key and what stands under it."""

    def __init__(self, service: Service, sources: Sources) -> None:
        self.yaml = sources.parsed(service.at.path, Yaml)
        _, self.key, self.node = self.yaml.entry(service.at)
        self.root = self.yaml.holder(service.at)
        if self.root.get("services") is None:
            raise Refused(f"{service.at.path} is of the first Compose format, which has no named volumes at the top")

    def part(self, name: str) -> tuple[Scalar, Node] | None:
        """The service's own entry of that name."""
        return self.yaml.child(self.key, self.node, name) if isinstance(self.node, Mapping) else None

    def put(self, name: str, value: object) -> Edit:
        return self.yaml.put(self.key, self.node, name, value)  # type: ignore[arg-type]


def mount(change: MountVolume, sources: Sources) -> list[Edit]:
    """The volume in the service, and its declaration at the top."""
    place = Place(change.service, sources)
    return [*mounted(place, change.volume, change.target), *declared(place, change.volume)]


def mounted(place: Place, volume: str, target: str) -> list[Edit]:
    entry = f"{volume}:{target}"
    part = place.part("volumes")
    if part is None:
        return [place.put("volumes", [entry])]
    key, node = part
    if isinstance(node, Sequence):
        if any(isinstance(item, Scalar) and item.value == entry for item in node.items):
            return []
        return [place.yaml.append(node, entry)]
    if isinstance(node, Scalar) and node.null:
        raise Refused(f"volumes of {place.key.value} at line {key.at.line} is empty")
    raise Refused(f"volumes of {place.key.value} is no list")


def declared(place: Place, volume: str) -> list[Edit]:
    """The volume's entry at the top of the file, unless it stands there."""
    key, node = place.root.key("volumes"), place.root.get("volumes")
    if key is None or node is None:
        return [place.yaml.put(None, place.root, "volumes", {volume: None})]
    if isinstance(node, Mapping) and node.key(volume) is not None:
        return []
    return [place.yaml.put(key, node, volume, None)]


def replace_mount(change: ReplaceMount, sources: Sources) -> list[Edit]:
    """A named volume where the mount that does not last was. One that another file brings is mounted over."""
    place = Place(change.service, sources)
    target = change.mount.target
    if change.mount.at.path != change.service.at.path:
        return [*mounted(place, change.volume, target), *declared(place, change.volume)]
    for name in ("tmpfs", "volumes"):
        part = place.part(name)
        if part is None:
            continue
        key, node = part
        for item in node.items if isinstance(node, Sequence) else (node,):
            if starts(item.at, change.mount.at):
                edits = _instead(place, (name, key, node), item, change.volume, change.mount)
                return [*edits, *declared(place, change.volume)]
    raise Refused(f"what is mounted at {target} is not written in {place.key.value} itself")


def _instead(place: Place, part: tuple[str, Scalar, Node], item: Node, volume: str, mount: Mount) -> list[Edit]:
    name, key, node = part
    target = mount.target
    if name == "volumes" and isinstance(item, Scalar):
        if item.value.strip() != target and item.value.strip().rstrip("/") != target:
            raise Refused(f"line {item.at.line} of {item.at.path} gives the volume options that a tmpfs has")
        return [place.yaml.replace(item, f"{volume}:{target}")]
    if name == "volumes" and isinstance(item, Mapping):
        if place.yaml.flow(item):
            raise Refused(f"line {item.at.line} of {item.at.path} is all on one line; write {volume}:{target} there")
        return _long(place, item, volume)
    if place.part("volumes") is None and _only(node) and isinstance(place.node, Mapping):
        # The key's own place, so that no empty list is left.
        return [place.yaml.instead(place.node, key, node, "volumes", [f"{volume}:{target}"])]
    return [place.yaml.remove_item(key, node, item), *mounted(place, volume, target)]


def _long(place: Place, item: Mapping, volume: str) -> list[Edit]:
    """`type: tmpfs` with a target becomes `type: volume` with a source."""
    kind = item.get("type")
    if not isinstance(kind, Scalar) or item.get("tmpfs") is not None or item.get("source") is not None:
        raise Refused(f"the mount at line {item.at.line} of {item.at.path} has options that only its own type knows")
    edits = [place.yaml.put(item.key("type"), item, "source", volume)]
    return edits if kind.value == "volume" else [place.yaml.replace(kind, "volume"), *edits]


def _only(node: Node) -> bool:
    return isinstance(node, Scalar) or (isinstance(node, Sequence) and len(node.items) == 1)


def set_variable(change: SetVariable, sources: Sources) -> list[Edit]:
    place = Place(change.service, sources)
    value = f"${{{change.name}:?{change.required}}}" if change.required else change.value
    part = place.part("environment")
    if part is None:
        return [place.put("environment", {change.name: value})]
    key, node = part
    if isinstance(node, Sequence):
        said, text = in_list(node, change.name), f"{change.name}={value}"
        if said is None:
            return [place.yaml.append(node, text)]
        return [place.yaml.replace(said.entry, text)] if isinstance(said.entry, Scalar) else []
    if isinstance(node, Mapping) and (found := place.yaml.child(key, node, change.name)) is not None:
        return [valued(place.yaml, *found, value)]
    return [place.yaml.put(key, node, change.name, value)]


def configure(change: ConfigureServer, sources: Sources) -> list[Edit]:
    """Options where they are set now, else in the mounted file, else at the end of the command."""
    place, edits = Place(change.service, sources), list[Edit]()
    for name, value in change.options:
        edit = replaced(change.service, name, value, sources) or beside(change.service, name, value, sources)
        command = place.part("command")
        if edit is not None:
            edits.append(edit)
        elif command is not None:
            edits += appended(place.yaml, command[1], name, value)
        elif place.part("entrypoint") is not None or change.service.backing not in PROGRAMS:
            raise Refused(f"how {place.key.value} is started is not written there; give it --{name} {value}")
        elif "bitnami" in change.service.image:
            raise Refused(f"the image {change.service.image} takes its options from variables of its own")
        else:
            edits.append(place.put("command", f"{PROGRAMS[change.service.backing]} --{name} {value}"))
    return edits


def allow_writing(change: AllowWriting, sources: Sources) -> list[Edit]:
    """The mount without `:ro` or `read_only: true`."""
    place = Place(change.service, sources)
    part = place.part("volumes")
    for item in part[1].items if part is not None and isinstance(part[1], Sequence) else ():
        if not starts(item.at, change.mount.at):
            continue
        if isinstance(item, Scalar):
            source, _, options = item.value.rpartition(":")
            left = ",".join(option for option in options.split(",") if option.strip() != "ro")
            return [place.yaml.replace(item, f"{source}:{left}" if left else source)]
        key = item.key("read_only") if isinstance(item, Mapping) else None
        value = item.get("read_only") if isinstance(item, Mapping) else None
        if key is not None and isinstance(value, Scalar):
            return [place.yaml.replace(value, False)]
    raise Refused(f"what is mounted at {change.mount.target} is not written in {place.key.value} itself")


DIALECT = Dialect("compose", platforms=("compose",), editors={
    MountVolume: mount, ReplaceMount: replace_mount, SetVariable: set_variable, ConfigureServer: configure,
    AllowWriting: allow_writing})
