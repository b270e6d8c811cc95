"""Programs on a machine of their own: its disk outlives restarts and deploys, and all its programs see one disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from crewmem_doctor.facts.platforms.base import Tree
from crewmem_doctor.facts.platforms.syntax import folder_of
from crewmem_doctor.facts.servers import Scene, started
from crewmem_doctor.model.deployment import Copied, Mount, Service
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import CommandLine, split

# What no machine keeps.
TEMPORARY = ("/tmp", "/var/tmp", "/run", "/dev/shm")
# Where files about deployment lie; the code is in the folder above.
_ASIDE = frozenset(
    (
        "deploy",
        "deployment",
        "deployments",
        "systemd",
        "etc",
        "ops",
        "infra",
        "config",
        "conf",
        "scripts",
        "supervisor",
        "cron",
        "services",
        "server",
        "init",
        "packaging",
        "ansible",
        "templates",
        "files",
    )
)


def host_service(
    platform: str,
    name: str,
    at: Location,
    *,
    mounts: Iterable[Mount] = (),
    read_only: Location | None = None,
    **more: Any,
) -> Service:
    """A service on a machine. Its disk is a mount of the whole root, so that nothing counts as a container's layer;
    `mounts` lie over it. `read_only` is what makes the root read-only for this service."""
    passing = (Mount(place, "temporary", at, durable=False, shared=True) for place in TEMPORARY)
    root = Mount("/", "hostpath", read_only or at, source="/", shared=True, read_only=read_only is not None, local=True)
    return Service(f"{platform}:{name}", name, platform, at, mounts=(root, *passing, *mounts), **more)


def on_host(tree: Tree, bare: Service, command: Passage | None, path: str, directory: str) -> Service:
    """The service with its command, which no shell reads. `directory` is where it runs: the code's own folder."""
    known = directory.startswith("/") and "%" not in directory and "$" not in directory
    target = directory.rstrip("/") or "/"
    root = root_of(tree, path, target)
    copies = (Copied(root or ".", target, bare.at),) if known else ()
    workdir = Known(target, None) if known else Unknown("the working directory is not set in this file", bare.at)
    made = replace(bare, workdir=workdir, copies=copies, context=root)
    if command is None:
        return made
    scene = Scene(made.environment, tree, root, workdir if known else Known(""), copies, user=made.user.name)
    line = CommandLine.of(split(command, command.whole), command.whole)
    return replace(made, processes=started(None, line, scene))


def root_of(tree: Tree, path: str, directory: str) -> str:
    """The folder of the tree that lies at `directory` of the machine: one that it ends with, else the file's own."""
    names = [part for part in directory.strip("/").split("/") if part]
    for count in range(min(len(names), 3), 0, -1):
        tail = "/".join(names[-count:])
        if tree.is_dir(tail):
            return tail
    folder = folder_of(path)
    while folder and folder.rpartition("/")[2].lower() in _ASIDE:
        folder = folder_of(folder)
    return join_path(folder) if folder else ""
