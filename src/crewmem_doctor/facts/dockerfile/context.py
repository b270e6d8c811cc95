"""Which folder of the tree a Dockerfile is built from, where no deployment says so."""

from __future__ import annotations

import fnmatch

from crewmem_doctor.facts.dockerfile.copies import sources_of
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.dockerfile import Dockerfile


def build_context(tree: Tree, file: Dockerfile) -> str:
    """The nearest folder, from the Dockerfile's own upwards, under which most of the COPY sources exist."""
    sources = [s for i in file.instructions if i.name in ("COPY", "ADD") for s in sources_of(i)]
    folder = file.path.rpartition("/")[0]
    best, best_score = folder, -1.0
    while True:
        score = float(sum(_exists(tree, folder, source) for source in sources))
        if any(not s.strip("./") for s in sources) and _has_code(tree, folder):
            score += 0.5
        if score > best_score:
            best, best_score = folder, score
        if not folder:
            return best
        folder = folder.rpartition("/")[0]


def _exists(tree: Tree, folder: str, source: str) -> bool:
    path = join_path(folder, source.lstrip("/"))
    if not source.strip("./"):
        return False  # "." exists anywhere and tells nothing
    if any(c in path for c in "*?["):
        parent, _, last = path.rpartition("/")
        return any(fnmatch.fnmatchcase(name, last) for name in tree.children(parent))
    return not path.startswith("..") and tree.exists(path)


def _has_code(tree: Tree, folder: str) -> bool:
    """Whether the folder holds anything worth a copy, be it of another language."""
    prefix = folder + "/" if folder else ""
    return any(path.startswith(prefix) for path in tree.python) or any(
        name in ("package.json", "src", "go.mod", "Cargo.toml", "pom.xml", "index.html")
        for name in tree.children(folder)
    )
