"""Whether the user of a service can write where a memory lands, and where CrewAI itself writes when it is imported."""

from __future__ import annotations

from crewmem_doctor.model.deployment import User
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Confidence, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Run
from crewmem_doctor.model.release import Release
from crewmem_doctor.placement import Placement, covering, is_temporary
from crewmem_doctor.releases.paths import import_needs_home

Blocked = tuple[str, Location | None, Confidence]
CREDENTIALS = ".local/share/crewai"     # below HOME, whatever XDG_DATA_HOME and CREWAI_STORAGE_DIR say


def unwritable(run: Run, placement: Placement, release: Release) -> Blocked | None:
    """Why nothing can be written there, what says so and how sure that is; None where that is not known."""
    return store_blocked(run, placement) or (import_blocked(run, release) if placement.kind == "path" else None)


def import_blocked(run: Run, release: Release) -> Blocked | None:
    """Why `import crewai` itself fails: recent releases make a directory below HOME at import. Never sure, because an
    image may bring that directory."""
    service, home = run.service, run.around.home
    if isinstance(home, Unknown) or home.confidence != "high" or not release.always(import_needs_home):
        return None
    folder = join_path(home.value, CREDENTIALS)
    mount = covering(service.mounts, folder)
    if mount is not None:
        why = f"HOME is on {mount.target}, which is mounted read-only"
        return (why, mount.at, "medium") if mount.read_only else None
    if any("$" in other.target for other in service.mounts):
        return None
    if service.read_only_root is not None and service.read_only_root.value:
        kept = any(_inside(folder, other) for other in service.writable)
        why = f"HOME is {home.value}, which is on the read-only root file system"
        return None if kept else (why, service.read_only_root.at, "medium")
    blocked = None if _owner_of(service.user, folder) else _homeless(service.user, home)
    return (blocked[0], blocked[1], "medium") if blocked else None


def _homeless(user: User, home: Known[str]) -> Blocked | None:
    """A home that is not there, or `/`, which Docker gives a number that no account has."""
    if user.root or home != user.home:
        return None
    if isinstance(user.home_exists, Known) and not user.home_exists.value:
        return f"user {user.name} has no home directory: {home.value} does not exist", user.at, "high"
    if home.value == "/" and home.confidence == "high":
        return f"user {user.name} has no home directory: HOME is /, which belongs to root", user.at, "high"
    return None


def store_blocked(run: Run, placement: Placement) -> Blocked | None:
    """Why the store itself cannot be written, whatever becomes of the import."""
    if placement.kind != "path" or placement.maybe:
        return None
    service, user, mount, path = run.service, run.service.user, placement.mount, placement.path
    if mount is not None and mount.read_only:
        return f"{mount.target} is mounted read-only", mount.at, "high"
    if mount is None and service.read_only_root is not None and service.read_only_root.value:
        if any(isinstance(path, Unknown) or _inside(path.value, folder) for folder in service.writable):
            return None
        return "the root file system is read-only and no mount covers it", service.read_only_root.at, "high"
    if user.root or isinstance(path, Unknown) or is_temporary(path.value):
        return None
    home = user.home.value if isinstance(user.home, Known) else ""
    owner = _owner_of(user, path.value)
    if mount is not None and mount.kind in ("named", "anonymous"):
        # A mount point that the image lacks is made by root, also where it lies inside a home.
        made = owner and (owner != home or any(_inside(owned, mount.target.rstrip("/")) for owned in user.owns))
        return None if made else (
            f"user {user.name} does not own {mount.target}, and a new volume there belongs to root", mount.at, "medium")
    if owner or mount is not None:
        return None
    if _inside(path.value, home):
        return _homeless(user, user.home) if isinstance(user.home, Known) else None
    if home == "/" and isinstance(user.home, Known) and _inside(path.value, "/.local"):
        return _homeless(user, user.home)
    if user.at is not None and not isinstance(user.home, Unknown):
        return f"user {user.name} does not own a directory above {path.value}", user.at, "medium"
    return None


def _owner_of(user: User, path: str) -> str:
    """The innermost directory above `path` that the user may write, empty where there is none."""
    return max((owned for owned in user.owns if _inside(path, owned)), key=len, default="")


def _inside(path: str, folder: str) -> bool:
    return folder not in ("", "/") and (path == folder or path.startswith(folder.rstrip("/") + "/"))
