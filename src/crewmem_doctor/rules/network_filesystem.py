"""CM207 · an embedded database on a network file system

## Why
SQLite, LanceDB, embedded Chroma and embedded Qdrant are files that a process maps, locks and renames. NFS, EFS, SMB, Azure
Files and object stores behind FUSE do those things differently or not at all: SQLite's write-ahead log needs memory that
all its users share, so it is not supported there; the rest shows as `database is locked`, `disk I/O error`, commit conflicts,
or a store that is damaged one day.

## Example
```yaml
volumes:
  memory:
    driver_opts: {type: nfs, o: "addr=10.0.0.2,rw", device: ":/export/memory"}
```

## Fix
A block volume under one replica, or a storage backend on a server where several machines need the same records:
[postgres_storage](recipes/postgres_storage.md) or [redis_storage](recipes/redis_storage.md).

## When this is not a problem
A single process that writes rarely, on a mount whose locks have been proved to work. SQLite advises against it even so.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.model.deployment import Mount
from crewmem_doctor.model.finding import Finding, Fix
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.model.release import Release
from crewmem_doctor.placement import Placement
from crewmem_doctor.rules import _trees
from crewmem_doctor.rules._common import evidence_of, graded, on_disk, several, unique
from crewmem_doctor.rules._shared import in_a_server
from crewmem_doctor.rules.base import Example, Rule
from crewmem_doctor.survival import engine_on

NAMES = {"sqlite": "SQLite", "lancedb": "LanceDB", "chroma": "embedded Chroma", "qdrant": "embedded Qdrant", "qdrant-edge": "Qdrant Edge"}
# Distributed file systems with the locks and renames of a local one.
FAITHFUL = frozenset(("ceph", "cephfs", "lustre", "beegfs", "weka", "gluster", "glusterfs", "quobyte", "juicefs"))
CALLED = {"nfs": "NFS", "efs": "EFS", "smb": "SMB", "cifs": "SMB", "azurefile": "Azure Files", "filestore": "Filestore (NFS)"}


def check(project: Project) -> Iterator[Finding]:
    groups: dict[tuple[int, str], tuple[Mount, list[tuple[Run, Placement]]]] = {}
    for run, p in on_disk(project):
        network = p.mount.network if p.mount is not None else ""
        if p.mount is not None and network and network not in FAITHFUL and engines(run, project.release):
            groups.setdefault((id(run.service), p.mount.target), (p.mount, []))[1].append((run, p))
    for mount, pairs in groups.values():
        service = pairs[0][0].service
        severity, confidence = graded(RULE.severity, (run for run, _ in pairs))
        kept = several(dict.fromkeys(name for run, _ in pairs for name in engines(run, project.release)))
        yield RULE.finding(
            mount.at, f"{service.id} keeps {kept} in {pairs[0][1].display}, and {mount.target} is on "
                      f"{CALLED.get(mount.network, mount.network)}: the locks and the memory mapping that it needs do not work there as on a disk",
            subject=service.id, evidence=f"{mount.network} {mount.target}", severity=severity, confidence=confidence,
            because=unique(step for run, p in pairs for step in evidence_of(run, p)),
            fix=Fix("Use a block volume under one replica, or keep the records in a server",
                    f"volumes:\n  - crew-memory:{mount.target}      # a local or block volume",
                    changes=in_a_server(project, [run.memory for run, _ in pairs], "which disk is there, the machine or the cluster says")))


def engines(run: Run, release: Release) -> list[str]:
    """The embedded databases that the memory is kept in, as people call them."""
    found = dict.fromkeys(engine_on(run.memory, version) for version in release.candidates)
    return [NAMES[engine] for engine in found if engine in NAMES]


API = "services:\n  api:\n    build: .\n    environment: {CREWAI_STORAGE_DIR: /data}\n"
SHARE = "volumes:\n  m:\n    driver: local\n    driver_opts: {type: TYPE, o: 'addr=10.0.0.2,rw', device: ':/export'}\n"
RULE = Rule(
    id="CM207", severity="warning", check=check,
    summary="SQLite, LanceDB, or embedded Chroma or Qdrant lies on NFS, EFS, SMB or the like",
    bad=(
        Example("a volume on NFS", _trees.service(API + "    volumes:\n      - m:/data  # <-- here\n" + SHARE.replace("TYPE", "nfs"))),
        Example("a Windows share, an older release", _trees.service(
            API + "    volumes:\n      - type: volume  # <-- here\n        source: m\n        target: /data\n" + SHARE.replace("TYPE", "cifs"),
            requirements_dot_txt="crewai==1.9.3\nfastapi\nuvicorn\n")),
        Example("NFS in a pod", _trees.deployed("nfs: {server: 10.0.0.2, path: /export}", at_mount="  # <-- here")),
    ),
    good=(
        Example("a claim whose class is not known", _trees.deployed("persistentVolumeClaim: {claimName: crew}")),
        Example("a volume of the host", _trees.service(API + "    volumes: ['m:/data']\nvolumes:\n  m:\n")),
        Example("the share holds something else", _trees.service(
            API + "    volumes: ['m:/exports', 'n:/data']\n" + SHARE.replace("TYPE", "nfs") + "  n:\n")),
    ),
    premise=("https://www.sqlite.org/wal.html: WAL does not work over a network file system", "lancedb#647: commits by hard link",
             "1.15.30 memory/storage/kickoff_task_outputs_storage.py and flow/persistence/sqlite.py: PRAGMA journal_mode=WAL"),
)
