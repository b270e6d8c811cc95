"""Which mount holds a path and whether it lasts, on mountinfo texts of the kinds of machine that there are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crewmem_doctor.probes.mounts import contained, doubtful, fleeting, here, holding, parse

ANONYMOUS = "9f" * 32
DOCKER = f"""\
651 529 0:50 / / rw,relatime master:177 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B,upperdir=/var/lib/docker/overlay2/c/diff,workdir=/var/lib/docker/overlay2/c/work
652 651 0:53 / /proc rw,nosuid - proc proc rw
653 651 0:54 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
655 653 0:57 / /dev/shm rw,nosuid - tmpfs shm rw,size=65536k
656 651 254:1 /var/lib/docker/volumes/app_memory/_data /data rw,relatime master:1 - ext4 /dev/vda1 rw
657 651 254:1 /var/lib/docker/volumes/{ANONYMOUS}/_data /cache rw,relatime master:1 - ext4 /dev/vda1 rw
658 651 254:1 /srv/My\\040Files /host\\040files ro,relatime - ext4 /dev/vda1 rw
659 656 0:60 / /data/hot rw - tmpfs tmpfs rw
"""
POD = """\
900 800 0:90 / / rw - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/12/fs,upperdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/13/fs
901 900 259:1 /var/lib/kubelet/pods/6f0a/volumes/kubernetes.io~empty-dir/scratch /scratch rw - xfs /dev/nvme0n1p1 rw
902 900 259:9 / /data rw - ext4 /dev/nvme1n1 rw
903 900 0:99 / /shared rw - nfs4 10.0.0.2:/export rw,vers=4.1
"""
HOST = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
30 22 0:30 / /tmp rw,nosuid shared:9 - tmpfs tmpfs rw
31 22 0:31 / /mnt/share rw - cifs //nas/share rw
40 22 254:1 / /srv rw - xfs /dev/vdb rw
41 40 254:2 / /srv/old rw - ext4 /dev/vdc rw
42 40 0:44 / /srv rw - tmpfs tmpfs rw
"""
COMPOSEFS = """\
60 1 0:26 / / ro,relatime - overlay composefs ro,lowerdir+=/run/ostree/.private/cfsroot-lower,datadir+=/sysroot/ostree/repo/objects
61 60 253:3 /var /var rw - btrfs /dev/mapper/root rw,subvol=/root
"""


@pytest.mark.parametrize(("text", "path", "point", "kind"), [
    (DOCKER, "/app/memory.db", "/", "overlay"), (DOCKER, "/data/m/x.db", "/data", "durable"),
    (DOCKER, "/database/x.db", "/", "overlay"), (DOCKER, "/data/hot/x.db", "/data/hot", "tmpfs"),
    (DOCKER, "/dev/shm/x", "/dev/shm", "tmpfs"), (DOCKER, "/host files/x", "/host files", "durable"),
    (POD, "/shared/x", "/shared", "network"), (POD, "/data", "/data", "durable"),
    (HOST, "/root/x.db", "/", "durable"), (HOST, "/tmp/x.db", "/tmp", "tmpfs"), (HOST, "/mnt/share/x.db", "/mnt/share", "network"),
    (COMPOSEFS, "/var/home/x.db", "/var", "durable"),
])
def test_the_mount_that_holds_a_path(text: str, path: str, point: str, kind: str) -> None:
    found = holding(path, parse(text))
    assert found is not None
    assert (found.point, found.kind) == (point, kind)


def test_a_mount_that_another_one_hides_is_not_taken() -> None:
    found = holding("/srv/old/x.db", parse(HOST))
    assert found is not None
    assert (found.point, found.kind) == ("/srv", "tmpfs")


def test_without_a_root_mount_the_longest_point_wins() -> None:
    found = holding("/jail/data/x", parse("5 2 8:1 / /jail rw - ext4 /dev/a rw\n6 2 0:9 / /jail/data rw - tmpfs none rw\n"))
    assert found is not None
    assert found.kind == "tmpfs"


def test_what_is_read_only() -> None:
    found = {mount.point: mount.read_only for mount in parse(DOCKER + "700 651 7:0 / /iso rw - iso9660 /dev/loop0 ro\n")}
    assert found["/host files"]
    assert found["/iso"]
    assert not found["/data"]


