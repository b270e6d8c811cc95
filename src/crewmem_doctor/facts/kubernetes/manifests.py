"""The manifest files of a tree, each read once, and the sets that plain ones form."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from crewmem_doctor.facts.kubernetes.pods import is_development
from crewmem_doctor.facts.kubernetes.things import Bundle, Hole, Thing, things_of
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.yaml import Node, load

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
CHARTS = ("chart.yaml", "chart.yml")
# Folders of these names hold alternatives of one deployment, not parts of it.
_STAGES = frozenset(
    (
        "dev",
        "develop",
        "development",
        "staging",
        "stage",
        "stg",
        "prod",
        "prd",
        "production",
        "live",
        "qa",
        "uat",
        "test",
        "testing",
        "local",
        "preview",
        "preprod",
        "sandbox",
        "demo",
        "minikube",
        "kind",
        "canary",
        "blue",
        "green",
    )
)


class Manifests:
    """Reads manifests. `gaps` collects what could not be read of files that evidently are some."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.gaps: list[Gap] = []
        self._things: dict[str, list[Thing]] = {}
        self._documents: dict[str, list[Node]] = {}

    def candidates(self) -> Iterator[str]:
        """The YAML files whose bytes say that they may hold objects."""
        for path in self.tree.files:
            if path.endswith((".yaml", ".yml")):
                body = self.tree.read(path)
                if body is not None and b"kind" in body and b"apiVersion" in body:
                    yield path

    def named(self, names: Iterable[str]) -> list[str]:
        wanted = tuple(names)
        return [path for path in self.tree.files if path.rpartition("/")[2].lower() in wanted]

    def documents(self, path: str) -> list[Node]:
        """The documents of a file; none where there is no such file."""
        if path not in self._documents:
            text = self.tree.text(path) if self.tree.exists(path) and not self.tree.is_dir(path) else None
            self._documents[path], gaps = load(text, path) if text is not None else ([], [])
            self.gaps.extend(gaps)
        return self._documents[path]

    def things(self, path: str) -> list[Thing]:
        if path not in self._things:
            self._things[path] = list(things_of(self.documents(path), path))
        return self._things[path]


def plain_bundles(manifests: Manifests, paths: Iterable[str]) -> list[Bundle]:
    """Sets of manifests that nothing puts together: all of one stage, or of the tree where there are no stages."""
    groups: dict[str, list[Thing]] = defaultdict(list)
    for path in paths:
        groups[_stage(path)].extend(manifests.things(path))
    for folder, things in _alternatives(groups.get("", [])).items():
        for thing in things:
            groups[""].remove(thing)
        groups[folder].extend(things)
    every = tuple(thing for things in groups.values() for thing in things)
    bundles = []
    for key, things in groups.items():
        if any(thing.runs for thing in things):
            own = set(map(id, things))
            holes = tuple(Hole(Location(g.path, g.line)) for g in manifests.gaps if g.kind == "template")
            bundles.append(
                Bundle(
                    tuple(things),
                    key or _common(t.path for t in things),
                    is_development(key),
                    holes,
                    tuple(t for t in every if id(t) not in own),
                )
            )
    return bundles


def _stage(path: str) -> str:
    """The path down to the first folder that is called like a stage; empty where there is none."""
    folders = path.split("/")[:-1]
    for number, folder in enumerate(folders, 1):
        if not _STAGES.isdisjoint(re.split(r"[._\-]", folder.lower())):
            return "/".join(folders[:number])
    return ""


def _alternatives(things: list[Thing]) -> dict[str, list[Thing]]:
    """Folders that define a workload which another folder defines as well: one of them is deployed, not both."""
    folders: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for thing in things:
        if thing.runs and thing.name:
            folders[thing.kind, thing.namespace, thing.name].add(thing.path.rpartition("/")[0])
    apart = {folder for held in folders.values() if len(held) > 1 for folder in held}
    found: dict[str, list[Thing]] = defaultdict(list)
    for thing in things:
        folder = thing.path.rpartition("/")[0]
        if folder in apart:
            found[folder or "."].append(thing)
    return found


def _common(paths: Iterable[str]) -> str:
    """The folder that all lie in; the file where there is one only."""
    every = sorted(set(paths))
    if len(every) == 1:
        return every[0]
    shared: list[str] = []
    for column in zip(*(path.split("/")[:-1] for path in every), strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    return "/".join(shared) or "."
