"""How a durable disk is mounted, in the words of each platform."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from crewmem_doctor.model.changes import Change, Refusal
from crewmem_doctor.model.changes.deployment import (
    VOLUME,
    MountVolume,
    OwnDirectory,
    ReplaceSetting,
    SetVariable,
)
from crewmem_doctor.model.deployment import Mount, Service
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Project, Run
from crewmem_doctor.placement import Placement, covering, is_temporary, place

STORAGE_DIR = "CREWAI_STORAGE_DIR"
MANY = ("The claim asks for ReadWriteMany, which most default storage classes do not give: name one that does (a network file "
        "system), or keep the records in a server.")
ONE = "A claim of one node makes each rollout a short stop (Recreate)."
HIDES = ("a volume over that directory would hide what else lies there; give the store a directory of its own, with an absolute "
         "path in the code or CREWAI_STORAGE_DIR")
MOVED = "The store begins empty: what is remembered now stays in the old place."
FRESH = "The volume begins empty: what is remembered now stays behind in the old container."
DECLARED = ("compose", "kubernetes", "fly", "render", "systemd")      # platforms whose files can say that a disk is mounted
HOSTS = ("systemd", "supervisord", "cron")      # a machine's own disk lasts
HOST_FOLDER = "/var/lib/crew-memory"
_FILE = re.compile(r"\.(?:db|sqlite3?|json|duckdb)$")
_SYSTEM = ("/", "/root", "/home", "/etc", "/usr", "/usr/local", "/var", "/var/lib", "/opt", "/srv", "/mnt", "/bin", "/lib")

_KUBERNETES = """containers:
  - {environment}volumeMounts: [{{name: crew-memory, mountPath: {target}}}]
volumes:
  - name: crew-memory
    persistentVolumeClaim: {{claimName: crew-memory}}"""


def caveat_of(service: Service) -> str:
    """What a person must know of a volume that is new."""
    if service.platform != "kubernetes":
        return MOVED if service.platform in HOSTS else FRESH
    many = isinstance(service.replicas, Known) and service.replicas.value > 1
    return f"{FRESH} {MANY if many else ONE}"


def disk(platform: str) -> str:
    """What a person mounts there."""
    return {"compose": "a named volume", "kubernetes": "a persistent volume claim", "fly": "a Fly volume",
            "render": "a Render disk"}.get(platform, "a durable disk")


def mounting(service: Service, target: str, *, storage_dir: bool = False, home: bool = False, beside: Service | None = None) -> str:
    """The change as it would be written: the disk over `target` and, where asked, CREWAI_STORAGE_DIR and HOME on it.
    `beside` is another service of the same compose file that gets the same."""
    names = [n for n, wanted in (("CREWAI_STORAGE_DIR", storage_dir), ("HOME", home)) if wanted]
    if service.platform == "kubernetes":
        listed = ", ".join(f"{{name: {n}, value: {target}}}" for n in names)
        return _KUBERNETES.format(environment=f"env: [{listed}]\n    " if names else "", target=target)
    if service.platform == "dockerfile":
        variable = "".join(f"-e {n}={target} " for n in names)
        return f"docker run {variable}-v crew-memory:{target} IMAGE"
    if service.platform == "fly":
        variable = "[env]\n" + "".join(f'  {n} = "{target}"\n' for n in names) if names else ""
        return f'{variable}[mounts]\n  source = "crew_memory"\n  destination = "{target}"'
    if service.platform == "render":
        variable = "envVars:\n" + "".join(f"  - {{key: {n}, value: {target}}}\n" for n in names) if names else ""
        return f"{variable}disk:\n  name: crew-memory\n  mountPath: {target}"
    if service.platform != "compose":
        return "\n".join(f"{n}={target}" for n in names)
    variable = "    environment:\n" + "".join(f"      {n}: {target}\n" for n in names) if names else ""
    services = "".join(f"  {one.name}:\n{variable}    volumes:\n      - crew-memory:{target}\n"
                       for one in ((beside, service) if beside is not None else (service,)))
    return f"services:\n{services}volumes:\n  crew-memory:"


def onto_volume(project: Project, service: Service, pairs: Iterable[tuple[Run, Placement]]) -> tuple[Change, ...]:
    """A durable volume under every place where these memories land. What nothing places gets a place: an absolute
    CREWAI_STORAGE_DIR on the volume, the one that another service keeps the same memory on where there is one. Empty
    where a mount would hide what else lies there, or a place is not known."""
    folders: dict[str, None] = {}
    loose: list[Memory] = []
    kept: dict[str, Mount] = {}
    for run, placement in pairs:
        if placement.set_at is None and run.memory.store.where is None:
            loose.append(run.memory)
        else:
            folder = _folder(placement)
            beside = _kept_beside(project, service, run.memory, folder)
            if beside is not None and not hides(service, beside.target):
                kept[beside.target] = beside
            elif not folder or hides(service, folder):
                return ()
            else:
                folders[folder] = None
    changes: list[Change] = [c for m in kept.values() for c in mounted(service, m.target, m.source, there=True)]
    if loose:
        twin = _twin(project, service, loose)
        if twin is not None:
            mount, home = twin
            changes += (SetVariable(service, STORAGE_DIR, home), *mounted(service, mount.target, mount.source, there=True))
        else:
            home = free_folder(service)
            changes += (SetVariable(service, STORAGE_DIR, home), *mounted(service, home))
    for number, folder in enumerate(folders, 2 if loose else 1):
        changes += mounted(service, folder, VOLUME if number == 1 else f"{VOLUME}-{number}")
    return tuple(changes)


def _twin(project: Project, service: Service, memories: list[Memory]) -> tuple[Mount, str] | None:
    """The volume, and the directory on it, with which another service of the deployment keeps one of them."""
    found = [keeper for memory in memories for keeper in _keepers(project).get((service.deployment, id(memory)), ())]
    return next(((mount, home) for other, mount, home in found if other != service.id and not hides(service, mount.target)), None)


@functools.lru_cache(maxsize=4)
def _keepers(project: Project) -> dict[tuple[str, int], list[tuple[str, Mount, str]]]:
    """By deployment and memory: the services that keep it on a volume, with the mount and the directory."""
    kept: dict[tuple[str, int], list[tuple[str, Mount, str]]] = {}
    for run in project.runs:
        there = place(run, project.release)
        mount, home = there.mount, _folder(there)
        if mount is None or not mount.durable or mount.kind not in ("named", "pvc") or mount.sub_path:
            continue
        if home:
            kept.setdefault((run.service.deployment, id(run.memory)), []).append((run.service.id, mount, home))
    return kept


def _kept_beside(project: Project, service: Service, memory: Memory, folder: str) -> Mount | None:
    """The volume over which another service of the deployment keeps the same memory at the same place."""
    for run in project.runs_of(memory):
        there = place(run, project.release)
        other, mount = run.service, there.mount
        beside = other.deployment == service.deployment and other.id != service.id and _folder(there) == folder
        if beside and mount is not None and mount.durable and mount.kind in ("named", "pvc") and not mount.sub_path:
            return mount
    return None


def mounted(service: Service, target: str, volume: str = VOLUME, *, there: bool = False) -> list[Change]:
    """A volume there, in a directory that the service's user owns. Kubernetes gives a claim to the pod's own group, Render
    a disk to the service's user."""
    if service.platform in ("supervisord", "cron", "dockerfile") and target != HOST_FOLDER:
        return []       # the machine's own disk, in a directory of the user; an image's disk is mounted where it is run
    owned = service.user.root or target in service.user.owns or service.platform in ("kubernetes", "render", *HOSTS)
    if service.platform == "fly" and not owned:
        return [Refusal(f"a Fly volume belongs to root, and {service.name} runs as {service.user.name}: start it as root, give "
                       f"{target} to that user in the entrypoint, and mount a volume there")]
    own: list[Change] = [] if owned else [OwnDirectory(service, target)]
    return [*own, MountVolume(service, target, volume, there=there)]


