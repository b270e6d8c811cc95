"""The files of one scan root, and the bytes of those that somebody asks for."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.decode import decode
from crewmem_doctor.sources.gitignore import IgnoreFile, ignored

SIZE_CAP = 4 * 1024 * 1024
# Files other than Python are read by several readers; so much of them is kept.
_KEEP_OTHERS = 4 * 1024 * 1024
_FIRST_READ = 64 * 1024
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class Tree:
    """The files of one scan root.

    `python` are the Python files that may matter, `hits` those of them whose bytes mention a needle, `files` all others
    that may hold a requirement, a setting or a deployment, by their names. Paths are POSIX, relative to `root`, sorted.
    `commented` are the Python files with a `crewmem:` in them. Files that git would ignore, virtual environments and
    copies of CrewAI itself are in none of them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.prefix = str(root).rstrip(os.sep) + os.sep
        self.python: tuple[str, ...] = ()
        self.hits: tuple[str, ...] = ()
        self.files: tuple[str, ...] = ()
        self.commented: tuple[str, ...] = ()
        self.directories: dict[str, tuple[frozenset[str], tuple[IgnoreFile, ...]]] = {}
        self.bodies: dict[str, bytes] = {}
        self.overlay: Mapping[str, bytes] = {}  # files that are read as if they held these bytes
        self.noted: dict[bytes, list[str]] = {}  # of words looked for when everything was read, the files with them
        self._gaps: dict[str, Gap] = {}
        self._opened: dict[str, None] = {}
        self._kept = 0

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read so far; later reads may add to it."""
        return tuple(sorted(self._gaps.values()))

    def read(self, path: str) -> bytes | None:
        """The bytes of a file of the walk. None where there is none, or (with a gap) where it cannot be had."""
        path = _clean(path)
        body = self.bodies.get(path)
        if body is not None:
            return body
        if path in self._gaps or not self.exists(path):
            return None
        body = self.load(path)
        if body is not None and not path.endswith(".py"):
            self._opened[path] = None
            self._kept += len(body)
            if self._kept <= _KEEP_OTHERS:
                self.bodies[path] = body
        return body

    @property
    def opened(self) -> list[str]:
        """The files other than Python that somebody has read so far, sorted."""
        return sorted(self._opened)

    def text(self, path: str) -> str | None:
        """The text of a file: no byte order mark, only `\\n` between lines, U+FFFD for bytes that cannot be decoded."""
        body = self.read(path)
        if body is None:
            return None
        return decode(body, python=path.endswith(".py"))

    def exists(self, path: str) -> bool:
        """Whether the walk saw a file or folder there. Ignored and pruned ones do not exist."""
        path = _clean(path)
        if not path:
            return True
        parent, _, name = path.rpartition("/")
        seen = self.directories.get(parent)
        if seen is None or name not in seen[0]:
            return False
        return path in self.directories or not ignored(seen[1], name, path, False)

    def is_dir(self, path: str) -> bool:
        return _clean(path) in self.directories

    def grep(self, needles: Iterable[bytes], among: Iterable[str] | None = None) -> list[str]:
        """The Python files (of `among` where given) whose bytes contain any needle, in the order of the tree."""
        wanted = tuple(needles)
        found = []
        if among is None:
            word = next((word for word in self.noted if all(word in needle for needle in wanted)), None)
            among = self.python if word is None else self.noted[word]
        for path in among:
            body = self._body(path)
            if body is None:
                continue
            for needle in wanted:
                if needle in body:
                    found.append(path)
                    break
        return found

    def mentions(self, words: Iterable[bytes], among: Iterable[str]) -> dict[bytes, list[str]]:
        """Of each word, the Python files of `among` that contain it, in their order. Each file is read once at most."""
        among = tuple(among)
        found: dict[bytes, list[str]] = {word: [] for word in words}
        for word in found.keys() & self.noted.keys():
            known = frozenset(self.noted[word])
            found[word] = [path for path in among if path in known]
        sought = [word for word in found if word not in self.noted]
        for path in among if sought else ():
            body = self._body(path)
            if body is not None:
                for word in sought:
                    if word in body:
                        found[word].append(path)
        return found

    def _body(self, path: str) -> bytes | None:
        body = self.bodies.get(path)
        return self.load(path) if body is None and path not in self._gaps else body

    def named(self, predicate: Callable[[str], bool]) -> list[str]:
        """The candidates whose last name, in lower case, fulfils `predicate`."""
        return [path for path in self.files if predicate(path.rpartition("/")[2].lower())]

    def match(self, *patterns: str) -> list[str]:
        """The candidates whose last name matches one of the shell patterns, whatever its case."""
        tests = [re.compile(fnmatch.translate(pattern.lower())).match for pattern in patterns]
        return self.named(lambda name: any(test(name) for test in tests))

    def children(self, path: str) -> list[str]:
        """The names in a folder of the walk, sorted; empty where there is none."""
        seen = self.directories.get(_clean(path))
        return sorted(seen[0]) if seen else []

    def load(self, path: str) -> bytes | None:
        if path in self.overlay:
            return self.overlay[path]
        try:
            try:
                handle = os.open(self.prefix + path, _FLAGS | _NO_FOLLOW)
            except OSError as problem:
                if problem.errno != errno.ELOOP:
                    raise
                target = self.inside(path)
                if target is None:
                    return None
                handle = os.open(target, _FLAGS)
            try:
                # Most files end within the first read, which then saves asking for their size.
                body = os.read(handle, _FIRST_READ)
                return body if len(body) < _FIRST_READ else self._rest(handle, path, body)
            finally:
                os.close(handle)
        except (OSError, ValueError) as problem:
            if not isinstance(problem, IsADirectoryError):
                self.miss(path, "unreadable", reason(problem))
            return None

    def _rest(self, handle: int, path: str, body: bytes) -> bytes | None:
        size = os.fstat(handle).st_size
        if size > SIZE_CAP:
            self.miss(path, "too-large", f"{size:,} bytes are over the limit of {SIZE_CAP:,}")
            return None
        parts = [body]
        while parts[-1] and len(parts) * _FIRST_READ <= SIZE_CAP + _FIRST_READ:
            parts.append(os.read(handle, _FIRST_READ))
        return b"".join(parts)

    def inside(self, path: str) -> str | None:
        """Where the link at `path` ends, if that is a file inside the root."""
        try:
            target = os.path.realpath(self.prefix + path, strict=True)
            inside = target.startswith(os.path.realpath(self.root).rstrip(os.sep) + os.sep)
        except (OSError, ValueError):
            return None
        return target if inside and os.path.isfile(target) else None

    def miss(self, path: str, kind: Literal["unreadable", "too-large"], why: str) -> None:
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        self._gaps.setdefault(path, Gap(shown, 1, kind, why))


def _clean(path: str) -> str:
    path = path.rstrip("/")
    while path.startswith("./"):
        path = path[2:]
    return "" if path == "." else path


def reason(problem: Exception) -> str:
    """The system's own words for a failed read, without the path."""
    return (problem.strerror if isinstance(problem, OSError) else "") or str(problem) or type(problem).__name__
