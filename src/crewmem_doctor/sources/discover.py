"""One walk of a tree: which files can matter, and the bytes of those that do."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from crewmem_doctor.errors import UsageError
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources._pruned import (
    ASIDE,
    is_aside_file,
    is_candidate,
    is_crewai,
    is_foreign,
    is_pruned_directory,
)
from crewmem_doctor.sources.gitignore import IgnoreFile, ignored

SIZE_CAP = 4 * 1024 * 1024
SUPPRESSION = b"crewmem:"
# A tree whose Python sources fit is read once and kept; of a larger one only the hits stay in memory.
_KEEP = 12 * 1024 * 1024
# Other files are read by several readers; so much of them is kept.
_KEEP_OTHERS = 4 * 1024 * 1024
_FIRST_READ = 64 * 1024
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_COOKIE = re.compile(rb"\A(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")


class Tree:
    """The files of one scan root.

    `python` are the Python files that may matter, `hits` those of them whose bytes mention a needle, `files` all others
    that may hold a requirement, a setting or a deployment, by their names. Paths are POSIX, relative to `root`, sorted.
    `commented` are the Python files with a `crewmem:` in them. Files that git would ignore, virtual environments and
    copies of CrewAI itself are in none of them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._prefix = str(root).rstrip(os.sep) + os.sep
        self.python: tuple[str, ...] = ()
        self.hits: tuple[str, ...] = ()
        self.files: tuple[str, ...] = ()
        self.commented: tuple[str, ...] = ()
        self._directories: dict[str, tuple[frozenset[str], tuple[IgnoreFile, ...]]] = {}
        self._bodies: dict[str, bytes] = {}
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
        body = self._bodies.get(path)
        if body is not None:
            return body
        if path in self._gaps or not self.exists(path):
            return None
        body = self._load(path)
        if body is not None and not path.endswith(".py"):
            self._opened[path] = None
            self._kept += len(body)
            if self._kept <= _KEEP_OTHERS:
                self._bodies[path] = body
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
        seen = self._directories.get(parent)
        if seen is None or name not in seen[0]:
            return False
        return path in self._directories or not ignored(seen[1], name, path, False)

    def is_dir(self, path: str) -> bool:
        return _clean(path) in self._directories

    def grep(self, needles: Iterable[bytes], among: Iterable[str] | None = None) -> list[str]:
        """The Python files (of `among` where given) whose bytes contain any needle, in the order of the tree."""
        wanted = tuple(needles)
        found = []
        for path in self.python if among is None else among:
            body = self._bodies.get(path)
            if body is None:
                body = None if path in self._gaps else self._load(path)
            if body is not None and any(needle in body for needle in wanted):
                found.append(path)
        return found

    def named(self, predicate: Callable[[str], bool]) -> list[str]:
        """The candidates whose last name, in lower case, fulfils `predicate`."""
        return [path for path in self.files if predicate(path.rpartition("/")[2].lower())]

    def match(self, *patterns: str) -> list[str]:
        """The candidates whose last name matches one of the shell patterns, whatever its case."""
        tests = [re.compile(fnmatch.translate(pattern.lower())).match for pattern in patterns]
        return self.named(lambda name: any(test(name) for test in tests))

    def children(self, path: str) -> list[str]:
        """The names in a folder of the walk, sorted; empty where there is none."""
        seen = self._directories.get(_clean(path))
        return sorted(seen[0]) if seen else []

    def _load(self, path: str) -> bytes | None:
        try:
            try:
                handle = os.open(self._prefix + path, _FLAGS | _NO_FOLLOW)
            except OSError as problem:
                if problem.errno != errno.ELOOP:
                    raise
                target = self._inside(path)
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
                self._miss(path, "unreadable", _reason(problem))
            return None

    def _rest(self, handle: int, path: str, body: bytes) -> bytes | None:
        size = os.fstat(handle).st_size
        if size > SIZE_CAP:
            self._miss(path, "too-large", f"{size:,} bytes are over the limit of {SIZE_CAP:,}")
            return None
        parts = [body]
        while parts[-1] and len(parts) * _FIRST_READ <= SIZE_CAP + _FIRST_READ:
            parts.append(os.read(handle, _FIRST_READ))
        return b"".join(parts)

    def _inside(self, path: str) -> str | None:
        """Where the link at `path` ends, if that is a file inside the root."""
        try:
            target = os.path.realpath(self._prefix + path, strict=True)
            inside = target.startswith(os.path.realpath(self.root).rstrip(os.sep) + os.sep)
        except (OSError, ValueError):
            return None
        return target if inside and os.path.isfile(target) else None

    def _miss(self, path: str, kind: Literal["unreadable", "too-large"], why: str) -> None:
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        self._gaps.setdefault(path, Gap(shown, 1, kind, why))


