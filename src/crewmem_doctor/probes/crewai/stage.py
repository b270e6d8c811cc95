"""Where the children of the probe run: the place as it stands, or a service's own directories rebuilt below a scratch
folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crewmem_doctor.model.known import Known
from crewmem_doctor.model.project import Run
from crewmem_doctor.probes.crewai.subject import Subject
from crewmem_doctor.probes.session import Session

_ANYWAY = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")
_PLACES = ("CREWAI_STORAGE_DIR", "XDG_DATA_HOME")
NOBODY = 65534


@dataclass
class Stage:
    """`root` is the scratch folder, whose name begins with the run's own; the service's file system is its `fs`.
    `notes` say what was put in place of what is not known. `uid` is what the children become, 0 for whoever runs the
    probe. `open` says that what the service cannot write should be sealed, and is not for the root who runs the probe.
    """

    root: Path
    cwd: Path
    environ: dict[str, str]
    given: str = ""
    mirrors: str = ""
    uid: int = 0
    open: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def lock(self) -> str:
        """What each child holds as long as it lives."""
        return str(self.root / "lock")

    def job(self, session: Session) -> dict[str, Any]:
        """What every job of a child on this stage holds."""
        return {"nonce": session.namespace, "namespace": session.namespace, "path": self.given, "lock": self.lock,
                "uid": self.uid}

    def signal(self, name: str) -> Path:
        """The file that tells a waiting child to go on."""
        return self.root / f"go-{name}"

    def folder(self, name: str) -> str:
        """An empty folder beside what is mirrored."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        if self.uid:
            os.chown(path, self.uid, self.uid)
        return str(path)

    def here(self, path: str) -> str:
        """A path of the stage as the service has it."""
        start = f"{self.root}/fs/"
        return path.replace(start, "/") if self.mirrors else path


def build(session: Session, subject: Subject, parts: Iterable[str]) -> Stage:
    """The stage, made on the disk. `undo` must know its root before: see `scratch`. `parts` are the folders that the
    interpreter reads."""
    root = scratch(session)
    (root / "fs").mkdir(mode=0o755, parents=True)
    if subject.run is None:
        stage = Stage(root, session.root.resolve(), dict(session.environ), subject.given)
    else:
        stage = _mirror(root, subject.run, subject.given, session.environ)
        if stage.uid and not all(_reachable(part) for part in (*parts, str(root / "fs")) if part):
            stage.uid, stage.open = 0, True
    Path(stage.lock).touch()
    return stage


def _reachable(path: str) -> bool:
    """Whether users that own nothing can get there."""
    places = [Path(path), Path(os.path.realpath(path))]
    return all(parent.stat().st_mode & 0o001 for place in places for parent in place.parents)


def scratch(session: Session) -> Path:
    return Path(tempfile.gettempdir()) / f"{session.namespace}_stage"


def _mirror(root: Path, run: Run, given: str, environ: Mapping[str, str]) -> Stage:
    service, around = run.service, run.around
    notes: list[str] = []

    def inside(path: str) -> str:
        return f"{root}/fs{path}" if path.startswith("/") else path

    cwd, home = "/app", "/home/app"
    if isinstance(around.cwd, Known) and around.cwd.value.startswith("/") and "$" not in around.cwd.value:
        cwd = around.cwd.value
    else:
        notes.append("its working directory is not known, so /app stands in")
    if isinstance(around.home, Known) and around.home.value.startswith("/"):
        home = around.home.value
    else:
        notes.append(f"its home is not known, so {home} stands in")
    kept = {name: environ[name] for name in _ANYWAY if name in environ}
    variables = {**kept, "HOME": inside(home), "TMPDIR": inside("/tmp")}
    for name in _PLACES:
        answer = around.variable(name)
        if isinstance(answer, Known) and answer.value:
            variables[name] = inside(answer.value)
        elif answer is not None:
            notes.append(f"{name} is set outside this tree, so nothing stands in for it")
    stage = Stage(root, Path(inside(cwd)), variables, inside(given) if given else "", service.id, notes=notes)
    _furnish(stage, run, cwd, home)
    return stage


def _furnish(stage: Stage, run: Run, cwd: str, home: str) -> None:
    """The service's folders, with what its user certainly cannot write sealed."""
    service, root = run.service, stage.root
    homeless = not service.user.root and (home == "/" or service.user.home_exists == Known(False))
    mounts = [mount for mount in service.mounts if "$" not in mount.target]
    open_folders = ["/tmp", *service.writable, *(mount.target for mount in mounts if not mount.read_only)]
    sealed = [mount.target for mount in mounts if mount.read_only]
    read_only = service.read_only_root is not None and service.read_only_root.value
    for folder in (cwd, *open_folders, *sealed, *([] if homeless else [home])):
        _inside(root, folder).mkdir(parents=True, exist_ok=True)
    if not (read_only or homeless or sealed):
        return
    # Root may write anything, so a root that runs the probe becomes somebody else for the children.
    stage.uid = NOBODY if hasattr(os, "geteuid") and os.geteuid() == 0 else 0
    closed = ["/", *sealed] if read_only else sealed
    missing = (home if home == "/" else str(Path(home).parent)) if homeless else ""
    _seal(stage, closed, open_folders, missing)


def _inside(root: Path, path: str) -> Path:
    return root / "fs" / path.strip("/")


def _seal(stage: Stage, closed: Iterable[str], opened: Iterable[str], homeless: str) -> None:
    """The innermost of what is closed and what is open decides; `homeless` is where no home can be made."""
    shut = [str(_inside(stage.root, path)) for path in closed]
    free = [str(_inside(stage.root, path)) for path in opened]
    for folder, _, _ in os.walk(stage.root / "fs", topdown=False):
        alone = homeless and folder == str(_inside(stage.root, homeless))
        if alone or _depth(folder, shut) > _depth(folder, free):
            os.chmod(folder, 0o555)
        elif stage.uid:
            shutil.chown(folder, stage.uid, stage.uid)


def _depth(folder: str, above: Iterable[str]) -> int:
    """How deep the innermost of `above` lies that holds the folder; -1 where none does."""
    return max((len(one) for one in above if folder == one or folder.startswith(f"{one}/")), default=-1)
