"""The manifest files of a tree, each read once, and the sets that plain ones form."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

from crewmem_doctor.facts.kubernetes.pods import is_development
from crewmem_doctor.facts.kubernetes.things import KINDS, Bundle, Hole, Shelf, Thing, things_of
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
_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_KIND = re.compile(r"^kind:[ \t]*['\"]?(\w+)", re.MULTILINE)


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
            self._documents[path], gaps = load(_telling(text), path) if text is not None else ([], [])
            self.gaps.extend(gaps)
        return self._documents[path]

    def things(self, path: str) -> list[Thing]:
        if path not in self._things:
            self._things[path] = list(things_of(self.documents(path), path))
        return self._things[path]


def _telling(text: str) -> str:
    """The text without the documents that tell nothing about memory (an Ingress, a Role): reading costs most."""
    starts = [0, *(match.start() for match in _MARKER.finditer(text)), len(text)]
    if len(starts) < 3:
        return text
    parts = []
    for start, end in pairwise(starts):
        part = text[start:end]
        kinds = _KIND.findall(part)
        dull = len(kinds) == 1 and not (kinds[0] in KINDS or kinds[0].endswith("List"))
        dull = dull or (kinds == ["Service"] and "serving.knative.dev" not in part)
        # Markers stay, so that lines keep their numbers and neighbours stay apart.
        parts.append(part[:3] * (start > 0) + "\n" * part.count("\n") if dull else part)
    return "".join(parts)


def plain_bundles(manifests: Manifests, paths: Iterable[str]) -> list[Bundle]:
    """Sets of manifests that nothing puts together: all of one stage, or of the tree where there are no stages."""
    groups: dict[str, list[Thing]] = defaultdict(list)
    for path in paths:
        groups[_stage(path)].extend(manifests.things(path))
    for folder, things in _alternatives(groups.pop("", [])).items():
        groups[folder].extend(things)
    shared = Shelf(groups.get("", ()))
    holes = [Hole(Location(gap.path, gap.line)) for gap in manifests.gaps if gap.kind == "template"]
    return [
        Bundle(things, key or _common(t.path for t in things), is_development(key), holes, shared if key else None)
        for key, things in groups.items()
        if any(thing.runs for thing in things)
    ]


def _stage(path: str) -> str:
    """The path down to the first folder that is called like a stage; empty where there is none."""
    folders = path.split("/")[:-1]
    for number, folder in enumerate(folders, 1):
        if not _STAGES.isdisjoint(re.split(r"[._\-]", folder.lower())):
            return "/".join(folders[:number])
    return ""


def _alternatives(things: list[Thing]) -> dict[str, list[Thing]]:
    """By folder where that defines a workload which another folder defines as well: one of them is deployed, not both.
    The rest is under the empty name."""
    folders: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for thing in things:
        if thing.runs and thing.name:
            folders[thing.kind, thing.namespace, thing.name].add(thing.path.rpartition("/")[0])
    apart = {folder for held in folders.values() if len(held) > 1 for folder in held}
    found: dict[str, list[Thing]] = defaultdict(list)
    for thing in things:
        folder = thing.path.rpartition("/")[0]
        found[(folder or ".") if folder in apart else ""].append(thing)
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