def discover(root: Path, *, include_tests: bool = False, exclude: tuple[str, ...] = ()) -> Tree:
    """Walk `root`, which may also be a single file, and read its Python files once.

    `exclude` holds patterns as in a .gitignore of the root. Unless `include_tests`, folders named tests, examples,
    docs, notebooks, fixtures, benchmarks and the like are left out at any depth below the root (never because of what
    the root itself is called or lies in), and so are test_*.py, *_test.py and conftest.py. Links are not followed into
    folders; a linked file counts where its target lies inside the root.
    """
    only = ""
    if root.is_file():
        root, only = root.parent, root.name
    elif not root.is_dir():
        raise UsageError(f"{root} does not exist")
    tree = Tree(Path(os.path.abspath(root)))
    first = IgnoreFile("\n".join(exclude))
    walk = _Walk(tree, include_tests, only)
    walk.run((first,) if first else ())
    tree.python = tuple(sorted(walk.python))
    tree.files = tuple(sorted(walk.files))
    _find_hits(tree)
    return tree


class _Walk:
    def __init__(self, tree: Tree, include_tests: bool, only: str) -> None:
        self.tree = tree
        self.include_tests = include_tests
        self.only = only
        self.python: list[str] = []
        self.files: list[str] = []

    def run(self, chain: tuple[IgnoreFile, ...]) -> None:
        stack = [("", chain)]
        while stack:
            base, chain = stack.pop()
            stack.extend(self._folder(base, chain))

    def _folder(self, base: str, chain: tuple[IgnoreFile, ...]) -> list[tuple[str, tuple[IgnoreFile, ...]]]:
        """Sort the entries of one folder (`base` is "" or ends in a slash); the folders to open next come back."""
        path = base[:-1]
        try:
            with os.scandir(self.tree._prefix + path) as found:
                entries = list(found)
        except (OSError, ValueError) as problem:
            self.tree._miss(path or ".", "unreadable", _reason(problem))
            return []
        names = frozenset([entry.name for entry in entries])
        if is_foreign(path.rpartition("/")[2], names) if path else is_crewai(self.tree.root.name, names):
            return []
        if ".gitignore" in names and not self.only:
            chain = self._with_ignore_file(base, chain)
        self.tree._directories[path] = (names, chain)
        below = []
        for entry in entries:
            name = entry.name
            if self.only and name != self.only:
                continue
            if entry.is_dir(follow_symlinks=False):
                if self._opens(name, names) and not (chain and ignored(chain, name, base + name, True)):
                    below.append((base + name + "/", chain))
            elif name.endswith(".py"):
                if self.include_tests or self.only or not is_aside_file(name):
                    self._take(entry, base, chain, self.python)
            elif is_candidate(name):
                self._take(entry, base, chain, self.files)
        return below

    def _opens(self, name: str, siblings: frozenset[str]) -> bool:
        if not self.include_tests and name.lower() in ASIDE:
            return False
        return not is_pruned_directory(name, siblings)

    def _take(self, entry: os.DirEntry[str], base: str, chain: tuple[IgnoreFile, ...], into: list[str]) -> None:
        path = base + entry.name
        if chain and ignored(chain, entry.name, path, False):
            return
        if not path.isascii() and not _is_utf8(path):
            self.tree._miss(path, "unreadable", "its name is not UTF-8")
        elif entry.is_file(follow_symlinks=False):
            into.append(path)
        elif into is self.files and entry.is_symlink() and self.tree._inside(path):
            into.append(path)       # a linked Python file is seen where it really lies

    def _with_ignore_file(self, base: str, chain: tuple[IgnoreFile, ...]) -> tuple[IgnoreFile, ...]:
        path = base + ".gitignore"
        if os.path.islink(self.tree._prefix + path):
            return chain                # git does not follow it either
        body = self.tree._load(path)
        file = IgnoreFile(decode(body), base) if body else None
        return (*chain, file) if file else chain


def _find_hits(tree: Tree) -> None:
    """Read every Python file once and keep the bodies that can be afforded."""
    hits, others, commented = [], [], []
    size = 0
    bodies = tree._bodies
    load = tree._load
    for path in tree.python:
        body = load(path)
        if body is None:
            continue
        # Two of the words begin alike, so most files are searched for three words instead of four.
        if b"crew" in body:
            hit = b"crewai" in body or b"mem0" in body or b"CREWAI_" in body
            if SUPPRESSION in body:
                commented.append(path)
        else:
            hit = b"mem0" in body or b"CREWAI_" in body
        if hit:
            hits.append(path)
            bodies[path] = body
        elif size <= _KEEP:
            size += len(body)
            others.append(path)
            bodies[path] = body
    if size > _KEEP:
        for path in others:
            del bodies[path]
    tree.hits = tuple(hits)
    tree.commented = tuple(commented)


def decode(body: bytes, *, python: bool = False) -> str:
    """Text of any bytes. A byte order mark, or in Python a coding comment, says how; UTF-8 otherwise."""
    encoding = "utf-8"
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
    elif body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif python and (cookie := _COOKIE.match(body)):
        encoding = cookie[1].decode("ascii", "replace")
    try:
        text = body.decode(encoding, "replace")
    except (LookupError, UnicodeError, ValueError):
        text = body.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _clean(path: str) -> str:
    path = path.rstrip("/")
    while path.startswith("./"):
        path = path[2:]
    return "" if path == "." else path


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _reason(problem: Exception) -> str:
    return (problem.strerror if isinstance(problem, OSError) else "") or str(problem) or type(problem).__name__
