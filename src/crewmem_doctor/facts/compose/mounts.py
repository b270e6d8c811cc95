"""What a compose service has mounted: volumes in both syntaxes, tmpfs, secrets and configs.

A mount whose target only the shell knows keeps its `$` in `target`: it may lie over anything.
"""

from __future__ import annotations

import re

from crewmem_doctor.facts.compose.interpolate import Filled, fill, text_of, truth_of
from crewmem_doctor.facts.compose.merge import items_of
from crewmem_doctor.facts.compose.project import Project, Scope
from crewmem_doctor.model.deployment import Copied, Mount, MountKind
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_DRIVE_FIRST = re.compile(r"[A-Za-z]:(\\|/[^:]*:[/$])")      # `d:/data` alone is a volume called d
_PATH_STARTS = (".", "/", "~", "\\")
_NETWORK_TYPES = {"nfs": "nfs", "nfs4": "nfs", "cifs": "smb", "smb3": "smb", "smb": "smb", "sshfs": "sshfs",
                  "glusterfs": "glusterfs", "ceph": "ceph", "9p": "9p", "fuse": "fuse"}
_NETWORK_DRIVERS = ("nfs", "cifs", "smb", "efs", "sshfs", "gluster", "ceph", "netshare", "azurefile", "s3fs")
_FLEETING = ("/dev/shm", "/run", "/var/run")


@dataclass(frozen=True, slots=True)
class Source:
    """What a mount's source turns out to be."""

    kind: MountKind
    name: str = ""
    durable: bool = True
    network: str = ""
    inside: bool = False            # a bind of something in the scanned tree
    spread: bool = False            # the same on every machine


def mounts_of(service: Mapping, project: Project, *, moves: bool) -> tuple[list[Mount], list[Copied]]:
    """The mounts, one for each target, the last one of a target; and which parts of the tree they bring along.

    `moves` says that replicas may run on several machines, where a local volume is not one for all of them.
    """
    found: dict[str, tuple[Mount, bool]] = {}
    for item in items_of(service.get("volumes")):
        read = _short(item, project, moves) if isinstance(item, Scalar) else _long(item, project, moves)
        if read is not None:
            found[read[0].target] = read
    for item in items_of(service.get("tmpfs")):
        target = project.text(item).partition(":")[0]
        if target:
            found[_clean(target)] = Mount(_clean(target), "tmpfs", item.at, durable=False), False
    for name, folder, kind in (("secrets", "/run/secrets", "secret"), ("configs", "", "configmap")):
        for item in items_of(service.get(name)):
            mount = _file(item, project, folder, "secret" if kind == "secret" else "configmap")
            if mount is not None:
                found.setdefault(mount.target, (mount, False))
    copies = [Copied("" if m.source == "." else m.source, m.target, m.at) for m, inside in found.values() if inside]
    return [mount for mount, _ in found.values()], copies


def _short(item: Scalar, project: Project, moves: bool) -> tuple[Mount, bool] | None:
    """`source:target:options`, `source:target` or `target`."""
    scope = project.scope(item.at)
    parts = _split(item.value)
    if item.null or item.templated or not parts[-1].strip():
        return None
    filled = [_fill_path(part, scope) for part in parts]
    if len(parts) == 1 and not filled[0].missing and len(_split(filled[0].text)) > 1:
        filled = [Filled(text) for text in _split(filled[0].text)]      # one variable holds the whole mount
    options = filled[2].text.split(",") if len(filled) > 2 else []
    if len(filled) == 1:
        return Mount(_target(filled[0]), "anonymous", item.at, durable=False), False
    source = _source(filled[0], project, scope)
    return _mount(_target(filled[1]), source, item.at, "ro" in options or "readonly" in options, moves), source.inside


def _long(item: Node, project: Project, moves: bool) -> tuple[Mount, bool] | None:
    if not isinstance(item, Mapping):
        return None
    scope = project.scope(item.at)
    variables = scope.variables

    def path(*names: str) -> Filled | None:
        node = next((n for name in names if (n := item.get(name)) is not None), None)
        return _fill_path(node.value, scope) if isinstance(node, Scalar) and not node.null else None

    to = path("target", "dst", "destination")
    if to is None:
        return None
    target, origin = _target(to), path("source", "src")
    kind = text_of(item.get("type"), variables).lower()
    read_only = truth_of(item.get("read_only"), variables)
    if kind == "tmpfs":
        return Mount(target, "tmpfs", item.at, durable=False), False
    if origin is None:
        return Mount(target, "anonymous" if kind in ("", "volume") else "unknown", item.at, durable=False), False
    if kind == "bind":
        source = _bind(origin.text, scope)
    elif kind in ("", "volume"):
        source = _source(origin, project, scope) if not kind else _named(origin, project)
    else:
        cluster = kind == "cluster"
        source = Source("named" if cluster else "unknown", origin.text, cluster, spread=cluster)
    options = item.get("volume")
    sub_path = text_of(options.get("subpath"), variables) if isinstance(options, Mapping) else ""
    writes_off = isinstance(read_only, Known) and read_only.value
    return _mount(target, source, item.at, writes_off, moves, sub_path), source.inside


