"""The Dockerfiles that compose services are built from."""

from __future__ import annotations

from crewmem_doctor.facts.compose.interpolate import Variables, answer_of, text_of
from crewmem_doctor.facts.compose.merge import items_of
from crewmem_doctor.facts.compose.project import Project
from crewmem_doctor.facts.dockerfile import Image, read_dockerfile
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar

_REMOTE = ("http:", "https:", "git@", "git:", "ssh:", "github.com/", "docker-image:")
_NAMES = ("Dockerfile", "dockerfile", "Containerfile")


@dataclass(frozen=True, slots=True)
class Build:
    """`image` is None where the Dockerfile cannot be read; `dockerfile` is empty where its path is not known either."""

    context: str
    dockerfile: str
    target: str
    image: Image | None


class Builds:
    """Reads the Dockerfiles of builds. `used` are the paths of those that were found."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.used: set[str] = set()

    def of(self, node: Node | None, project: Project) -> tuple[Build | None, list[Gap]]:
        """What a service's `build` makes; None where it has none."""
        if node is None or (isinstance(node, Scalar) and node.null):
            return None, []
        scope = project.scope(node.at)
        parts = node if isinstance(node, Mapping) else Mapping((), node.at)
        where = parts.get("context") if parts is node else node
        folder = project.scope(where.at).folder if where is not None else scope.folder
        context = answer_of(where, {"PWD": Known("."), **scope.variables}) if where is not None else Known(".")
        if not isinstance(context, Known) or context.value.strip().startswith(_REMOTE):
            return Build("", "", "", None), [_gap(node.at, "what is built here does not lie in this tree")]
        target = text_of(parts.get("target"), scope.variables)
        root = join_path(folder, context.value.strip())
        inline = parts.get("dockerfile_inline")
        if inline is not None:
            return Build(root, "", target, None), [_gap(inline.at, "a Dockerfile inside a compose file is not read")]
        named = answer_of(parts.get("dockerfile"), scope.variables)
        if isinstance(named, Unknown):
            return Build(root, "", target, None), [_gap(node.at, f"which Dockerfile is used: {named.why}")]
        path = self.path(root, named.value.strip() if named else "")
        if not self.tree.exists(path) or self.tree.is_dir(path):
            return Build(root, path, target, None), [_gap(node.at, f"{path} is not in this tree")]
        self.used.add(path)
        arguments = _arguments(parts.get("args"), scope.variables)
        gaps: list[Gap] = []
        image = read_dockerfile(self.tree, path, target=target or None, args=arguments, context=root, gaps=gaps)
        return Build(root, path, target, image), gaps

    def elsewhere(self, image: Image | None) -> Build | None:
        """The build of an image that something else in the tree makes."""
        if image is None:
            return None
        self.used.add(image.path)
        return Build(image.context, image.path, image.stage, image)

    def path(self, root: str, name: str) -> str:
        candidates = [join_path(root, n) for n in ((name,) if name else _NAMES)]
        return next((path for path in candidates if self.tree.exists(path)), candidates[0])


def _arguments(node: Node | None, variables: Variables) -> dict[str, Answer[str]]:
    found: dict[str, Answer[str]] = {}
    for item in items_of(node):
        if isinstance(item, Mapping):
            for key, value in item.items():
                found[key.value] = answer_of(value, variables) or _from_shell(key.value, variables)
        elif isinstance(item, Scalar):
            name, sign, _ = item.value.partition("=")
            text = Scalar(item.value[len(name) + 1:], "str", item.at)
            found[name] = (answer_of(text, variables) if sign else None) or _from_shell(name, variables)
    return found


def _from_shell(name: str, variables: Variables) -> Answer[str]:
    return variables.get(name) or Unknown(f"{name} is passed through from the shell")


def _gap(at: Location, why: str) -> Gap:
    return Gap(at.path, at.line, "dynamic", why)
