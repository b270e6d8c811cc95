"""One walk of a tree: which files can matter, and which of the Python files say so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from crewmem_doctor.errors import UsageError
from crewmem_doctor.sources._hits import SUPPRESSION, find_hits
from crewmem_doctor.sources._pruned import (
    ASIDE,
    is_aside_file,
    is_candidate,
    is_crewai,
    is_foreign,
    is_pruned_directory,
)
from crewmem_doctor.sources.decode import decode
from crewmem_doctor.sources.gitignore import IgnoreFile, ignored
from crewmem_doctor.sources.tree import Tree, reason

__all__ = ["SUPPRESSION", "Tree", "discover"]


def discover(root: Path, *, include_tests: bool = False, exclude: tuple[str, ...] = (),
             overlay: Mapping[str, bytes] | None = None) -> Tree:
    """Walk `root`, which may also be a single file, and read its Python files once.

    `exclude` holds patterns as in a .gitignore of the root. Unless `include_tests`, folders named tests, examples,
    docs, notebooks, fixtures, benchmarks and the like are left out at any depth below the root (never because of what
    the root itself is called or lies in), and so are test_*.py, *_test.py and conftest.py. Links are not followed into
    folders; a linked file counts where its target lies inside the root. `overlay` holds, by path, bytes that files of
    the tree are read as if they had.
    """
    only = ""
    if root.is_file():
        root, only = root.parent, root.name
    elif not root.is_dir():
        raise UsageError(f"{root} does not exist")
    tree = Tree(Path(os.path.abspath(root)))
    tree.overlay = overlay or {}
    first = IgnoreFile("\n".join(exclude))
    walk = _Walk(tree, include_tests, only)
    walk.run((first,) if first else ())
    tree.python = tuple(sorted(walk.python))
    tree.files = tuple(sorted(walk.files))
    find_hits(tree)
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
            with os.scandir(self.tree.prefix + path) as found:
                entries = list(found)
        except (OSError, ValueError) as problem:
            self.tree.miss(path or ".", "unreadable", reason(problem))
            return []
        names = frozenset([entry.name for entry in entries])
        if is_foreign(path.rpartition("/")[2], names) if path else is_crewai(self.tree.root.name, names):
            return []
        if ".gitignore" in names and not self.only:
            chain = self._with_ignore_file(base, chain)
        self.tree.directories[path] = (names, chain)
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
            self.tree.miss(path, "unreadable", "its name is not UTF-8")
        elif entry.is_file(follow_symlinks=False):
            into.append(path)
        elif into is self.files and entry.is_symlink() and self.tree.inside(path):
            into.append(path)       # a linked Python file is seen where it really lies

    def _with_ignore_file(self, base: str, chain: tuple[IgnoreFile, ...]) -> tuple[IgnoreFile, ...]:
        path = base + ".gitignore"
        if os.path.islink(self.tree.prefix + path):
            return chain                # git does not follow it either
        body = self.tree.load(path)
        file = IgnoreFile(decode(body), base) if body else None
        return (*chain, file) if file else chain


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
