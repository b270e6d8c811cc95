"""What the tree says about building images: Compose, CI workflows, Makefiles, scripts, Skaffold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.shell import split
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence, load

_COMMAND = re.compile(r"\b(?:docker|podman|buildah|nerdctl)\s+(?:buildx\s+|image\s+)?(?:build|bud)\s+([^\n;&|]+)")
_MAY_BUILD = re.compile(
    r"compose|workflows/|cloudbuild|skaffold|makefile|justfile|taskfile|pipelines|gitlab-ci|deploy|build|"
    r"release|push|ci\b|buildspec|tilt",
    re.IGNORECASE,
)
_NEEDLES = ("build", "artifacts")
# What a YAML file has that is worth reading as YAML: a service's build, a step's, Skaffold's.
_STEPS = re.compile(r"^ *(build|artifacts) *:|build-push-action|['\"\s-]build['\"]?,?\s", re.MULTILINE)
_VALUES = frozenset(
    (
        "-f",
        "--file",
        "-t",
        "--tag",
        "--target",
        "--build-arg",
        "--platform",
        "--cache-from",
        "--cache-to",
        "--label",
        "--network",
        "--secret",
        "--ssh",
        "--output",
        "-o",
        "--progress",
        "--iidfile",
        "--metadata-file",
        "--build-context",
        "--add-host",
        "-m",
        "--memory",
        "--builder",
        "--provenance",
    )
)
_MAX_TEXT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Built:
    """A build: all paths are relative to the scan root."""

    dockerfile: str
    context: str
    target: str = ""


def builds_of(tree: Tree) -> dict[str, Built]:
    """The builds by the last name of the image they make, in lower case. The first one of a name stands."""
    found: dict[str, Built] = {}
    for path in tree.files:
        if not _MAY_BUILD.search(path) or path.rpartition("/")[2].lower().startswith("dockerfile"):
            continue
        text = tree.text(path)
        if text is None or len(text) > _MAX_TEXT or not any(needle in text for needle in _NEEDLES):
            continue
        for name, build in _of_file(tree, path, text):
            found.setdefault(name, build)
    return found


def _of_file(tree: Tree, path: str, text: str) -> Iterator[tuple[str, Built]]:
    folder = path.rpartition("/")[0]
    for match in _COMMAND.finditer(re.sub(r"\\\n", "  ", text)):
        yield from _of_words([w.text for w in split(match[1], Location(path))], tree, folder)
    if path.lower().endswith((".yaml", ".yml")) and _STEPS.search(text):
        for document in load(text, path)[0]:
            for node in _walk(document):
                yield from _of_node(node, tree, folder)


def _walk(node: Node, depth: int = 0) -> Iterator[Node]:
    yield node
    if depth < 12:
        for inner in (
            node.items
            if isinstance(node, Sequence)
            else [v for _, v in node.items()]
            if isinstance(node, Mapping)
            else ()
        ):
            yield from _walk(inner, depth + 1)


def _of_node(node: Node, tree: Tree, folder: str) -> Iterator[tuple[str, Built]]:
    if isinstance(node, Sequence):  # a step's arguments: [build, -t, NAME, .]
        words = [item.value for item in node.items if isinstance(item, Scalar)]
        if words[:1] == ["build"] and ("-t" in words or "--tag" in words):
            yield from _of_words(words[1:], tree, folder)
    elif isinstance(node, Mapping):
        uses, given = _text(node, "uses"), node.get("with")
        if uses.startswith("docker/build-push-action") and isinstance(given, Mapping):
            tags = re.split(r"[,\s]+", _text(given, "tags"))
            yield from _made(tree, folder, tags, _text(given, "context"), _text(given, "file"), _text(given, "target"))
        artifacts = node.get("artifacts")
        for item in artifacts.items if isinstance(artifacts, Sequence) else ():
            if isinstance(item, Mapping):
                docker = item.get("docker")
                docker = docker if isinstance(docker, Mapping) else item
                yield from _made(
                    tree,
                    folder,
                    [_text(item, "image")],
                    _text(item, "context"),
                    _text(docker, "dockerfile"),
                    _text(docker, "target"),
                )
        services = node.get("services")
        for key, service in services.items() if isinstance(services, Mapping) else ():
            if isinstance(service, Mapping) and service.get("build") is not None:
                yield from _of_service(key.value, service, tree, folder)


def _of_service(name: str, service: Mapping, tree: Tree, folder: str) -> Iterator[tuple[str, Built]]:
    build = service.get("build")
    if isinstance(build, Scalar):
        build = Mapping(((Scalar("context", "str", build.at), build),), build.at)
    if isinstance(build, Mapping):
        names = [_text(service, "image"), name]
        yield from _made(
            tree, folder, names, _text(build, "context"), _text(build, "dockerfile"), _text(build, "target"), (folder,)
        )


def _of_words(words: list[str], tree: Tree, folder: str) -> Iterator[tuple[str, Built]]:
    tags: list[str] = []
    given = {"file": "", "target": ""}
    context = ""
    i = 0
    while i < len(words):
        name, equals, value = words[i].partition("=")
        if name in _VALUES:
            if not equals:
                i += 1
                value = words[i] if i < len(words) else ""
            if name in ("-t", "--tag"):
                tags.append(value)
            elif name in ("-f", "--file", "--target"):
                given["target" if name == "--target" else "file"] = value
        elif not name.startswith("-"):
            context = context or words[i]
        i += 1
    yield from _made(tree, folder, tags, context, given["file"], given["target"])


def _made(
    tree: Tree, folder: str, tags: list[str], context: str, file: str, target: str, roots: tuple[str, ...] | None = None
) -> Iterator[tuple[str, Built]]:
    """A build whose Dockerfile lies in the tree. Commands may be called at the root or in the file's own folder."""
    context = re.sub(r"^\$\{?[\w.{} ]*(PWD|workspace|ROOT|DIR)[\w.{} ]*\}*", ".", context.strip()) or "."
    if "$" in context or "://" in context:
        return
    for root in roots or ("", folder):
        where = join_path(root, context)
        paths = (
            [join_path(root, file), join_path(where, file)]
            if file and "$" not in file
            else [join_path(where, name) for name in ("Dockerfile", "dockerfile", "Containerfile")]
        )
        if roots:
            paths.reverse()
        path = next((p for p in paths if tree.exists(p) and not tree.is_dir(p)), "")
        if path and not where.startswith(".."):
            for tag in tags:
                last = tag.strip().partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
                if last and not any(c in last for c in "${}"):
                    yield last, Built(path, where, target if "$" not in target else "")
            return


def _text(node: Mapping, name: str) -> str:
    value = node.get(name)
    return value.value.strip() if isinstance(value, Scalar) and not value.null else ""
