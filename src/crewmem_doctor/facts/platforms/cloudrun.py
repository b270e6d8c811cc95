"""`gcloud run deploy` in Cloud Build, workflows, Makefiles, scripts. (Service YAML is Knative's.)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Sequence as Words
from dataclasses import replace

from crewmem_doctor.facts.dockerfile import Image
from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, dockerfile_near, found, native, service
from crewmem_doctor.facts.platforms.nixpacks import start_of
from crewmem_doctor.facts.platforms.syntax import (
    as_number,
    below,
    documents,
    folder_of,
    inside,
    items,
    name_of,
    named_settings,
    number,
    text,
    words,
)
from crewmem_doctor.facts.servers.options import Options, read_options
from crewmem_doctor.model.deployment import Environment, Mount, Service, Setting, User
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.hcl import Block
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import CommandLine, Word, commands
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

_DEPLOY = re.compile(r"gcloud\b[^\n;&|]*?\brun\s+(?:jobs\s+)?(?:deploy|update|create)\b")
_ANY = Unknown("Cloud Run starts as many instances as it needs, unless --max-instances says otherwise")
_VALUES = {
    name: name
    for name in (
        "--image",
        "--source",
        "--max-instances",
        "--min-instances",
        "--set-env-vars",
        "--update-env-vars",
        "--env-vars-file",
        "--set-secrets",
        "--update-secrets",
        "--add-volume",
        "--add-volume-mount",
        "--command",
        "--args",
        "--region",
        "--project",
        "--platform",
        "--memory",
        "--cpu",
        "--port",
        "--service-account",
        "--timeout",
        "--concurrency",
        "--dockerfile",
        "--workdir",
        "--max",
        "--tasks",
        "--function",
    )
}
_FLAGS = "--allow-unauthenticated --no-allow-unauthenticated --quiet -q --no-traffic --no-cpu-throttling --cpu-boost"
_ACTION = "google-github-actions/deploy-cloudrun"


def read(tree: Tree, path: str, images: Images) -> Found:
    body = tree.text(path)
    if body is None or ("gcloud" not in body and _ACTION not in body and "cloud-sdk" not in body):
        return NOTHING
    services: list[Service] = []
    if path.lower().endswith((".yaml", ".yml")):
        given, _ = documents(tree, path)  # what cannot be read is no deployment file's loss
        for document in given:
            for node in _nodes(document):
                services.extend(_of_node(tree, images, node, path))
    else:
        services.extend(_of_text(tree, images, Passage.of(body, path), path))
    return found(services)


def _nodes(node: Node, depth: int = 0) -> Iterator[Node]:
    yield node
    children = (
        [v for _, v in node.items()] if isinstance(node, Mapping) else node.items if isinstance(node, Sequence) else ()
    )
    for child in children if depth < 20 else ():
        yield from _nodes(child, depth + 1)


def _of_node(tree: Tree, images: Images, node: Node, path: str) -> Iterator[Service]:
    """A step's words, a script in a scalar, or GitHub's own action."""
    if isinstance(node, Scalar) and "gcloud" in node.value:
        yield from _of_text(tree, images, Passage(node.value, node.at), path)
    elif isinstance(node, Mapping):
        arguments = below(node, "args")
        if isinstance(arguments, Sequence) and (
            "gcloud" in text(node, "entrypoint") or "gcloud" in text(node, "name") or "cloud-sdk" in text(node, "name")
        ):
            given = [Word(item.value, item.at) for item in arguments.items if isinstance(item, Scalar)]
            yield from _of_words(tree, images, given, path, {})
        if text(node, "uses").startswith(_ACTION):
            yield _of_action(tree, images, node, path)


def _of_text(tree: Tree, images: Images, passage: Passage, path: str) -> Iterator[Service]:
    if not _DEPLOY.search(passage.text.replace("\\\n", " ")):
        return
    variables: dict[str, str] = {}
    for command in commands(passage):
        if not command.words:
            variables.update((name, word.text) for name, word in command.assignments if "$" not in word.text)
        names = [word.text.lstrip("@-+") for word in command.words[:1]]
        if names and names[0].rpartition("/")[2] == "gcloud":
            yield from _of_words(tree, images, command.words[1:], path, variables)


def _of_words(
    tree: Tree, images: Images, given: Words[Word], path: str, variables: dict[str, str]
) -> Iterator[Service]:
    """`run deploy NAME --image …` as words, with what a script's own variables hold."""
    filled = [Word(_filled(word.text, variables), word.at) for word in given]
    options = read_options(tuple(filled), _VALUES, _FLAGS)
    positional = [word for word in options.positional if word.text not in ("beta", "alpha")]
    texts = [word.text for word in positional]
    if texts[:2] not in (["run", "deploy"], ["run", "services"], ["run", "jobs"]) or "replace" in texts:
        return
    named = next((word for word in positional[2:] if word.text not in ("update", "deploy", "create")), None)
    image, source = options.get("--image"), options.get("--source")
    if image is None and source is None:
        return  # an update of something else, or `replace` of a YAML file
    name = named.text if named is not None and "$" not in named.text else _named_in(image)
    at = named.at if named is not None else filled[0].at
    mounts = tuple(_mounts(options))
    count, count_at = _most(options)
    bare = service(
        "cloudrun",
        name or "service",
        at,
        mounts=mounts,
        environment=_environment(options),
        replicas=count,
        replicas_at=count_at,
        deployment=path,
    )
    yield _with_code(tree, images, bare, path, image, source, options)


