"""What keeps the records of a claim: storage classes, provisioners and CSI drivers."""

from __future__ import annotations

import re
from dataclasses import replace

from crewmem_doctor.facts.kubernetes.nodes import child, mapping, scalar, text
from crewmem_doctor.facts.kubernetes.things import Bundle, Thing
from crewmem_doctor.model.deployment import MountKind
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

# File systems on a network, by a word of the driver's, provisioner's or well-known class's name.
_NETWORKS: tuple[tuple[str, str], ...] = (
    (r"efs", "efs"),
    (r"filestore", "filestore"),
    (r"azure-?files?|file\.csi\.azure", "azurefile"),
    (r"cephfs", "cephfs"),
    (r"nfs", "nfs"),
    (r"gluster", "glusterfs"),
    (r"smb|cifs|samba", "smb"),
    (r"fsx|lustre", "lustre"),
    (r"gcs-?fuse", "gcsfuse"),
    (r"blob-?fuse|blob\.csi\.azure|azureblob", "blobfuse"),
    (r"s3\.csi|csi-s3|mountpoint-s3|s3fs|geesefs", "s3"),
    (r"juicefs", "juicefs"),
    (r"quobyte", "quobyte"),
    (r"beegfs", "beegfs"),
    (r"weka", "weka"),
    (r"trident|ontap-nas", "nfs"),
    (r"manila|sfs\b", "nfs"),
)
_NETWORK = tuple((re.compile(rf"(^|[^a-z]){words}([^a-z]|$)"), name) for words, name in _NETWORKS)
# Google's classes for shared volumes, which Filestore makes.
_CLASSES = {
    "standard-rwx": "filestore",
    "premium-rwx": "filestore",
    "enterprise-rwx": "filestore",
    "zonal-rwx": "filestore",
    "enterprise-multishare-rwx": "filestore",
}
_LOCAL = re.compile(
    r"local-path|hostpath|no-provisioner|openebs\.io/local|openebs-hostpath|local-storage|topolvm|microk8s-host"
)


@dataclass(frozen=True, slots=True)
class Volume:
    """What stands behind a name under `volumes`. `unsure` says why it is not known whether replicas share it.

    `local` is a disk of the node itself. `open_to` says who may write there when nobody was given it: "all" (an
    emptyDir), "group" (Kubernetes gives it to fsGroup), or nobody.
    """

    kind: MountKind
    source: str = ""
    durable: bool = True
    shared: bool = False
    read_only: bool = False
    network: str = ""
    local: bool = False
    unsure: str = ""
    open_to: str = ""
    at: Location | None = None
    texts: tuple[tuple[str, str], ...] = ()  # the files of a ConfigMap of the tree


def network_of(name: str) -> str:
    """The network file system that a driver, provisioner or storage class stands for; empty for none that is known."""
    low = name.lower()
    return _CLASSES.get(low) or next((network for pattern, network in _NETWORK if pattern.search(low)), "")


def is_local(name: str) -> bool:
    return bool(_LOCAL.search(name.lower()))


def claimed(name: str, at: Location, bundle: Bundle, near: Thing) -> Volume:
    """The volume of a PersistentVolumeClaim that a pod names."""
    claim = bundle.find(("PersistentVolumeClaim",), name, near)
    if claim is None:
        return Volume(
            "pvc",
            name,
            at=at,
            unsure=f"the claim {name or 'that a template names'} is not in this tree",
            open_to="group",
        )
    return replace(of_claim(mapping(claim.node, "spec"), bundle, claim), source=name)


def of_claim(spec: Mapping, bundle: Bundle, near: Thing) -> Volume:
    """What a claim's spec asks for: who may mount it, and what makes it."""
    modes = access_modes(spec)
    provisioner, parameters = _provisioner(spec, bundle, near)
    network = network_of(provisioner) or network_of(parameters)
    many = "ReadWriteMany" in modes or "ReadOnlyMany" in modes
    bound = _bound(spec, bundle, near)
    if bound is not None:
        return replace(
            bound,
            shared=(bound.shared and many) or (bound.network != "" and many),
            read_only=modes == {"ReadOnlyMany"},
            open_to="group" if not bound.network else "",
        )
    if not network and "ReadWriteMany" in modes and "longhorn" in provisioner.lower():
        network = "nfs"  # a share manager exports the volume
    unsure = "" if modes else "the claim's access modes are not known"
    local = is_local(provisioner) and not network
    return Volume("pvc", "", True, many, modes == {"ReadOnlyMany"}, network, local, unsure, "group")


