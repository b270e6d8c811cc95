"""Which compose files there are, and which of them are started together.

- The file without a variant in its name (`compose.yaml`, `docker-compose.yml`; failing that `*.base.yml`,
  `*.common.yml`) is the base of its folder, and one deployment together with its `override` file, as
  `docker compose up` takes them.
- A variant (`docker-compose.prod.yml`) that leaves out image and build of a service which the base defines cannot be
  started without it: it is an overlay and read merged over the base, without the override file. Any other variant is a
  deployment of its own.
- Beside an overlay for production, the base with its override file is what developers run: `dev`. Overlays for neither
  production nor development (`gpu`, `monitoring`) are optional, and judged only for the services that they touch.
- Names and folders that say dev, local, test or ci make a deployment `dev`.
- A file that another one includes, or whose services another one extends, is no deployment of its own unless it is a
  base.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.yaml import Mapping, Node, load

_FORMAL = frozenset(("docker", "compose", "dockercompose"))
_DEVELOPMENT = frozenset((
    "dev", "devel", "develop", "development", "local", "localhost", "test", "tests", "testing", "ci", "e2e", "debug",
    "devcontainer", "integration", "playground",
))
_PRODUCTION = frozenset((
    "prod", "prd", "production", "live", "release", "deploy", "deployment", "server", "cloud", "aws", "azure", "gcp",
    "vps", "stack", "swarm",
))
_BASES = (frozenset(("base",)), frozenset(("common",)), frozenset(("main",)))
_ORDER = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")   # the one that Compose takes
# Some projects name their compose files by the stage alone; what is in them decides.
_BARE_STAGES = frozenset(("production", "prod", "local", "dev", "staging", "docker", "services"))


@dataclass(frozen=True, slots=True)
class Deployment:
    """Files to merge, the base first. `main` names the deployment; `touched` limits it to the services that the last
    file mentions; `swarm` says that the name speaks of a stack."""

    main: str
    files: tuple[str, ...]
    dev: bool = False
    swarm: bool = False
    touched: bool = False


class Library:
    """The parsed compose files of a tree. `gaps` are those of the files that were asked for."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.gaps: list[Gap] = []
        self._documents: dict[str, tuple[Mapping, ...]] = {}

    def documents(self, path: str, *, quiet: bool = False) -> tuple[Mapping, ...]:
        """The mappings at the top of a file, one per YAML document; Compose merges later ones over earlier ones."""
        found = self._documents.get(path)
        if found is None:
            text = self.tree.text(path)
            nodes, gaps = load(text, path) if text is not None else ([], [])
            found = tuple(node for node in nodes if isinstance(node, Mapping))
            if gaps and quiet and not _has_services(found):
                return ()
            self.gaps.extend(gaps)
            self._documents[path] = found
        return found

    def services(self, path: str) -> Mapping | None:
        """The last document's services, for a look at their keys."""
        found = [node for document in self.documents(path) if isinstance(node := document.get("services"), Mapping)]
        return found[-1] if found else None


def find(library: Library) -> list[str]:
    """The compose files of the tree, sorted."""
    found = []
    for path in library.tree.files:
        name = path.rpartition("/")[2].lower()
        if not name.endswith((".yml", ".yaml")):
            continue
        words = _words(path)
        sure = not words.isdisjoint(("compose", "dockercompose"))
        if not sure and "compose" not in name and "stack" not in name and not (words and words <= _BARE_STAGES):
            continue
        documents = library.documents(path, quiet=not sure)
        if _has_services(documents) if not sure else any(d.key("services") or d.key("include") for d in documents):
            found.append(path)
    return found


def deployments(library: Library, paths: list[str], consumed: Callable[[str], bool]) -> list[Deployment]:
    """How the files go together. `consumed(path)` says whether another file includes or extends that one."""
    folders: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        folders[path.rpartition("/")[0]].append(path)
    bases = {folder: base for folder, inside in folders.items() if (base := _base(inside))}
    found: list[Deployment] = []
    for folder, inside in folders.items():
        base = bases.get(folder)
        override = next((p for p in inside if base and p != base and "override" in _words(p)), None)
        mine: list[Deployment] = []
        for path in inside:
            if path in (base, override) or consumed(path):
                continue
            below = _nearest(bases, folder)
            over = below is not None and _is_overlay(library, path, below)
            mine.append(_deployment(path, below if over else None))
        if base:
            first = Deployment(base, (base, override) if override else (base,), _is_dev(base), _is_swarm(base))
            replaced = any(base in other.files and not other.dev and not other.touched for other in mine)
            found.append(replace(first, dev=first.dev or replaced))
        found.extend(mine)
    return found


def _deployment(path: str, base: str | None) -> Deployment:
    dev = _is_dev(path)
    files = (base, path) if base else (path,)
    optional = base is not None and not dev and _words(path).isdisjoint(_PRODUCTION)
    return Deployment(path, files, dev, _is_swarm(path), optional)


def _words(path: str) -> frozenset[str]:
    """The words of a file's name: {"docker", "compose", "prod"} of docker-compose.prod.yml."""
    stem = path.rpartition("/")[2].lower().rpartition(".")[0]
    return frozenset(re.split(r"[._\-\s]+", stem)) - {""}


def _variant(path: str) -> frozenset[str]:
    return _words(path) - _FORMAL


def _base(paths: list[str]) -> str | None:
    by_name = {path.rpartition("/")[2].lower(): path for path in paths}
    plain = [by_name[name] for name in _ORDER if name in by_name]
    plain += [path for path in paths if not _variant(path)]
    plain += [path for words in _BASES for path in paths if _variant(path) == words]
    return plain[0] if plain else None


def _nearest(bases: dict[str, str], folder: str) -> str | None:
    """The base of the folder or of the nearest folder above it."""
    while True:
        if folder in bases:
            return bases[folder]
        if not folder:
            return None
        folder = folder.rpartition("/")[0]


def _is_overlay(library: Library, path: str, base: str) -> bool:
    own, below = library.services(path), library.services(base)
    if path == base or own is None or below is None:
        return False
    return any(below.key(name.value) and not _starts(service) and _starts(below.get(name.value))
               for name, service in own.items())


def _starts(service: Node | None) -> bool:
    """Whether a service says what to run, so that it can be started as it stands here."""
    return isinstance(service, Mapping) and any(service.key(name) for name in ("image", "build", "extends"))


def _has_services(documents: tuple[Mapping, ...]) -> bool:
    found = (document.get("services") for document in documents)
    return any(isinstance(services, Mapping) and any(_starts(s) for _, s in services.items()) for services in found)


def _is_dev(path: str) -> bool:
    folders = (folder.lstrip(".") for folder in path.lower().split("/")[:-1])
    return not _DEVELOPMENT.isdisjoint(_variant(path)) or not _DEVELOPMENT.isdisjoint(folders)


def _is_swarm(path: str) -> bool:
    return not _words(path).isdisjoint(("stack", "swarm"))
