"""What is mounted where: which file system holds a path, and whether it outlives the container or the machine.

Read from /proc/self/mountinfo (proc_pid_mountinfo(5)); other systems have no such file and get no answer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from crewmem_doctor.model.record import dataclass

# durable: a disk of this machine, or a host's folder shared with it. tmpfs: RAM. overlay: layers over an image.
# network: another machine's disk. unknown: a kind this module has no word for.
Kind = Literal["durable", "tmpfs", "overlay", "network", "unknown"]
_RAM = frozenset({"tmpfs", "ramfs", "devtmpfs", "hugetlbfs", "rootfs"})
_LAYERS = frozenset({"overlay", "overlayfs", "aufs", "unionfs", "fuse.fuse-overlayfs", "fuse.unionfs"})
_NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "orangefs",
    "pvfs2", "ocfs2", "gfs2", "moosefs", "davfs", "fuse.glusterfs", "fuse.mfs", "fuse.sshfs", "fuse.s3fs",
    "fuse.gcsfuse", "fuse.rclone", "fuse.goofys", "fuse.geesefs", "fuse.mountpoint-s3", "fuse.blobfuse",
    "fuse.blobfuse2", "fuse.juicefs", "fuse.JuiceFS", "fuse.seaweedfs", "fuse.curlftpfs", "fuse.davfs",
    "fuse.ceph", "fuse.ceph-fuse",
})
_DISKS = frozenset({
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs", "nilfs2", "vfat", "exfat",
    "ntfs", "ntfs3", "fuseblk", "hfsplus", "apfs", "ufs", "ecryptfs", "fuse.ext4", "fuse.ntfs-3g",
    # a folder of the host seen by a virtual machine, e.g. by Docker Desktop
    "virtiofs", "fuse.grpcfuse", "grpcfuse", "fakeowner", "osxfs", "fuse.osxfs", "vboxsf", "prl_fs", "fuse.vmhgfs-fuse",
    "9p",
})
# What Docker and Podman leave behind. LXC and systemd-nspawn run whole machines, whose disk is kept: no such mark.
_MARKS = ("/.dockerenv", "/run/.containerenv")
_RUNTIMES = frozenset({"docker", "podman", "oci", "containerd", "kube", "garden"})
_RUNTIME = re.compile(
    r"/(?:docker|containerd|containers/storage|crio|cri-o|buildkit)/|/io\.containerd\.|/overlay2/|^/dev/mapper/docker-")
_ANONYMOUS = re.compile(r"/volumes/[0-9a-f]{64}/_data(?:/|$)")
_EMPTY_DIR = re.compile(r"/volumes/kubernetes\.io~empty-dir/")


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of mountinfo. `root` is the folder of the file system that is mounted at `point`; `options` are those of
    the mount and of the file system together."""

    id: int
    parent: int
    root: str
    point: str
    type: str
    source: str
    options: frozenset[str]

    @property
    def kind(self) -> Kind:
        for kind, types in _KINDS.items():
            if self.type in types:
                return kind
        return "unknown"

    @property
    def read_only(self) -> bool:
        return "ro" in self.options

    @property
    def described(self) -> str:
        """E.g. "ext4 at /data"."""
        return f"{self.type} at {self.point}"


_KINDS: Mapping[Kind, frozenset[str]] = {"durable": _DISKS, "tmpfs": _RAM, "overlay": _LAYERS, "network": _NETWORK}


def here() -> tuple[Mount, ...]:
    """The mounts that this process sees; none where the system has no mountinfo."""
    try:
        return parse(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return ()


def parse(text: str) -> tuple[Mount, ...]:
    """The mounts of a mountinfo text, in its order. Lines that are none are passed over."""
    return tuple(found for line in text.splitlines() if (found := _mount(line)))


def _mount(line: str) -> Mount | None:
    """36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue"""
    before, dash, after = line.partition(" - ")
    head, tail = before.split(" "), after.split(" ")
    if not dash or len(head) < 6 or len(tail) < 2 or not (head[0].isdigit() and head[1].isdigit()):
        return None
    options = {*head[5].split(","), *(tail[2].split(",") if len(tail) > 2 else ())}
    return Mount(int(head[0]), int(head[1]), _unescaped(head[3]), _unescaped(head[4]), tail[0], _unescaped(tail[1]),
                 frozenset(options))


def _unescaped(word: str) -> str:
    """Blanks and backslashes are written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), word)


def holding(path: str | Path, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that holds a path, which need not exist. None where that cannot be told.

    A path is walked as the kernel does: from the root, at each step into the first mount on the way. So a mount that
    another one hides is not taken.
    """
    real = os.path.realpath(path)
    known = {mount.id for mount in mounts}
    roots = [mount for mount in mounts if mount.point == "/" and mount.parent not in known - {mount.id}]
    at = roots[0] if roots else None
    if at is None:      # a root folder that is no mount of its own, as chroot leaves it
        over = [mount for mount in mounts if _holds(mount, real)]
        return max(over, key=lambda mount: len(mount.point), default=None)
    passed = {at.id}
    while True:
        onward = [mount for mount in mounts if mount.parent == at.id and mount.id not in passed and _holds(mount, real)
                  and len(mount.point) >= len(at.point)]
        if not onward:
            return at
        at = min(reversed(onward), key=lambda mount: len(mount.point))
        passed.add(at.id)


def _holds(mount: Mount, path: str) -> bool:
    return path == mount.point or path.startswith(mount.point.rstrip("/") + "/")


def contained(environ: Mapping[str, str], mounts: Sequence[Mount], root: Path = Path("/")) -> bool:
    """Whether this process runs in a container, as far as it can see.

    An overlay alone does not tell: some machines boot from one. What tells is a runtime's mark, Kubernetes' variable,
    or layers that lie where a runtime keeps them.
    """
    if "KUBERNETES_SERVICE_HOST" in environ or environ.get("container") in _RUNTIMES:
        return True
    if any((root / mark.lstrip("/")).exists() for mark in _MARKS):
        return True
    base = holding("/", mounts)
    return base is not None and _is_layer(base)


def fleeting(mount: Mount, in_container: bool) -> str:
    """Why what this mount holds is lost, as a clause ("tmpfs at /data is RAM: …"); empty where nothing says so."""
    if mount.kind == "tmpfs":
        return f"{mount.described} is RAM: empty after a restart"
    if _EMPTY_DIR.search(mount.root):
        return f"{mount.described} is an emptyDir: gone with its pod"
    if _ANONYMOUS.search(mount.root):
        return f"{mount.described} is an anonymous volume: a new container gets a new, empty one"
    if in_container and (_is_layer(mount) or (mount.point == "/" and (mount.kind == "overlay" or mount.type == "9p"))):
        return f"{mount.described} is the container's own layer: gone with the next deploy"
    return ""


def doubtful(mount: Mount, in_container: bool) -> bool:
    """Whether it is a container's root on a disk of its own, as a micro-VM that runs an image has: some platforms keep
    that disk and some make a new one for each deploy."""
    return in_container and mount.point == "/" and mount.kind == "durable" and not fleeting(mount, in_container)


def _is_layer(mount: Mount) -> bool:
    """Whether it lies where a runtime keeps its layers, be its storage driver overlay, btrfs, zfs or devicemapper."""
    if mount.kind != "overlay" and mount.point != "/":
        return False
    return any(_RUNTIME.search(word) for word in (mount.root, mount.source, *mount.options))