def relocated(at: Location, services: Iterable[Service]) -> tuple[Change, ...]:
    """Another value for CREWAI_STORAGE_DIR where it is set: on the volume that each of these services has, else on a new
    one in each."""
    services = list(services)
    volumes = [lasting(service) for service in services]
    homes = {m.target for m in volumes if m is not None} if None not in volumes else set()
    if len(homes) == 1:
        return (ReplaceSetting(at, STORAGE_DIR, f"{homes.pop().rstrip('/')}/crewai"),)
    home = free_folder(services[0])
    changes = [change for service in services for change in mounted(service, home)]
    return (ReplaceSetting(at, STORAGE_DIR, f"{home}/crewai"), *changes)


def free_folder(service: Service) -> str:
    """A directory of the container or machine that nothing else uses."""
    if service.platform in HOSTS:
        said = service.environment.lookup("HOME") or service.user.home
        home = said.value if isinstance(said, Known) and service.platform != "systemd" else "/"
        return HOST_FOLDER if home == "/" or is_temporary(home) else f"{home.rstrip('/')}/crew-memory"
    taken = [*(m.target for m in service.mounts), *(c.target for c in service.copies)]
    return next((f for f in ("/data", "/crew-memory") if not any(_meets(f, other) for other in taken)), "/crew-memory/data")


def lasting(service: Service) -> Mount | None:
    """A volume of the service that a store may be put on: named, durable, writable, and meant for data."""
    usable = [m for m in service.mounts if m.kind in ("named", "pvc", "disk", "claim-template") and m.durable and not m.read_only and m.source]
    return next((m for m in usable if re.search(r"(data|storage|store|memory|crew)/?$", m.target, re.IGNORECASE)), None)


def hides(service: Service, folder: str) -> bool:
    """Whether a mount over a directory would lie over the program, the system or another mount."""
    workdir = service.workdir.value if isinstance(service.workdir, Known) else ""
    home = service.user.home.value if isinstance(service.user.home, Known) else ""
    over = [workdir, home, *(c.target for c in service.copies), *(m.target for m in service.mounts)]
    inside = covering(service.mounts, folder)
    return folder in _SYSTEM or is_temporary(folder) or any(o and (o + "/").startswith(folder.rstrip("/") + "/") for o in over) or (
        inside is not None and inside.kind != "bind")


def common_home(paths: Iterable[str]) -> str:
    """The value of CREWAI_STORAGE_DIR under which all these records lie where they lie now; empty where there is none."""
    homes = {path.rpartition("/")[0] if _FILE.search(path) else path.removesuffix("/memory") for path in paths}
    return homes.pop() if len(homes) == 1 else ""


def _folder(placement: Placement) -> str:
    """The directory that a volume must cover; CrewAI's own folder name below it is left to CrewAI."""
    if not isinstance(placement.path, Known):
        return ""
    path = placement.path.value
    return path.rpartition("/")[0] if _FILE.search(path) else path.removesuffix("/memory")


def _meets(one: str, other: str) -> bool:
    one, other = one.rstrip("/") + "/", other.rstrip("/") + "/"
    return one.startswith(other) or other.startswith(one)
