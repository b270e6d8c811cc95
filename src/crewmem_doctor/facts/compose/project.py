"""One deployment's files as a single tree: include, extends, overlays, and the variables that fill it in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce

from crewmem_doctor.facts.compose.files import Deployment, Library
from crewmem_doctor.facts.compose.interpolate import Variables, fill, text_of
from crewmem_doctor.facts.compose.merge import items_of, merge
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.dotenv import parse
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar

_MAX_FILES = 100
_REMOTE = ("oci:", "git@", "http:", "https:", "ssh:", "git:", "github.com/")


@dataclass(frozen=True, slots=True)
class Scope:
    """What holds for the text of one file: the folder that its relative paths start from, and its variables."""

    folder: str
    variables: Variables


@dataclass(slots=True)
class Project:
    """A deployment's merged tree. Ask `scope` with a node's location: nodes of several files stand side by side."""

    deployment: Deployment
    root: Mapping
    scopes: dict[str, Scope]
    used: set[str] = field(default_factory=set)

    def scope(self, at: Location) -> Scope:
        return self.scopes.get(at.path) or Scope(at.path.rpartition("/")[0], self.variables)

    @property
    def variables(self) -> Variables:
        return self.scopes[self.deployment.files[0]].variables

    def text(self, node: Node | None) -> str:
        return text_of(node, self.scope(node.at).variables) if node is not None else ""

    def section(self, name: str) -> Mapping:
        """A mapping at the top, empty where there is none."""
        node = self.root.get(name)
        return node if isinstance(node, Mapping) else Mapping((), self.root.at)


def assemble(library: Library, deployment: Deployment) -> tuple[Project, list[Gap]]:
    """Read and merge the files of a deployment. What is missing or runs in a circle becomes a gap."""
    reader = _Assembly(library)
    folder = deployment.files[0].rpartition("/")[0]
    variables = dotenv_variables(library.tree, join_path(folder, ".env"))
    root = reader.files(deployment.files, Scope(folder, variables), ())
    scopes = {**reader.scopes, deployment.files[0]: Scope(folder, variables)}
    return Project(deployment, root, scopes, reader.used), reader.gaps


def references(library: Library, path: str) -> Iterator[str]:
    """The paths that a file includes or extends, as far as constants say."""
    folder = path.rpartition("/")[0]
    for document in library.documents(path):
        for item in items_of(document.get("include")):
            named = item.get("path") if isinstance(item, Mapping) else item
            yield from (join_path(folder, n.value) for n in items_of(named) if isinstance(n, Scalar))
        services = document.get("services")
        for _, service in services.items() if isinstance(services, Mapping) else ():
            extends = service.get("extends") if isinstance(service, Mapping) else None
            file = extends.get("file") if isinstance(extends, Mapping) else None
            if isinstance(file, Scalar):
                yield join_path(folder, file.value)


def dotenv_variables(tree: Tree, path: str, known: Variables | None = None) -> dict[str, Answer[str]]:
    """The variables of a committed dotenv file; empty where there is none. `known` are those of the surroundings."""
    text = tree.text(path) if tree.exists(path) and not tree.is_dir(path) else None
    found: dict[str, Answer[str]] = dict(known or {})
    for variable in parse(text or "", path):
        if variable.value is None:
            found.setdefault(variable.name, Unknown(f"{variable.name} is taken from the shell", variable.at))
        elif variable.expands:
            found[variable.name] = fill(variable.value, found).answer(variable.at)
        else:
            found[variable.name] = fill(variable.value.replace("$", "$$"), {}).answer(variable.at)
    return found


class _Assembly:
    def __init__(self, library: Library) -> None:
        self.sources = library
        self.scopes: dict[str, Scope] = {}
        self.used: set[str] = set()
        self.gaps: list[Gap] = []

    def files(self, paths: Iterable[str], scope: Scope, trail: tuple[str, ...]) -> Mapping:
        """The merged tree of files that belong together, later ones over earlier ones."""
        merged: Mapping | None = None
        for path in paths:
            self.scopes[path] = scope
            self.used.add(path)
            for document in self.sources.documents(path):
                tree = self.included(document, scope, (*trail, path))
                tree = self.extended(tree, merged, scope)
                merged = tree if merged is None else _laid_over(merged, tree)
        return merged or Mapping((), Location(trail[-1] if trail else next(iter(self.used), "")))

    def included(self, root: Mapping, scope: Scope, trail: tuple[str, ...]) -> Mapping:
        """`root` laid over what its `include` brings."""
        brought: list[Mapping] = []
        for item in items_of(root.get("include")):
            named = item.get("path") if isinstance(item, Mapping) else item
            paths = [path for n in items_of(named) if (path := self.path_of(n, scope))]
            present = [path for path in paths if self.present(path, item.at, trail)]
            if not present:
                continue
            brought.append(self.files(present, self.include_scope(item, present[0], scope), trail))
        return reduce(_laid_over, [*brought, root]) if brought else root

    def include_scope(self, item: Node, first: str, scope: Scope) -> Scope:
        folder = first.rpartition("/")[0]
        env_files: list[str] = []
        if isinstance(item, Mapping):
            named = item.get("project_directory")
            folder = join_path(scope.folder, text_of(named, scope.variables)) if named is not None else folder
            env_files = [path for n in items_of(item.get("env_file")) if (path := self.path_of(n, scope))]
        variables: dict[str, Answer[str]] = {}
        for path in env_files or [join_path(folder, ".env")]:
            variables = dotenv_variables(self.sources.tree, path, variables)
        return Scope(folder, {**variables, **scope.variables})      # what surrounds it wins

    def path_of(self, node: Node, scope: Scope) -> str:
        """The path of the tree that a scalar names; empty (with a gap) where it names none that can be known."""
        text = text_of(node, scope.variables)
        if not text or text.startswith(_REMOTE):
            shown = node.value[:80] if isinstance(node, Scalar) else "…"
            self.gap(node.at, f"{shown} is not in this tree", dynamic=True)
            return ""
        return join_path(scope.folder, text)

    def present(self, path: str, at: Location, trail: tuple[str, ...]) -> bool:
        if path in trail or len(self.used) > _MAX_FILES:
            self.gap(at, f"{path} includes itself")
            return False
        if self.sources.tree.exists(path) and not self.sources.tree.is_dir(path):
            return True
        self.gap(at, f"{path} is not in this tree", dynamic=True)
        return False

    def extended(self, root: Mapping, below: Mapping | None, scope: Scope) -> Mapping:
        """`root` with the `extends` of its services applied. `below` are the files under it, for names of theirs."""
        services = root.get("services")
        if not isinstance(services, Mapping) or not any(_extends(s) for _, s in services.items()):
            return root
        under = below.get("services") if below is not None else None
        done = tuple((key, self.extend(service, services, under, scope, (f"{key.at.path}:{key.value}",)))
                     for key, service in services.items())
        entries = ((k, Mapping(done, v.at) if v is services else v) for k, v in root.entries)
        return Mapping(tuple(entries), root.at)

    def extend(self, service: Node, near: Mapping, under: Node | None, scope: Scope, trail: tuple[str, ...]) -> Node:
        extends = _extends(service)
        if extends is None or not isinstance(service, Mapping):
            return service
        own = Mapping(tuple((k, v) for k, v in service.entries if k.value != "extends"), service.at)
        named = extends.get("service") if isinstance(extends, Mapping) else extends
        name = text_of(named, scope.variables)
        file = extends.get("file") if isinstance(extends, Mapping) else None
        if file is not None:
            path = self.path_of(file, scope)
            if not path or not self.present(path, file.at, ()):
                return own
            scope = self.scopes.setdefault(path, Scope(path.rpartition("/")[0], scope.variables))
            self.used.add(path)
            near, under = _all_services(self.sources.documents(path), file.at), None
        parent = near.get(name)
        if parent is None and isinstance(under, Mapping):
            parent = under.get(name)
        mark = f"{near.at.path}:{name}"
        if parent is None or mark in trail or len(trail) > _MAX_FILES:
            why = "is not there" if parent is None else "extends it"
            self.gap(extends.at, f"extends {name[:80] or 'a service'}, which {why}")
            return own
        return merge(self.extend(parent, near, under, scope, (*trail, mark)), own)

    def gap(self, at: Location, why: str, *, dynamic: bool = False) -> None:
        self.gaps.append(Gap(at.path, at.line, "dynamic" if dynamic else "parse", why))


def _laid_over(base: Mapping, over: Mapping) -> Mapping:
    merged = merge(base, over)
    return merged if isinstance(merged, Mapping) else base


def _extends(service: Node) -> Node | None:
    return service.get("extends") if isinstance(service, Mapping) else None


def _all_services(documents: tuple[Mapping, ...], at: Location) -> Mapping:
    found = [services for document in documents if isinstance(services := document.get("services"), Mapping)]
    return reduce(_laid_over, found) if found else Mapping((), at)
