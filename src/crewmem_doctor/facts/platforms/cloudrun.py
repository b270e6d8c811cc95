"""`gcloud run deploy` in Cloud Build, workflows, Makefiles, scripts. (Service YAML is Knative's.)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Sequence as Words
from dataclasses import replace

from crewmem_doctor.facts.dockerfile import Image
from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, dockerfile_near, found, native, service
from crewmem_doctor.facts.platforms.cloudrun_flags import (
    ANY,
    FLAGS,
    VALUES,
    environment_of,
    filled_in,
    listed,
    most_of,
    mount_of,
    mounts_of,
    named_in,
    pairs_of,
)
from crewmem_doctor.facts.platforms.nixpacks import start_of
from crewmem_doctor.facts.platforms.syntax import (
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
from crewmem_doctor.model.deployment import Environment, Service, User
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.hcl import Block
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import Word, commands
from crewmem_doctor.sources.yaml import Mapping, Node, Scalar, Sequence

_DEPLOY = re.compile(r"gcloud\b[^\n;&|]*?\brun\s+(?:jobs\s+)?(?:deploy|update|create)\b")
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
    filled = [Word(filled_in(word.text, variables), word.at) for word in given]
    options = read_options(tuple(filled), VALUES, FLAGS)
    positional = [word for word in options.positional if word.text not in ("beta", "alpha")]
    texts = [word.text for word in positional]
    if texts[:2] not in (["run", "deploy"], ["run", "services"], ["run", "jobs"]) or "replace" in texts:
        return
    named = next((word for word in positional[2:] if word.text not in ("update", "deploy", "create")), None)
    image, source = options.get("--image"), options.get("--source")
    if image is None and source is None:
        return  # an update of something else, or `replace` of a YAML file
    name = named.text if named is not None and "$" not in named.text else named_in(image)
    at = named.at if named is not None else filled[0].at
    mounts = tuple(mounts_of(options))
    count, count_at = most_of(options)
    bare = service(
        "cloudrun",
        name or "service",
        at,
        mounts=mounts,
        environment=environment_of(options),
        replicas=count,
        replicas_at=count_at,
        replicas_most=True,
        deployment=path,
    )
    yield _with_code(tree, images, bare, path, image, source, options)


def _with_code(
    tree: Tree, images: Images, bare: Service, path: str, image: Word | None, source: Word | None, options: Options
) -> Service:
    entry, command = listed(options.get("--command")), listed(options.get("--args"))
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


def _of_action(tree: Tree, images: Images, node: Mapping, path: str) -> Service:
    given = below(node, "with")
    key = below(given, "service")
    image, source = text(given, "image"), below(given, "source")
    flags = below(given, "flags")
    options = (
        read_options(tuple(w for c in commands(Passage(flags.value, flags.at)) for w in c.words), VALUES, FLAGS)
        if isinstance(flags, Scalar)
        else read_options((), {})
    )
    count, count_at = most_of(options)
    lines = below(given, "env_vars")
    pairs = pairs_of(Word(",".join(lines.value.split("\n")), lines.at))[0] if isinstance(lines, Scalar) else []
    name = key.value if isinstance(key, Scalar) and "$" not in key.value else "service"
    bare = service(
        "cloudrun",
        name,
        key.at if key is not None else node.at,
        mounts=tuple(mounts_of(options)),
        environment=Environment(tuple(pairs), ("the service's variables on Cloud Run",)),
        replicas=count,
        replicas_at=count_at,
        replicas_most=True,
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
                mount_of(target.value, kind.replace("cloud_sql_instance", "cloud-sql"), text(node, "name"), target.at)
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
        replicas=number(most) or ANY,
        replicas_at=most.at if most else None,
        replicas_most=True,
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