def _mount(target: str, source: Source, at: Location, read_only: bool, moves: bool, sub_path: str = "") -> Mount:
    local = source.kind in ("named", "bind") and not source.network and not source.spread
    shared = bool(source.network) or source.spread or (local and source.durable and not moves)
    return Mount(target, source.kind, at, source.name, source.durable, shared, read_only, source.network, sub_path)


def _file(item: Node, project: Project, folder: str, kind: MountKind) -> Mount | None:
    """A secret or a config: `- name`, or a mapping with source and target."""
    source = project.text(item.get("source")) if isinstance(item, Mapping) else project.text(item)
    target = project.text(item.get("target")) if isinstance(item, Mapping) else ""
    if not source:
        return None
    return Mount(join_path(folder or "/", target or source), kind, item.at, source, durable=False, read_only=True)


def _split(text: str) -> list[str]:
    """At most three parts, cut at colons that are neither a drive's nor inside `${…}`."""
    parts: list[str] = []
    begin = depth = 0
    for index in range(2 if _DRIVE_FIRST.match(text) else 0, len(text)):
        if text[index] == "{" and text[max(index - 1, 0)] == "$":
            depth += 1
        elif text[index] == "}" and depth:
            depth -= 1
        elif text[index] == ":" and not depth and len(parts) < 2:
            parts.append(text[begin:index])
            begin = index + 1
    return [*parts, text[begin:]]


def _fill_path(text: str, scope: Scope) -> Filled:
    """PWD is the folder that compose is called in: by custom the project's."""
    return fill(text, {"PWD": Known("."), **scope.variables})


def _target(filled: Filled) -> str:
    return filled.text if filled.missing else _clean(filled.text)


def _clean(target: str) -> str:
    return join_path(target.strip()) or "/"


def _source(filled: Filled, project: Project, scope: Scope) -> Source:
    text = filled.text.strip()
    if filled.missing and "/" not in text.partition("}")[2]:
        return Source("unknown", text)
    if text.startswith(_PATH_STARTS) or "/" in text or _DRIVE.match(text):
        return _bind(text, scope)
    return _named(filled, project)


def _bind(text: str, scope: Scope) -> Source:
    text = text.strip()
    if text.startswith(("/", "~", "\\", "$")) or _DRIVE.match(text):
        fleeting = any(text == place or text.startswith(f"{place}/") for place in _FLEETING)
        return Source("bind", text, durable=not fleeting)
    path = join_path(scope.folder, text.replace("\\", "/"))
    outside = path == ".." or path.startswith("../")
    return Source("bind", path or ".", inside=not outside)


def _named(filled: Filled, project: Project) -> Source:
    name = filled.text.strip()
    declared = project.section("volumes").get(name)
    if filled.missing or not isinstance(declared, Mapping):
        return Source("named", name)
    driver = project.text(declared.get("driver")).lower()
    options = declared.get("driver_opts")
    options = options if isinstance(options, Mapping) else Mapping((), declared.at)
    kind = project.text(options.get("type")).lower()
    flags = project.text(options.get("o")).lower().split(",")
    if kind == "tmpfs" or "tmpfs" in flags:
        return Source("tmpfs", name, durable=False)
    network = _NETWORK_TYPES.get(kind) or next((d for d in _NETWORK_DRIVERS if d in driver), "")
    if not network and any(flag.startswith("addr=") for flag in flags):
        network = "nfs"
    if network:
        return Source("nfs" if network == "nfs" else "named", name, network=network, spread=True)
    device = options.get("device")
    if isinstance(device, Scalar) and ("bind" in flags or "rbind" in flags):
        scope = project.scope(device.at)
        return _bind(_fill_path(device.value, scope).text, scope)
    return Source("named", name, spread=driver not in ("", "local") or declared.get("x-cluster-spec") is not None)
