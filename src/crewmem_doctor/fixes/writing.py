"""Changed files to disk: each one whole or not at all, and never over work that git does not have yet."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from crewmem_doctor.errors import UsageError

Files = Mapping[str, tuple[bytes, bytes]]       # path → bytes as they were read, and as they shall be


def uncommitted(root: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Those of the files with changes, or not known to git at all, in the checkout that the root lies in. Empty outside
    of one. Raises UsageError where git cannot say."""
    root = root.resolve()
    wanted = sorted(paths)
    if not wanted or not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return ()
    # What a checkout's own configuration would run is not wanted here.
    command = ["git", "-c", "core.fsmonitor=false", "--no-optional-locks", "--literal-pathspecs", "status",
               "--porcelain", "-z", "--untracked-files=all", "--ignored=matching", "--no-renames", "--", *wanted]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        why = "git does not say whether the files have uncommitted changes; --force writes all the same"
        raise UsageError(why) from None
    top = next(folder for folder in (root, *root.parents) if (folder / ".git").exists())
    below = root.relative_to(top).as_posix()
    prefix = "" if below == "." else below + "/"
    entries = [entry[3:].decode("utf-8", "surrogateescape") for entry in done.stdout.split(b"\0") if entry]
    changed = {entry.removeprefix(prefix) for entry in entries}
    return tuple(path for path in wanted if path in changed)


def save(root: Path, files: Files) -> None:
    """Write every file. Raises UsageError where one has changed since it was read, before any is written, and where one
    cannot be written; those before it are then written."""
    targets = {path: Path(os.path.realpath(root / path)) for path in files}
    for path, target in targets.items():
        try:
            same = target.read_bytes() == files[path][0]
        except OSError as error:
            raise UsageError(f"{path} could not be read again: {error.strerror}") from None
        if not same:
            raise UsageError(f"{path} has changed meanwhile; run it again")
    for path, target in targets.items():
        try:
            replace(target, files[path][1])
        except OSError as error:
            raise UsageError(f"{path} could not be written: {error.strerror}") from None


def replace(target: Path, body: bytes) -> None:
    """A new file in the same folder takes the old one's name, mode and owner. The old one stays until then."""
    old = target.stat()
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, name)
        if hasattr(os, "chown") and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
            try:
                os.chown(name, old.st_uid, old.st_gid)
                os.chmod(name, stat.S_IMODE(old.st_mode))
            except OSError:
                pass        # only the superuser can give files away
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _settled(target.parent)


def _settled(folder: Path) -> None:
    """The new name, too, reaches the disk, where the system can do that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
