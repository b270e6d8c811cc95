"""From what a platform's file says to a Service: code that runs from the source tree, or from an image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from crewmem_doctor.facts.compose.backing import backing_of
from crewmem_doctor.facts.dockerfile import Image
from crewmem_doctor.facts.platforms.base import Found, Images, Tree
from crewmem_doctor.facts.platforms.disks import DISKS
from crewmem_doctor.facts.servers import Scene, started
from crewmem_doctor.model.deployment import Copied, Environment, Mount, Process, Service, User
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import CommandLine

CommandLike = CommandLine | Passage | None
# What starts programs in other languages, or containers that other files describe.
# fmt: off
_FOREIGN = frozenset((
    "npm", "npx", "pnpm", "yarn", "node", "bun", "bunx", "deno", "next", "nuxt", "vite", "serve", "http-server", "tsx",
    "java", "ruby", "bundle", "rails", "rake", "puma", "sidekiq", "php", "go", "dotnet", "nginx", "caddy", "cargo",
    "mix", "docker", "docker-compose", "podman", "nerdctl", "kubectl", "helm",
))
# fmt: on
_SANDBOX = User("sandbox", Known("/home/sbx_user1051", None, "medium"), None, root=False)


def service(
    platform: str, name: str, at: Location, *, disk: str = "", mounts: Iterable[Mount] = (), id: str = "", **more: Any
) -> Service:
    """A service on a platform whose instances come and go: a restart starts from the image again, and what is not on
    one of its `mounts` is lost. `disk` names the row of DISKS where that is not the platform's name."""
    mounts = tuple(mounts)
    durable = any(mount.durable for mount in mounts)
    fields: dict[str, Any] = {
        "orchestrated": True,
        "restart_keeps_layer": False,
        "durable_disk": durable,
        "deployment": at.path,
        "ephemeral_because": DISKS[disk or platform].ephemeral,
        "mounts": mounts,
        **more,
    }
    return Service(id or f"{platform}:{name}", name, platform, at, **fields)


def native(tree: Tree, bare: Service, command: CommandLike, root: str, target: str, *, workdir: str = "") -> Service:
    """The service with code that lies in the folder `root` of the tree and runs from `target`."""
    copies = (Copied(root or ".", target, bare.at), *bare.copies)
    made = replace(bare, copies=copies, context=root, workdir=Known(workdir or target))
    scene = Scene(made.environment, tree, root, made.workdir, copies, user=made.user.name)
    return replace(made, processes=made.processes or started(None, _line(command), scene))


def contained(
    tree: Tree,
    bare: Service,
    image: Image | None,
    entrypoint: CommandLike = None,
    command: CommandLike = None,
    workdir: Answer[str] | None = None,
) -> Service:
    """The service with what its image brings: environment, user, files and the command it does not replace itself."""
    own = bare.environment
    if image is None:
        made = replace(
            bare,
            workdir=workdir or bare_workdir(bare),
            backing=backing_of(bare.image),
            environment=replace(own, open=(*own.open, f"the image {bare.image}".strip())),
            user=bare.user if bare.user.name else User("", Unknown("the image decides")),
        )
        line = _line(entrypoint), _line(command)
        return replace(made, processes=started(*line, Scene(made.environment, tree)) if any(line) else ())
    covered = {mount.target for mount in bare.mounts}
    environment = Environment((*image.environment.settings, *own.settings), (*image.environment.open, *own.open))
    made = replace(
        bare,
        environment=environment,
        workdir=workdir or image.workdir,
        user=bare.user if bare.user.at else image.user,
        mounts=(*(volume for volume in image.volumes if volume.target not in covered), *bare.mounts),
        copies=(*image.copies, *bare.copies),
        context=image.context,
        dockerfile=image.path,
        base_image=image.base_image,
        packages=image.packages,
        backing=backing_of(image.base_image) if not image.packages else "",
        dev=bare.dev or image.dev,
    )
    scene = Scene(
        environment,
        tree,
        image.context,
        made.workdir,
        made.copies,
        image.files,
        {account.name: account.home for account in image.accounts},
        made.user.name,
    )
    # An entrypoint of the service's own also takes the image's command away.
    last = _line(command) or (None if entrypoint is not None else image.cmd)
    return replace(made, processes=started(_line(entrypoint) or image.entrypoint, last, scene))


def bare_workdir(bare: Service) -> Answer[str]:
    return Unknown("the image decides", bare.at)


def _line(command: CommandLike) -> CommandLine | None:
    return CommandLine.shell(command, command.whole) if isinstance(command, Passage) else command


def dockerfile_near(
    tree: Tree, images: Images, folder: str, name: str = "", context: str = "", target: str = ""
) -> Image | None:
    """The image of the Dockerfile `name` (or the one that lies there) below `folder`; None where there is none."""
    for candidate in [name] if name else ["Dockerfile", "dockerfile"]:
        path = join_path(folder, candidate.lstrip("/"))
        if tree.exists(path) and not tree.is_dir(path):
            return images.read(path, context=join_path(folder, context) if context else folder, target=target)
    return None


def function(
    platform: str, name: str, at: Location, server: str, target: str, *, mounts: Iterable[Mount] = (), **more: Any
) -> Service:
    """A function that the platform itself calls, on a read-only file system with a /tmp that nothing shares.

    Each instance serves one request after the other, and there are as many as there are requests at once.
    """
    fields: dict[str, Any] = {
        "replicas": Unknown("as many instances run as there are requests at once"),
        "user": _SANDBOX,
        "read_only_root": Known(True, at),
        "writable": ("/tmp",),
        "processes": (Process((target,), at, server, target, Known(1)),),
        **more,
    }
    return service(platform, name, at, mounts=mounts, **fields)


def found(services: Iterable[Service], gaps: Iterable[Gap] = ()) -> Found:
    """What one file says, with the Dockerfiles that its services use. A service that surely runs no Python is none."""
    every = tuple(s for s in services if s.dockerfile or s.image or not _is_foreign(s))
    return Found(every, tuple(gaps), frozenset(s.dockerfile for s in every if s.dockerfile))


def _is_foreign(made: Service) -> bool:
    names = [p.words[0].rpartition("/")[2] for p in made.processes if p.words]
    return bool(names) and all(name in _FOREIGN for name in names)
