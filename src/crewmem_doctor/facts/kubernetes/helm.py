"""Charts, judged with their values.yaml and without running helm.

A release is taken to be called like its chart and to live in the namespace "default"; a name that says so is right up
to the name of the release. What `--set` and other values files change is not known, so what comes from values.yaml is
known at medium confidence.
"""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.facts.kubernetes.manifests import CHARTS, Manifests
from crewmem_doctor.facts.kubernetes.nodes import child, mapping, mappings, moved, scalar, text, with_entry
from crewmem_doctor.facts.kubernetes.pods import is_development
from crewmem_doctor.facts.kubernetes.render import Renderer, Source, read_source
from crewmem_doctor.facts.kubernetes.rendered import Page
from crewmem_doctor.facts.kubernetes.things import Bundle, Hole, Thing, things_of
from crewmem_doctor.facts.kubernetes.values import plain, string, unknown
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, load

_MAX_CHARTS = 200
_MAX_TEXT = 512 * 1024
_MAX_TRIES = 6
_UNSEEN = (
    "nodeSelector",
    "affinity",
    "tolerations",
    "resources",
    "labels",
    "annotations",
    "matchLabels",
    "selector",
    "ports",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "imagePullSecrets",
    "topologySpreadConstraints",
    "metadata",
    "lifecycle",
    "strategy",
    "metrics",
    "behavior",
    "hostAliases",
    "limits",
    "requests",
    "rules",
    "tls",
    "hosts",
    "dnsConfig",
    "stringData",
    "data",
    "priorityClassName",
    "serviceAccountName",
    "",
)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart's folder, what Chart.yaml says, its values, and the templates of its own."""

    folder: str
    about: Mapping
    values: Mapping
    sources: tuple[Source, ...]

    @property
    def name(self) -> str:
        return text(self.about, "name") or self.folder.rpartition("/")[2] or "chart"


def chart_bundles(manifests: Manifests) -> tuple[list[Bundle], set[str]]:
    """One bundle for each chart that no other one holds, and the files that belong to charts."""
    folders = [path.rpartition("/")[0] for path in manifests.named(CHARTS)][:_MAX_CHARTS]
    taken = {path for folder in folders for path in _files(manifests, folder)}
    bundles = []
    for folder in folders:
        if not any(_holds(other, folder) for other in folders):
            bundle = _bundle(manifests, folder, folders)
            if any(thing.runs for thing in bundle.things):
                bundles.append(bundle)
    return bundles, taken


def _holds(other: str, folder: str) -> bool:
    return folder.startswith(join_path(other, "charts") + "/")


def _files(manifests: Manifests, folder: str) -> Iterator[str]:
    """The YAML files of a chart, which are no manifests by themselves."""
    tree = manifests.tree
    for name in tree.children(folder):
        path = join_path(folder, name)
        if name in ("templates", "crds", "charts", "ci") and tree.is_dir(path):
            yield from (p for p in tree.files if p.startswith(path + "/"))
        elif name.endswith((".yaml", ".yml")):
            yield path


def _bundle(manifests: Manifests, folder: str, folders: list[str]) -> Bundle:
    chart = _read(manifests, folder)
    every = [(chart, chart.values, chart.name)]
    for inner in folders:
        if _holds(folder, inner):
            below = _read(manifests, inner)
            values = _given(chart, below, inner)
            if values is not None:
                every.append((below, values, chart.name))
    renderer = Renderer(source for one, _, _ in every for source in one.sources)
    things: list[Thing] = []
    holes: list[Hole] = []
    for one, values, release in every:
        root = _root(one, values, release)
        for source in one.sources:
            if not source.path.rpartition("/")[2].startswith("_") and not source.path.endswith(".tpl"):
                found, unseen = _manifest(renderer, source, root, manifests)
                things.extend(found)
                holes.extend(unseen)
    return Bundle(tuple(things), join_path(folder, "Chart.yaml"), is_development(folder), tuple(holes))


def _read(manifests: Manifests, folder: str) -> Chart:
    tree = manifests.tree
    about = next(
        (
            d
            for name in ("Chart.yaml", "Chart.yml", "chart.yaml")
            for d in manifests.documents(join_path(folder, name))[:1]
        ),
        None,
    )
    values = next(
        (d for name in ("values.yaml", "values.yml") for d in manifests.documents(join_path(folder, name))[:1]), None
    )
    sources = []
    for path in sorted(_templates(manifests, join_path(folder, "templates"))):
        body = tree.text(path)
        if body is not None and len(body) <= _MAX_TEXT:
            sources.append(read_source(body, path))
    return Chart(folder, mapping(about), mapping(values), tuple(sources))


