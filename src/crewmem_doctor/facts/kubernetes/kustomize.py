"""Kustomizations: bases, overlays and components, built as kustomize builds them, as far as it concerns memory.

Not built: remote bases, replacements, vars, and transformers and generators of one's own. Charts inflated by kustomize
are read only where the tree holds them by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from crewmem_doctor.facts.kubernetes.generators import generated
from crewmem_doctor.facts.kubernetes.manifests import KUSTOMIZATIONS, Manifests
from crewmem_doctor.facts.kubernetes.nodes import child, mapping, mappings, moved, scalar, text, texts, with_entry
from crewmem_doctor.facts.kubernetes.overlays import named, scaled, with_images
from crewmem_doctor.facts.kubernetes.patches import applied, merged
from crewmem_doctor.facts.kubernetes.pods import is_development
from crewmem_doctor.facts.kubernetes.things import Bundle, Thing
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence, load

_MAX_DEPTH = 12
_REMOTE = ("http:", "https:", "git@", "git::", "ssh:", "github.com/", "gitlab.com/", "oci:")
_NOT_BUILT = {
    "helmCharts": "a chart that kustomize inflates",
    "helmChartInflationGenerator": "a chart that kustomize inflates",
    "replacements": "replacements are not followed",
    "vars": "vars are not followed",
    "transformers": "transformers of its own are not followed",
    "generators": "generators of its own are not followed",
}


def kustomized_bundles(manifests: Manifests, taken: set[str]) -> tuple[list[Bundle], set[str]]:
    """One bundle for each kustomization that no other one builds on, and the files that belong to any."""
    builder = Kustomizer(manifests)
    roots = [path for path in manifests.named(KUSTOMIZATIONS) if path not in taken]
    referred = {inner for path in roots for inner in builder.below(path)}
    bundles: list[Bundle] = []
    for path in roots:
        if path in referred or builder.kind(path) == "Component":
            continue
        things = builder.build(path)
        if any(thing.runs for thing in things):
            folder = path.rpartition("/")[0]
            bundles.append(Bundle(tuple(things), path, is_development(folder.rpartition("/")[2])))
    return bundles, builder.used


class Kustomizer:
    """Builds kustomizations; `used` are the files that they are made of."""

    def __init__(self, manifests: Manifests) -> None:
        self.manifests = manifests
        self.used: set[str] = set()
        self.open: list[str] = []

    def body(self, path: str) -> Mapping:
        documents = self.manifests.documents(path)
        return mapping(documents[0]) if documents else Mapping((), Location(path))

    def kind(self, path: str) -> str:
        return text(self.body(path), "kind")

    def below(self, path: str) -> list[str]:
        """The kustomizations that one names."""
        return [file for item in self._entries(path) if (file := self._kustomization(item)) and file != path]

    def _entries(self, path: str, keys: Iterable[str] = ("resources", "bases", "components")) -> list[str]:
        folder = path.rpartition("/")[0]
        body = self.body(path)
        return [
            join_path(folder, item.value.strip().rstrip("/"))
            for key in keys
            for item in texts(child(body, key))
            if not item.value.strip().startswith(_REMOTE)
        ]

    def _kustomization(self, folder: str) -> str:
        names = (join_path(folder, name) for name in KUSTOMIZATIONS)
        return (
            next((p for p in names if self.manifests.tree.exists(p)), "") if self.manifests.tree.is_dir(folder) else ""
        )

    def build(self, path: str, below: list[Thing] | None = None) -> list[Thing]:
        """The objects of a kustomization; a component changes those that it is laid over (`below`)."""
        if path in self.open or len(self.open) >= _MAX_DEPTH:
            return below or []
        self.open.append(path)
        self.used.add(path)
        body = self.body(path)
        things = list(below or [])
        for item in self._entries(path, ("resources", "bases")):
            things.extend(self._resource(item))
        for item in self._entries(path, ("components",)):
            component = self._kustomization(item)
            things = self.build(component, things) if component else things
        self._say(body, path)
        things = generated(body, path, things, self.manifests)
        things = self._patched(things, body, path)
        things = named(things, body)
        things = scaled(with_images(things, body), body)
        self.open.pop()
        return things

    def _resource(self, item: str) -> list[Thing]:
        inner = self._kustomization(item)
        if inner:
            return self.build(inner)
        self.used.add(item)
        return list(self.manifests.things(item))

    def _say(self, body: Mapping, path: str) -> None:
        """What is left out."""
        for key, why in _NOT_BUILT.items():
            found = body.key(key)
            if found is not None:
                self.manifests.gaps.append(Gap(path, found.at.line, "dynamic", why))
        for key in ("resources", "bases", "components"):
            for item in texts(child(body, key)):
                if item.value.strip().startswith(_REMOTE):
                    self.manifests.gaps.append(
                        Gap(path, item.at.line, "dynamic", "a base that does not lie in this tree")
                    )

    # --- patches

    def _patched(self, things: list[Thing], body: Mapping, path: str) -> list[Thing]:
        for item in texts(child(body, "patchesStrategicMerge")):
            for patch in self._patch(item, path):
                things = _merge(things, patch, None)
        for key in ("patches", "patchesJson6902"):
            for node in mappings(body, key):
                source = scalar(node, "path") or scalar(node, "patch")
                target = node.get("target")
                for patch in self._patch(source, path, inline=node.get("patch") is source) if source else ():
                    if isinstance(patch, Sequence):
                        things = _operate(things, patch, target)
                    else:
                        things = _merge(things, patch, target)
        return things

    def _patch(self, item: Scalar, path: str, inline: bool = False) -> list[Node]:
        """The documents of a patch: a file's, or what stands in the kustomization itself."""
        if inline or "\n" in item.value or ":" in item.value:
            place = _inside(item, self.manifests.tree.text(path) or "")
            documents, gaps = load(item.value, path)
            self.manifests.gaps.extend(Gap(path, item.at.line + gap.line, gap.kind, gap.why) for gap in gaps)
            return [moved(document, place) for document in documents]
        file = join_path(path.rpartition("/")[0], item.value.strip())
        self.used.add(file)
        return self.manifests.documents(file)


