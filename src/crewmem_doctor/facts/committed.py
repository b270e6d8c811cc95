"""Databases of records that lie in the tree itself, and so in every image that copies the tree."""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.gitignore import IgnoreFile, ignored

_NAMES = frozenset(("chroma.sqlite3", "long_term_memory_storage.db", "flow_states.db", "storage.sqlite"))
_SUFFIXES = (".db", ".sqlite", ".sqlite3", ".lance")


def committed_stores(tree: Tree) -> tuple[str, ...]:
    """LanceDB tables, Chroma's and SQLite's files that neither git nor Docker leaves out."""
    found = []
    for folder, (names, _) in tree.directories.items():
        for name in names:
            if name in _NAMES or name.endswith(_SUFFIXES):
                path = f"{folder}/{name}" if folder else name
                if tree.is_dir(path) == name.endswith(".lance") and tree.exists(path) and not _left_out(tree, path):
                    found.append(path)
    return tuple(sorted(found))


def _left_out(tree: Tree, path: str) -> bool:
    """Whether a .dockerignore above leaves it out, read as git would read it: that leaves out rather more."""
    parts = path.split("/")
    for base, file in _ignore_files(tree, parts):
        for depth in range(base.count("/") + 1, len(parts) + 1):
            if ignored((file,), parts[depth - 1], "/".join(parts[:depth]), depth < len(parts)):
                return True
    return False


def _ignore_files(tree: Tree, parts: list[str]) -> Iterator[tuple[str, IgnoreFile]]:
    for depth in range(len(parts)):
        base = "".join(part + "/" for part in parts[:depth])
        for name in tree.children(base):
            if name.endswith(".dockerignore"):
                text = tree.text(base + name)
                if text is not None:
                    yield base, IgnoreFile(text.replace("**/", ""), base)