@pytest.mark.parametrize("text", ["", "\n", "nonsense", "1 2 3 4 5 6 7 8 9", "a b 8:1 / / rw - ext4 x rw", "36 35 98:0 / /mnt rw - ext4"])
def test_lines_that_are_none_are_passed_over(text: str) -> None:
    assert parse(text) == ()
    assert holding("/x", ()) is None


@pytest.mark.parametrize(("text", "path", "inside", "said"), [
    (DOCKER, "/app/memory.db", True, "the container's own layer"), (DOCKER, "/data/x", True, ""),
    (DOCKER, "/cache/x", True, "an anonymous volume"), (DOCKER, "/data/hot/x", True, "is RAM"),
    (POD, "/scratch/x", True, "an emptyDir"), (POD, "/data/x", True, ""), (POD, "/shared/x", True, ""),
    (HOST, "/root/x", False, ""), (HOST, "/tmp/x", False, "is RAM"), (COMPOSEFS, "/opt/x", False, ""),
    # a container whose storage driver is no overlay, or whose kernel is gVisor's
    ("9 1 0:3 / / rw - btrfs /dev/a rw,subvol=/docker/x", "/app/x", True, "the container's own layer"),
    ("9 1 0:3 / / rw - 9p none rw", "/app/x", True, "the container's own layer"),
    ("9 1 0:3 / / rw - xfs /dev/mapper/docker-253:0-1-4f rw", "/app/x", True, "the container's own layer"),
    ("9 1 0:3 / / rw - zfs rpool/docker/4f rw", "/app/x", True, "the container's own layer"),
    # a micro-VM: who knows
    (HOST, "/root/x", True, ""),
])
def test_what_is_lost(text: str, path: str, inside: bool, said: str) -> None:
    found = holding(path, parse(text))
    assert found is not None
    clause = fleeting(found, inside)
    assert said in clause if said else not clause


def test_the_disk_of_a_micro_vm_is_doubtful() -> None:
    root, volume = (next(mount for mount in parse(HOST) if mount.point == point) for point in ("/", "/srv"))
    assert doubtful(root, True)
    assert not doubtful(root, False)
    assert not doubtful(volume, True)
    assert not any(doubtful(mount, True) for mount in parse(DOCKER))


@pytest.mark.parametrize(("environ", "text", "mark", "inside"), [
    ({}, DOCKER, "", True), ({}, POD, "", True), ({}, HOST, "", False), ({}, COMPOSEFS, "", False),
    ({}, HOST, ".dockerenv", True), ({}, HOST, "run/.containerenv", True), ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, HOST, "", True),
    ({}, "9 1 0:3 /var/lib/docker/btrfs/subvolumes/4f / rw - btrfs /dev/sda rw", "", True),
    ({"container": "podman"}, HOST, "", True), ({"container": "lxc"}, HOST, "", False), ({"container": "systemd-nspawn"}, HOST, "", False),
])
def test_what_tells_a_container(tmp_path: Path, environ: dict[str, str], text: str, mark: str, inside: bool) -> None:
    if mark:
        (tmp_path / mark).parent.mkdir(exist_ok=True)
        (tmp_path / mark).touch()
    assert contained(environ, parse(text), tmp_path) is inside


@pytest.mark.skipif(not shutil.which("findmnt"), reason="needs util-linux")
@pytest.mark.parametrize("path", ["/", "/proc", "/dev", "/dev/shm", "/tmp", "/usr/bin"])
def test_this_machine_agrees_with_findmnt(path: str) -> None:
    told = subprocess.run(["findmnt", "-n", "-o", "TARGET,FSTYPE", "-T", path], capture_output=True, text=True, check=True)
    found = holding(path, here())
    assert found is not None
    assert [found.point, found.type] == told.stdout.splitlines()[-1].split()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root to mount")
def test_real_mounts_over_mounts(tmp_path: Path) -> None:
    script = f"""set -e
mount -t tmpfs -o size=1m a {tmp_path}; mkdir {tmp_path}/in
mount -t tmpfs -o size=1m,ro b {tmp_path}/in
mount -t tmpfs -o size=1m c {tmp_path}
mkdir {tmp_path}/in
exec {sys.executable} -c '
from crewmem_doctor.probes.mounts import here, holding
print(*(holding(path, here()).source for path in ("{tmp_path}/in/x", "{tmp_path}/y")))'"""
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode and "permi" in done.stderr.lower():
        pytest.skip("mounting is not permitted here")
    assert done.stdout.split() == ["c", "c"], done.stderr
