"""Where the records land, and whether what is mounted there keeps them."""

from __future__ import annotations

from crewmem_doctor.probes.crewai.scene import Scene
from crewmem_doctor.probes.session import Session, Verdict

RAM = ("tmpfs", "ramfs")
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs")
MOUNT = "Mount a volume, and set CREWAI_STORAGE_DIR to a directory on it"


def observe(session: Session, scene: Scene) -> None:
    with session.check("place") as check:
        check.passed(_told(scene))
    with session.check("filesystem") as check:
        _filesystem(check, scene)


def _told(scene: Scene) -> str:
    subject, stage = scene.subject, scene.stage
    memory = f" of {subject.memory.label} at {subject.memory.at}" if subject.memory is not None else ""
    notes = "".join(f"; {note}" for note in stage.notes)
    if stage.mirrors:
        return (f"{scene.directory}{memory} ({_because(scene)}), in a copy of {stage.mirrors}'s directories in which "
                f"nothing of yours is{notes}")
    return (f"{scene.directory}{memory} ({_because(scene)}), the place as it stands here, in a table or folder of the "
            "probe's own")


def _because(scene: Scene) -> str:
    if scene.stage.given:
        return "the code says so"
    if scene.stage.environ.get("CREWAI_STORAGE_DIR"):
        return "CREWAI_STORAGE_DIR"
    home = "XDG_DATA_HOME" if scene.stage.environ.get("XDG_DATA_HOME") else "the home"
    return f"CrewAI's default: {home} and the working directory's name"


def _filesystem(check: Verdict, scene: Scene) -> None:
    mount = scene.look["mount"]
    if scene.stage.mirrors:
        check.skipped(f"what {scene.stage.mirrors} mounts there is not mounted here; the scan judges it")
        return
    if not mount:
        check.skipped("this system does not tell what is mounted")
        return
    where = f"{scene.directory} is on {mount['type']} ({mount['point']})"
    if mount["type"] in RAM:
        check.failed(f"{where}: RAM, which is emptied when the container or the machine stops", remedy=MOUNT,
                     snippet="CREWAI_STORAGE_DIR=/data")
    elif mount["type"] == "overlay" and mount["point"] == "/" and scene.look["container"]:
        check.failed(f"{where}: the container's own layer, which goes with the container", remedy=MOUNT,
                     snippet="CREWAI_STORAGE_DIR=/data")
    elif mount["type"] in NETWORK and not scene.unified:
        check.passed(f"{where}, over a network: SQLite's locks are not safe there")
    else:
        check.passed(where)