def _inside(item: Scalar, source: str) -> Callable[[Location], Location]:
    """Where what is written inside a block scalar stands in the file."""
    lines = source.split("\n")
    first = item.at.line if item.at.end_line > item.at.line else item.at.line - 1
    indent = 0
    for number in range(first, min(first + 3, len(lines))):
        if lines[number].strip():
            indent = len(lines[number]) - len(lines[number].lstrip())
            break

    def place(at: Location) -> Location:
        if item.at.end_line == item.at.line:
            return item.at
        return Location(at.path, at.line + first, at.column + indent, at.end_line + first, at.end_column + indent)

    return place


def _selects(target: Node | None, thing: Thing) -> bool:
    """Whether a patch's target means that object. Names are anchored regular expressions."""
    if not isinstance(target, Mapping):
        return False
    for key, values in (
        ("name", thing.names or ("",)),
        ("namespace", (thing.namespace,)),
        ("kind", (thing.kind,)),
        ("group", (thing.group.rpartition("/")[0] or thing.group,)),
    ):
        wanted = text(target, key)
        if wanted and not any(_matches(wanted, value) for value in values):
            return False
    labels = text(target, "labelSelector")
    held = {k.value: v.value for k, v in mapping(thing.node, "metadata", "labels").items() if isinstance(v, Scalar)}
    for part in filter(None, labels.split(",")):
        name, sign, value = part.partition("=")
        if sign and not name.endswith("!") and held.get(name.strip()) != value.lstrip("=").strip():
            return False
    return True


def _matches(pattern: str, value: str) -> bool:
    if (
        len(pattern) > 200
        or not re.fullmatch(r"[\w.*|()\[\]^$?+/-]+", pattern)
        or pattern.count("*") + pattern.count("+") > 4
    ):
        return pattern == value
    try:
        return re.fullmatch(pattern.lstrip("^").rstrip("$"), value) is not None
    except re.error:
        return False


def _merge(things: list[Thing], patch: Node, target: Node | None) -> list[Thing]:
    """A strategic merge, on what the target selects or on the object that the patch names."""
    if not isinstance(patch, Mapping):
        return things
    kind, name = text(patch, "kind"), text(patch, "metadata", "name")
    out: list[Thing] = []
    for thing in things:
        chosen = (
            _selects(target, thing) if isinstance(target, Mapping) else (kind == thing.kind and name in thing.names)
        )
        if not chosen:
            out.append(thing)
            continue
        metadata = patch.get("metadata")
        body = (
            with_entry(patch, "metadata", with_entry(metadata, "name", None))
            if isinstance(metadata, Mapping)
            else patch
        )
        node = merged(thing.node, body)
        if isinstance(node, Mapping):
            out.append(replace(thing, node=node))
    return out


def _operate(things: list[Thing], patch: Sequence, target: Node | None) -> list[Thing]:
    out = []
    for thing in things:
        node = applied(thing.node, patch) if _selects(target, thing) else thing.node
        out.append(replace(thing, node=node) if isinstance(node, Mapping) else thing)
    return out