def _templates(manifests: Manifests, folder: str, depth: int = 0) -> Iterator[str]:
    for name in manifests.tree.children(folder) if depth < 6 else ():
        path = f"{folder}/{name}"
        if manifests.tree.is_dir(path):
            yield from _templates(manifests, path, depth + 1)
        elif name.endswith((".yaml", ".yml", ".tpl")) and manifests.tree.exists(path):
            yield path


def _given(parent: Chart, below: Chart, folder: str) -> Mapping | None:
    """The values of a chart that another one holds; None where that one switches it off."""
    name = folder.rpartition("/")[2]
    for item in mappings(parent.about, "dependencies"):
        if text(item, "name") not in (name, below.name):
            continue
        name = text(item, "alias") or text(item, "name")
        switch = scalar(parent.values, *text(item, "condition").partition(",")[0].strip().split("."))
        if switch is not None and switch.truth is False:
            return None
    over = child(parent.values, name)
    values = _over(below.values, over) if isinstance(over, Mapping) else below.values
    shared = parent.values.get("global")
    return with_entry(values, "global", shared) if shared is not None else values


def _over(base: Mapping, over: Mapping, depth: int = 0) -> Mapping:
    entries = {key.value: (key, value) for key, value in base.items()}
    for key, value in over.items():
        old = entries.get(key.value)
        if old is not None and isinstance(old[1], Mapping) and isinstance(value, Mapping) and depth < 40:
            value = _over(old[1], value, depth + 1)
        entries[key.value] = (key, value)
    return Mapping(tuple(entries.values()), base.at)


def _root(chart: Chart, values: Mapping, release: str) -> Mapping:
    """What a template's `$` holds."""
    at = chart.about.at
    about = {
        name: scalar(chart.about, key)
        for name, key in (("Name", "name"), ("Version", "version"), ("AppVersion", "appVersion"))
    }
    parts: dict[str, Node] = {
        "Values": values,
        "Release": _table(
            {
                "Name": string(release, at),
                "Namespace": string("default", at),
                "Service": string("Helm", at),
                "IsInstall": plain("true", at),
                "IsUpgrade": plain("false", at),
                "Revision": plain("1", at),
            },
            at,
        ),
        "Chart": _table(
            {name: value or string(chart.name if name == "Name" else "", at) for name, value in about.items()}, at
        ),
        "Template": _table({"BasePath": string("templates", at), "Name": unknown(at)}, at),
        "Capabilities": unknown(at),
        "Files": unknown(at),
        "Subcharts": unknown(at),
    }
    return _table(parts, at)


def _table(parts: dict[str, Node] | dict[str, Scalar], at: Location) -> Mapping:
    return Mapping(tuple((Scalar(name, "str", at), value) for name, value in parts.items()), at)


def _manifest(
    renderer: Renderer, source: Source, root: Mapping, manifests: Manifests
) -> tuple[list[Thing], list[Hole]]:
    """The objects of one template, each value with its place in the template or in the values."""
    if source.template.damaged >= 0:
        line = source.passage.at(source.template.damaged, source.template.damaged + 3).line
        manifests.gaps.append(
            Gap(source.path, line, "template", "a formatter took its braces apart: no helm renders it")
        )
    page, documents, gaps = _loaded(Page(renderer.render(source, root).pieces), source)
    for gap in gaps:
        at = page.place(Location(source.path, gap.line, 1))
        line = at.line if at.path == source.path else 1
        manifests.gaps.append(
            Gap(source.path, line, "template", "a template that is not YAML as far as it can be rendered")
        )
    things = list(things_of((moved(document, page.place) for document in documents), source.path))
    holes = [hole for hole in page.holes if hole.key not in _UNSEEN]
    if any(thing.runs for thing in things):
        for hole in holes:
            why = f"what a template puts under {hole.key} is not known"
            manifests.gaps.append(Gap(hole.at.path, hole.at.line, "template", why))
    return things, holes


def _loaded(page: Page, source: Source) -> tuple[Page, list[Node], list[Gap]]:
    """The documents of a page. A line that is not YAML with what the values say is taken as not known."""
    documents, gaps = load(page.text, source.path)
    for _ in range(_MAX_TRIES):
        broken = [gap.line for gap in gaps if gap.kind in ("parse", "template")]
        again = page.without({*broken, *(line - 1 for line in broken)}) if broken else None
        if again is None:
            break
        page = again
        documents, gaps = load(page.text, source.path)
    return page, documents, gaps
