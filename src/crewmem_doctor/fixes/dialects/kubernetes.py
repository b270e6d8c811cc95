"""Kubernetes manifests: a claim, the volume and its mount, and variables of a container, where the workload stands.

A chart's templates are no YAML and are refused. A kustomize base is edited where it is written, for all its overlays.
"""

from __future__ import annotations

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Dialect, Sources
from crewmem_doctor.fixes.server_options import appended, replaced
from crewmem_doctor.fixes.workload import SIZE, Workload, text_of
from crewmem_doctor.fixes.yaml_settings import in_list, starts, valued
from crewmem_doctor.fixes.yaml_text import Value
from crewmem_doctor.model.changes.deployment import (
    VOLUME,
    AllowWriting,
    ConfigureServer,
    MountVolume,
    ReplaceMount,
    SetVariable,
)
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

SECRET = VOLUME     # where placeholders look for what is not known


def mount(change: MountVolume, sources: Sources) -> list[Edit]:
    """The claim, the pod's volume and the container's mount. A claim that the tree has already is only mounted."""
    work = Workload(change.service, sources)
    claim = change.volume if change.there else f"{work.name}-{change.volume}"
    volume, edits = _volume(work, claim, change.volume)
    edits += _mounted(work, volume, change.target)
    if not change.there:
        edits += work.claim(claim, SIZE, shared=change.shared or work.several)
    return [*edits, *work.kept_apart(shared=change.shared or work.several), *work.group()]


def replace_mount(change: ReplaceMount, sources: Sources) -> list[Edit]:
    """A claim in the place of the volume's own source."""
    work = Workload(change.service, sources)
    mounts = work.container.get("volumeMounts")
    inside = [m for m in mounts.items if isinstance(m, Mapping)] if isinstance(mounts, Sequence) else []
    name = next((text_of(m, "name") for m in inside if starts(m.at, change.mount.at)), "")
    for volume in work.volumes:
        if name and text_of(volume, "name") == name:
            key, value = _source(volume)
            claim = f"{work.name}-{name}"
            edits = [work.yaml.instead(volume, key, value, "persistentVolumeClaim", {"claimName": claim}),
                     *work.claim(claim, text_of(value, "sizeLimit") or SIZE, shared=work.several)]
            return [*edits, *work.kept_apart(shared=work.several), *work.group()]
    raise Refused(f"the volume that is mounted at {change.mount.target} does not stand in {change.service.at.path}")


def set_variable(change: SetVariable, sources: Sources) -> list[Edit]:
    """An entry of `env`. What is not known comes from a secret that must exist: without it the pod does not start."""
    work = Workload(change.service, sources)
    item: dict[str, Value] = {"name": change.name, "value": change.value}
    if change.required:
        item = {"name": change.name, "valueFrom": {"secretKeyRef": {"name": SECRET, "key": change.name}}}
    part = work.part(work.container, "env")
    if part is None:
        return [work.yaml.put(work.container.entries[0][0], work.container, "env", [item])]
    key, node = part
    if not isinstance(node, Sequence) or not node.items:
        raise Refused(f"env of {work.name} at line {key.at.line} of {key.at.path} is no list with entries")
    said = in_list(node, change.name)
    if said is None:
        return [work.yaml.append(node, item)]
    if said.key is None or change.required:
        raise Refused(f"{change.name} at line {said.entry.at.line} of {key.at.path} takes its value from elsewhere")
    return [valued(work.yaml, said.key, said.value, change.value)]


def configure(change: ConfigureServer, sources: Sources) -> list[Edit]:
    """Options where they are set now, else behind the container's other words; the images take them from `args`."""
    work, edits = Workload(change.service, sources), list[Edit]()
    for name, value in change.options:
        edit = replaced(change.service, name, value, sources)
        part = work.part(work.container, "args") or work.part(work.container, "command")
        if edit is not None:
            edits.append(edit)
        elif part is not None:
            edits += appended(work.yaml, part[1], name, value)
        else:
            edits.append(work.yaml.put(work.container.entries[0][0], work.container, "args", [f"--{name}", value]))
    return edits


def allow_writing(change: AllowWriting, sources: Sources) -> list[Edit]:
    """The mount without `readOnly: true`."""
    work = Workload(change.service, sources)
    mounts = work.container.get("volumeMounts")
    for item in mounts.items if isinstance(mounts, Sequence) else ():
        value = item.get("readOnly") if isinstance(item, Mapping) and starts(item.at, change.mount.at) else None
        if isinstance(value, Scalar):
            return [work.yaml.replace(value, False)]
    raise Refused(f"what is mounted at {change.mount.target} is read-only by its volume, not by its mount")


def _volume(work: Workload, claim: str, name: str) -> tuple[str, list[Edit]]:
    """The name of the pod's volume over a claim, and what adds it where there is none."""
    for volume in work.volumes:
        source = volume.get("persistentVolumeClaim")
        if isinstance(source, Mapping) and text_of(source, "claimName") == claim:
            return text_of(volume, "name"), []
        if text_of(volume, "name") == name:
            raise Refused(f"line {volume.at.line} of {volume.at.path} has another volume of the name {name}")
    item: dict[str, Value] = {"name": name, "persistentVolumeClaim": {"claimName": claim}}
    return name, [work.added(work.spec, "volumes", item)]


def _mounted(work: Workload, volume: str, target: str) -> list[Edit]:
    mounts = work.container.get("volumeMounts")
    for item in mounts.items if isinstance(mounts, Sequence) else ():
        if isinstance(item, Mapping) and text_of(item, "mountPath").rstrip("/") == target:
            raise Refused(f"line {item.at.line} of {item.at.path} mounts something else at {target}")
    return [work.added(work.container, "volumeMounts", {"name": volume, "mountPath": target})]


def _source(volume: Mapping) -> tuple[Scalar, Node]:
    """What the volume is: the one entry beside its name."""
    rest = [(key, value) for key, value in volume.entries if key.value != "name"]
    if len(rest) != 1:
        raise Refused(f"the volume at line {volume.at.line} of {volume.at.path} has {len(rest)} sources")
    return rest[0]


DIALECT = Dialect("kubernetes", platforms=("kubernetes",), editors={
    MountVolume: mount, ReplaceMount: replace_mount, SetVariable: set_variable, ConfigureServer: configure,
    AllowWriting: allow_writing})
