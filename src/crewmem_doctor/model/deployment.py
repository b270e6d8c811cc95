"""What the deployment files say: services, their processes, their environment and their disks."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass

MountKind = Literal[
    "named",
    "bind",
    "anonymous",
    "tmpfs",
    "emptydir",
    "pvc",
    "hostpath",
    "claim-template",
    "disk",
    "configmap",
    "secret",
    "nfs",
    "temporary",
    "unknown",
]
# request < worker < restart < redeploy < replica < node: what can happen to a service.
Event = Literal["request", "worker", "restart", "redeploy", "replica", "node"]
EVENTS: tuple[Event, ...] = ("request", "worker", "restart", "redeploy", "replica", "node")


@dataclass(frozen=True, slots=True)
class Mount:
    """Something mounted over a directory of the container.

    `source` is the volume's name or the host path (for a bind: relative to the scan root where it lies inside it).
    `shared` says that all replicas see one content. `network` names a network file system where one is known ("nfs").
    `unsure` says why it is not known whether replicas share it; `shared` is then False.
    """

    target: str
    kind: MountKind
    at: Location
    source: str = ""
    durable: bool = True
    shared: bool = False
    read_only: bool = False
    network: str = ""
    sub_path: str = ""
    local: bool = False  # a disk of the machine itself, which stays behind when the workload moves (a Fly volume)
    unsure: str = ""
    optional: str = ""  # why it is not known whether anything is mounted there at all


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable of a service. Unknown where it is interpolated from outside or comes from a secret."""

    name: str
    value: Answer[str]
    at: Location
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of a service, the last setting of a name wins.

    `open` lists why more may be set that the tree does not show: a missing env_file, a platform's dashboard, envFrom.
    """

    settings: tuple[Setting, ...] = ()
    open: tuple[str, ...] = ()

    def get(self, name: str) -> Setting | None:
        return next((s for s in reversed(self.settings) if s.name == name), None)

    def lookup(self, name: str) -> Answer[str] | None:
        """None only where the variable is certainly not set."""
        setting = self.get(name)
        if setting is not None:
            return setting.value
        return Unknown(f"{name} may be set by {self.open[0]}") if self.open else None


@dataclass(frozen=True, slots=True)
class Process:
    """One command that a service runs.

    `server` is "gunicorn", "uvicorn", "hypercorn", "granian", "uwsgi", "celery", "rq", "flask", "django", "streamlit",
    "gradio", "chainlit", "python", "crewai", … or "unknown". `target` is what it loads: "app.main:app", "app.tasks",
    "main.py", "manage.py". `workers` counts processes that run application code, with the place that sets it.
    """

    words: tuple[str, ...]
    at: Location
    server: str = "unknown"
    target: str = ""
    workers: Answer[int] = field(default_factory=lambda: Known(1))
    workers_at: Location | None = None
    directory: str = ""  # --chdir, --app-dir, `cd X &&`
    preload: Known[bool] | None = None  # the application is loaded before the fork
    forks: bool = False  # workers are forked from a process that may have loaded the application
    reload: bool = False
    max_requests: Answer[int] | None = None  # a worker is replaced after so many requests or tasks
    environment: tuple[Setting, ...] = ()  # VAR=value before the command, --env
    config: tuple[str, ...] = ()  # gunicorn.conf.py and scripts that were read, by path


@dataclass(frozen=True, slots=True)
class Copied:
    """A COPY, ADD or bind mount that puts part of the tree into the container: `source` relative to the scan root."""

    source: str
    target: str
    at: Location


@dataclass(frozen=True, slots=True)
class User:
    """The user a container runs as. `home` is Unknown where the image's passwd decides."""

    name: str
    home: Answer[str]
    at: Location | None = None
    root: bool = True
    home_exists: Answer[bool] = field(default_factory=lambda: Known(True))
    owns: tuple[str, ...] = ()  # directories chowned to, or created by, that user


@dataclass(frozen=True, slots=True)
class Service:
    """A deployed unit. `at` is its name's key; `id` is "compose:api", "k8s:prod/api", "dockerfile:Dockerfile".

    `orchestrated` is True where something may move it to another machine. `replicas_at` is the setting itself.
    `backing` names the server it is when it is one ("redis", "postgres", "qdrant", …) and empty for application code.
    `image` is the registry image where nothing is built here. `dev` marks development-only files and targets.
    """

    id: str
    name: str
    platform: str
    at: Location
    processes: tuple[Process, ...] = ()
    environment: Environment = field(default_factory=Environment)
    workdir: Answer[str] = field(default_factory=lambda: Known("/"))
    user: User = field(default_factory=lambda: User("root", Known("/root")))
    mounts: tuple[Mount, ...] = ()
    replicas: Answer[int] = field(default_factory=lambda: Known(1))
    replicas_at: Location | None = None
    replicas_most: bool = False  # a maximum; how many run, the load decides
    copies: tuple[Copied, ...] = ()
    context: str = ""  # directory of the tree the image is built from
    image: str = ""
    backing: str = ""
    configured: tuple[Setting, ...] = ()  # what a backing server's command line and mounted configuration set
    dockerfile: str = ""  # path of the Dockerfile it is built from
    base_image: str = ""
    packages: tuple[str, ...] = ()  # `pip install` words of the image
    read_only_root: Known[bool] | None = None
    dev: bool = False
    orchestrated: bool = False
    restart_keeps_layer: bool = True  # a restart in place keeps the container's layer (Docker yes, Kubernetes no)
    durable_disk: bool = True  # False where the platform offers none, or offers one that this service does not take
    ephemeral_because: str = ""  # what the platform says of the file system that it gives to this service
    guessed: bool = False  # that the image is the one of the tree's only Dockerfile is likely, not certain
    writable: tuple[str, ...] = ()  # directories that a read-only root leaves writable, e.g. Lambda's /tmp
    hidden_mounts: str = ""  # why disks may be mounted that the tree cannot show
    profiles: tuple[str, ...] = ()
    deployment: str = ""  # groups the services that are deployed together: the compose project's main file
    rollout: str = ""  # how Kubernetes replaces pods: "Recreate", "RollingUpdate", "OnDelete"
    grace: Answer[int] | None = None  # seconds between SIGTERM and SIGKILL, where something sets them