def _with_code(
    tree: Tree, images: Images, bare: Service, path: str, image: Word | None, source: Word | None, options: Options
) -> Service:
    entry, command = _list(options.get("--command")), _list(options.get("--args"))
    if source is not None:
        folder = (
            inside("", source.text) if tree.is_dir(inside("", source.text)) else inside(folder_of(path), source.text)
        )
        made = dockerfile_near(tree, images, folder) or _above(tree, images, path, source.text)
        if made is None:  # built by a buildpack
            return native(
                tree,
                replace(bare, user=User("cnb", Known("/home/cnb"), None, False)),
                entry or start_of(tree, folder),
                folder,
                "/workspace",
            )
    else:
        reference = image.text if image is not None else ""
        made = images.for_reference(reference, path, (bare.name,))
        bare = replace(bare, image="" if made is not None else reference)
    return contained(tree, bare, made, entry, command)


def _above(tree: Tree, images: Images, path: str, source: str) -> Image | None:
    """A script is often called from the folder above it."""
    folder = folder_of(folder_of(path))
    return dockerfile_near(tree, images, inside(folder, source)) if folder_of(path) else None


def _filled(word: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$\{?([A-Za-z_]\w*)\}?", lambda match: variables.get(match[1], match[0]), word)


def _named_in(image: Word | None) -> str:
    last = image.text.partition("@")[0].rpartition("/")[2].partition(":")[0] if image is not None else ""
    return "" if "$" in last else last


def _list(word: Word | None) -> CommandLine | None:
    if word is None or not word.text or "$" in word.text:
        return None
    return CommandLine.of([Word(part, word.at) for part in word.text.split(",")], word.at)


def _environment(options: Options) -> Environment:
    """`--set-env-vars` sets them all; without it, or with `--update-…`, those of the revision before stay."""
    found_settings: list[Setting] = []
    complete = options.get("--set-env-vars") is not None
    why: list[str] = [] if complete else ["the service's variables on Cloud Run"]
    for name in ("--set-env-vars", "--update-env-vars"):
        for word in options.all(name):
            pairs, more = _pairs(word)
            found_settings.extend(pairs)
            why.extend(more)
    for name in ("--set-secrets", "--update-secrets"):
        for word in options.all(name):
            found_settings.extend(
                Setting(s.name, Unknown("it comes from a secret", word.at), word.at, True)
                for s in _pairs(word)[0]
                if not s.name.startswith("/")
            )
    if options.get("--env-vars-file") is not None:
        why.append("--env-vars-file")
    return Environment(tuple(found_settings), tuple(why))


def _pairs(word: Word) -> tuple[list[Setting], list[str]]:
    """`A=1,B=2`, or `^@^A=1@B=2` with a separator of one's own."""
    body, separator = word.text, ","
    match = re.match(r"\^([^^]+)\^", body)
    if match is not None:
        separator, body = match[1], body[match.end() :]
    out, why = [], []
    for pair in body.split(separator):
        name, equals, value = pair.partition("=")
        if equals and "$" not in name:
            said: Answer[str] = (
                Unknown("a variable of the script fills it in", word.at) if "$" in value else Known(value, word.at)
            )
            out.append(Setting(name.strip(), said, word.at))
        elif "$" in pair:
            why.append("a variable of the script")
    return out, why


def _most(options: Options) -> tuple[Answer[int], Location | None]:
    word = options.get("--max-instances") or options.get("--max")
    if word is None:
        return _ANY, None
    return (_ANY if word.text == "default" else as_number(word.text, word.at)), word.at


def _mounts(options: Options) -> Iterator[Mount]:
    kinds = {}
    for word in options.all("--add-volume"):
        said = dict(part.partition("=")[::2] for part in word.text.split(","))
        kinds[said.get("name", "")] = said
    for word in options.all("--add-volume-mount"):
        said = dict(part.partition("=")[::2] for part in word.text.split(","))
        target, volume = said.get("mount-path", ""), kinds.get(said.get("volume", ""), {})
        if target.startswith("/"):
            yield _mount(target, volume.get("type", ""), said.get("volume", ""), word.at)


def _mount(target: str, kind: str, source: str, at: Location) -> Mount:
    """Buckets and NFS shares are one for all instances; memory and ephemeral disks go with the instance."""
    target = target.rstrip("/") or "/"
    if kind in ("nfs", "cloud-storage", "gcs"):
        return Mount(target, "nfs", at, source, shared=True, network="nfs" if kind == "nfs" else "gcsfuse")
    if kind in ("in-memory", "empty_dir", "emptyDir", "ephemeral-disk"):
        return Mount(target, "emptydir", at, source, durable=False)
    if kind in ("secret", "cloud-sql"):
        return Mount(target, "secret", at, source, durable=False, read_only=True)
    return Mount(target, "unknown", at, source)


def _of_action(tree: Tree, images: Images, node: Mapping, path: str) -> Service:
    given = below(node, "with")
    key = below(given, "service")
    image, source = text(given, "image"), below(given, "source")
    flags = below(given, "flags")
    options = (
        read_options(tuple(w for c in commands(Passage(flags.value, flags.at)) for w in c.words), _VALUES, _FLAGS)
        if isinstance(flags, Scalar)
        else read_options((), {})
    )
    count, count_at = _most(options)
    lines = below(given, "env_vars")
    pairs = _pairs(Word(",".join(lines.value.split("\n")), lines.at))[0] if isinstance(lines, Scalar) else []
    name = key.value if isinstance(key, Scalar) and "$" not in key.value else "service"
    bare = service(
        "cloudrun",
        name,
        key.at if key is not None else node.at,
        mounts=tuple(_mounts(options)),
        environment=Environment(tuple(pairs), ("the service's variables on Cloud Run",)),
        replicas=count,
        replicas_at=count_at,
        deployment=path,
    )
    at = node.at
    return _with_code(
        tree,
        images,
        bare,
        path,
        Word(image, at) if image or source is None else None,
        Word(source.value, source.at) if isinstance(source, Scalar) else None,
        options,
    )


def terraform_service(tree: Tree, images: Images, block: Block, path: str) -> Service:
    """google_cloud_run_service and google_cloud_run_v2_service."""
    template = below(block.body, "template")
    template = below(template, "spec") or template
    container = below(template, "containers")
    container = container.items[0] if isinstance(container, Sequence) and container.items else container
    volumes = {text(node, "name"): node for node in _several(below(template, "volumes"))}
    mounts = []
    for node in _several(below(container, "volume_mounts")):
        target, volume = below(node, "mount_path"), volumes.get(text(node, "name"))
        kind = next(
            (k for k in ("nfs", "gcs", "empty_dir", "secret", "cloud_sql_instance") if below(volume, k) is not None), ""
        )
        if isinstance(target, Scalar):
            mounts.append(
                _mount(target.value, kind.replace("cloud_sql_instance", "cloud-sql"), text(node, "name"), target.at)
            )
    most = (
        below(block.body, "template", "scaling", "max_instance_count")
        or below(block.body, "scaling", "max_instance_count")
        or below(block.body, "template", "metadata", "annotations", "autoscaling.knative.dev/maxScale")
    )
    reference = below(container, "image")
    said = reference.value if isinstance(reference, Scalar) else ""
    image = images.for_reference(said, path, (text(block.body, "name") or block.labels[1],))
    bare = service(
        "cloudrun",
        text(block.body, "name") or block.labels[1],
        block.at,
        mounts=mounts,
        environment=Environment(
            tuple(v for n in _several(below(container, "env")) for v in named_settings(Sequence((n,), n.at)))
        ),
        replicas=number(most) or _ANY,
        replicas_at=most.at if most else None,
        image="" if image else said,
        deployment=path,
    )
    return contained(tree, bare, image, words(below(container, "command")), words(below(container, "args")))


def _several(node: Node | None) -> tuple[Node, ...]:
    return (node,) if isinstance(node, Mapping) else items(node)


PLATFORM = Platform(
    "cloudrun",
    read,
    Dialect(
        "Cloud Run",
        "`gcloud run deploy` in cloudbuild.yaml, workflows, Makefiles and scripts; deploy-cloudrun actions",
        "service, image or source, --max-instances, variables and secrets, volumes and their mounts, command and args",
        "request, worker, restart, redeploy, replica, node",
        "what scripts compute; variables that stay from earlier revisions; the number of instances without a maximum",
    ),
    wanted=lambda path: (
        path.lower().endswith((".yaml", ".yml", ".sh", ".bash")) or name_of(path) in ("makefile", "justfile")
    ),
)
