"""The one pass over the bytes of all Python files: which of them say that they can matter."""

from __future__ import annotations

from collections.abc import Iterable

from crewmem_doctor.sources.tree import Tree

SUPPRESSION = b"crewmem:"
# Deployments that are described in Python say this; to look for it later would be to read everything again.
_MODAL = b"modal"
# What hands jobs to a queue may name a function of a module that it does not import.
_QUEUE = b"enqueue"
# A tree whose Python sources fit is read once and kept; of a larger one only the hits stay in memory. What is freed
# later is not given back to the system, so a tree of many files is not even begun to be kept.
_KEEP = 12 * 1024 * 1024
_KEEP_FILES = 2500
# Who imports a package in which CrewAI is used will be asked. So many names are looked for while everything is read.
_MOST_PACKAGES = 3


def find_hits(tree: Tree) -> None:
    """Read every Python file once, keep the bodies that can be afforded, and note who says what."""
    reading = _Reading(tree)
    if len(tree.python) <= _KEEP_FILES:
        reading.read(tree.python)
    else:
        # What is called after crews or agents has them, most likely, and so tells the packages to look for in the rest.
        early = [path for path in tree.python if "crew" in path or "agent" in path]
        reading.read(early)
        reading.packages = _packages(tree, reading.hits)
        called = set(early)
        reading.read([path for path in tree.python if path not in called])
        for word, paths in tree.mentions(reading.packages, early).items():
            tree.noted[word] = sorted([*paths, *reading.mentions[word]])
    reading.finish()


class _Reading:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.hits: list[str] = []
        self.others: list[str] = []
        self.commented: list[str] = []
        self.modal: list[str] = []
        self.queueing: list[str] = []
        self.size = 0 if len(tree.python) <= _KEEP_FILES else _KEEP + 1
        self.packages: tuple[bytes, ...] = ()
        self.mentions: dict[bytes, list[str]] = {}

    def read(self, paths: Iterable[str]) -> None:
        tree, bodies, packages = self.tree, self.tree.bodies, self.packages
        self.mentions = {word: [] for word in packages}
        for path in paths:
            body = tree.load(path)
            if body is None:
                continue
            # Two of the words begin alike, so most files are searched for three words instead of four.
            if b"crew" in body:
                hit = b"crewai" in body or b"mem0" in body or b"CREWAI_" in body
                if SUPPRESSION in body:
                    self.commented.append(path)
            else:
                hit = b"mem0" in body or b"CREWAI_" in body
            if _MODAL in body:
                self.modal.append(path)
            if _QUEUE in body:
                self.queueing.append(path)
            for word in packages:
                if word in body:
                    self.mentions[word].append(path)
            if hit:
                self.hits.append(path)
                bodies[path] = body
            elif self.size <= _KEEP:
                self.size += len(body)
                self.others.append(path)
                bodies[path] = body

    def finish(self) -> None:
        tree = self.tree
        if self.size > _KEEP:
            for path in self.others:
                del tree.bodies[path]
        tree.hits = tuple(sorted(self.hits))
        tree.noted[_MODAL] = sorted(self.modal)
        tree.noted[_QUEUE] = sorted(self.queueing)
        tree.commented = tuple(sorted(self.commented))


def _packages(tree: Tree, hits: Iterable[str]) -> tuple[bytes, ...]:
    """The names of the outermost packages around some files; none where they are many. What names one called after
    CrewAI is a hit itself."""
    found: set[str] = set()
    for path in hits:
        top, folder = "", path.rpartition("/")[0]
        while folder and tree.exists(f"{folder}/__init__.py"):
            top, folder = folder, folder.rpartition("/")[0]
        found.add(top.rpartition("/")[2])
    found = {name for name in found if name and "crewai" not in name and "mem0" not in name}
    return tuple(name.encode() for name in sorted(found)) if len(found) <= _MOST_PACKAGES else ()