def access_modes(spec: Mapping) -> set[str]:
    node: Node | None = spec.get("accessModes")
    items = node.items if isinstance(node, Sequence) else (node,)
    return {item.value for item in items if isinstance(item, Scalar) and not item.null and not item.templated}


def _provisioner(spec: Mapping, bundle: Bundle, near: Thing) -> tuple[str, str]:
    """The provisioner of the claim's class, or the class's own name where the tree does not hold it."""
    name = text(spec, "storageClassName")
    held = next((thing for thing in bundle.every("StorageClass") if name and name in thing.names), None)
    if held is None:
        return name, ""
    backend = text(held.node, "parameters", "backendType")
    return text(held.node, "provisioner") or name, backend


def _bound(spec: Mapping, bundle: Bundle, near: Thing) -> Volume | None:
    """A PersistentVolume of the tree that the claim names, or that names the claim or its class without provisioner."""
    wanted, claim, storage = text(spec, "volumeName"), near.name, text(spec, "storageClassName")
    for thing in bundle.every("PersistentVolume"):
        body = mapping(thing.node, "spec")
        named = (wanted and wanted in thing.names) or (claim and text(body, "claimRef", "name") == claim)
        alike = (
            not wanted
            and storage
            and storage == text(body, "storageClassName")
            and scalar(body, "claimRef", "name") is None
        )
        if named or alike:
            return of_source(body, thing.at)
    return None


def of_source(body: Mapping, at: Location) -> Volume | None:
    """The kinds of storage that a pod's volume and a PersistentVolume have in common."""
    for key, value in reversed(list(body.items())):
        if isinstance(value, Scalar) and value.null:
            continue
        found = _SOURCES.get(key.value)
        if found is not None:
            return replace(found, source=_where(key.value, value), at=key.at)
        if key.value == "hostPath":
            path = text(value, "path")
            fleeting = any(path == place or path.startswith(place + "/") for place in ("/dev/shm", "/run", "/var/run"))
            return Volume("hostpath", path, durable=not fleeting, local=True, at=key.at)
        if key.value == "csi":
            driver = text(value, "driver")
            network = network_of(driver)
            return Volume(
                "disk" if network else "pvc",
                text(value, "volumeHandle") or driver,
                shared=bool(network),
                network=network,
                at=key.at,
                open_to="group" if not network else "",
            )
    return None


def _where(kind: str, value: Node) -> str:
    if kind == "nfs":
        return f"{text(value, 'server')}:{text(value, 'path')}"
    for name in ("path", "shareName", "volumeID", "pdName", "diskName", "image", "endpoints", "share"):
        if found := text(value, name):
            return found
    return kind if child(value) is not None else ""


_DISK = Volume("disk", open_to="group")
_SOURCES: dict[str, Volume] = {
    "local": Volume("hostpath", local=True, open_to="group"),
    "nfs": Volume("nfs", shared=True, network="nfs"),
    "azureFile": Volume("disk", shared=True, network="azurefile"),
    "cephfs": Volume("disk", shared=True, network="cephfs"),
    "glusterfs": Volume("disk", shared=True, network="glusterfs"),
    "quobyte": Volume("disk", shared=True, network="quobyte"),
    "awsElasticBlockStore": _DISK,
    "gcePersistentDisk": _DISK,
    "azureDisk": _DISK,
    "cinder": _DISK,
    "rbd": _DISK,
    "iscsi": _DISK,
    "fc": _DISK,
    "vsphereVolume": _DISK,
    "portworxVolume": _DISK,
    "storageos": _DISK,
    "scaleIO": _DISK,
    "photonPersistentDisk": _DISK,
    "flexVolume": _DISK,
}
