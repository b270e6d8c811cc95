"""Procfile (Heroku, Dokku) and heroku.yml: one service for each process type that stays."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, dockerfile_near, found, native, service
from crewmem_doctor.facts.platforms.syntax import (
    as_number,
    below,
    documents,
    entries,
    folder_of,
    mapping,
    name_of,
    number,
    passage,
    text,
)
from crewmem_doctor.model.deployment import Environment, Service, Setting, User
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.yaml import Mapping, Scalar, Sequence

_LINE = re.compile(r"([A-Za-z0-9_-]+)[ \t]*:[ \t]*(\S.*?)[ \t]*$")
_DEVELOPMENT = frozenset(("dev", "development", "local", "test", "debug"))
_RUNNERS = ("honcho", "foreman", "overmind", "hivemind", "goreman")
_OPEN = ("the app's config vars",)
# Heroku runs everything as an unprivileged user whose home is the code's own directory.
_DYNO = User("dyno", Known("/app"), None, root=False)


def read(tree: Tree, path: str, images: Images) -> Found:
    if name_of(path) in ("heroku.yml", "heroku.yaml"):
        return _container_stack(tree, path, images)
    body = tree.text(path)
    if body is None or _is_run_by_a_container(tree, images):
        return NOTHING
    suffix = name_of(path).removeprefix("procfile").strip(".-_")
    folder = folder_of(path)
    quantities, variables = _app_json(tree, folder)
    on_dokku = tree.exists(join_path(folder, "DOKKU_SCALE"))
    services = []
    for kind, at, command in _lines(body, path):
        if kind == "release":
            continue
        replicas = quantities.get(kind) or (Known(1, None, "medium"), None)
        bare = service(
            "procfile",
            kind,
            at,
            environment=Environment(variables, _OPEN),
            user=_DYNO,
            replicas=replicas[0],
            replicas_at=replicas[1],
            dev=suffix in _DEVELOPMENT,
            hidden_mounts="dokku storage:mount is set on the server" if on_dokku else "",
        )
        services.append(native(tree, bare, command, folder, "/app"))
    return found(services)


def _lines(body: str, path: str) -> Iterator[tuple[str, Location, Passage]]:
    """Each process type with its name's place and its command."""
    for row, line in enumerate(body.split("\n"), 1):
        match = _LINE.match(line)
        if match is not None:
            at = Location(path, row, 1, row, match.end(1) + 1)
            yield match[1], at, Passage.of(match[2], path, row, match.start(2) + 1)


def _is_run_by_a_container(tree: Tree, images: Images) -> bool:
    """Whether a Dockerfile starts a Procfile's processes itself: then they are processes of that container."""
    return any(runner in (tree.text(path) or "") for path in images.paths for runner in _RUNNERS)


def _app_json(tree: Tree, folder: str) -> tuple[dict[str, tuple[Answer[int], Location | None]], tuple[Setting, ...]]:
    """How many dynos of each type, and the variables that a new app gets."""
    quantities: dict[str, tuple[Answer[int], Location | None]] = {}
    scale = join_path(folder, "DOKKU_SCALE")
    for row, line in enumerate((tree.text(scale) or "").split("\n") if tree.exists(scale) else (), 1):
        kind, equals, count = line.partition("=")
        if equals:
            at = Location(scale, row, 1, row, len(line) + 1)
            quantities[kind.strip()] = as_number(count, at), at
    path = join_path(folder, "app.json")
    given = documents(tree, path)[0] if tree.exists(path) else []
    for kind_key, value in entries(given[0], "formation") if given else ():
        quantity = number(below(value, "quantity"))
        if quantity is not None:
            quantities[kind_key.value] = quantity, quantity.at
    variables = []
    for key, value in entries(given[0], "env") if given else ():
        said = value if isinstance(value, Scalar) else below(value, "value")
        if isinstance(said, Scalar):  # a new app starts with it, and its owner may change it
            variables.append(Setting(key.value, Known(said.value, said.at, "medium"), key.at))
    return quantities, tuple(variables)


def _container_stack(tree: Tree, path: str, images: Images) -> Found:
    given, gaps = documents(tree, path)
    if not given:
        return Found((), tuple(gaps))
    folder = folder_of(path)
    built = mapping(given[0], "build", "docker")
    quantities, variables = _app_json(tree, folder)
    services: list[Service] = []
    names = {key.value: key for key, _ in (*built.items(), *entries(given[0], "run"))}
    for kind, key in names.items():
        if kind == "release":
            continue
        command, file, target = _run(given[0], kind, built)
        replicas = quantities.get(kind) or (Known(1, None, "medium"), None)
        bare = service(
            "procfile",
            kind,
            key.at,
            environment=Environment(variables, _OPEN),
            replicas=replicas[0],
            replicas_at=replicas[1],
        )
        image = dockerfile_near(tree, images, folder, file, target=target)
        services.append(
            contained(tree, bare, image, command=command)
            if image is not None or built.entries
            else native(tree, bare, command, folder, "/app")
        )
    return found(services, gaps)


def _run(document: Mapping, kind: str, built: Mapping) -> tuple[Passage | None, str, str]:
    """The command of a process type, and the Dockerfile and stage of its image."""
    run = below(document, "run", kind)
    command = below(run, "command") if isinstance(run, Mapping) else run
    if isinstance(command, Sequence):
        command = command.items[0] if command.items else None
    image = text(run, "image") if isinstance(run, Mapping) else ""
    made = built.get(kind) or built.get(image) or built.get("web")
    file = text(made, "dockerfile") if isinstance(made, Mapping) else text(made)
    return passage(command), file, text(made, "target") if isinstance(made, Mapping) else ""


PLATFORM = Platform(
    "procfile",
    read,
    Dialect(
        "Heroku, Dokku",
        "Procfile, heroku.yml, app.json, DOKKU_SCALE",
        "process types (not `release`), their commands, quantities, a new app's variables, images of heroku.yml",
        "request, worker, restart, redeploy, replica, node",
        "config vars; dynos scaled by hand; what `dokku storage:mount` mounts",
    ),
    wanted=lambda path: (
        (name := name_of(path)) == "procfile"
        or name in ("heroku.yml", "heroku.yaml")
        or (name.startswith(("procfile.", "procfile-")) and not name.endswith((".txt", ".md", ".sample", ".example")))
    ),
)
