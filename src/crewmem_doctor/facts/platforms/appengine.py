"""app.yaml of App Engine, standard and flexible, for Python."""

from __future__ import annotations

import re
from dataclasses import replace

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, dockerfile_near, found, native, service
from crewmem_doctor.facts.platforms.syntax import below, documents, folder_of, name_of, number, passage, settings, text
from crewmem_doctor.model.deployment import Environment, User
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.yaml import Mapping

_TARGET = "/workspace"
_ANY = Unknown("App Engine starts as many instances as the traffic needs")
# Without an entrypoint the standard runtime starts the application `app` of main.py.
_DEFAULT = "gunicorn main:app"


def read(tree: Tree, path: str, images: Images) -> Found:
    given, gaps = documents(tree, path)
    document = given[0] if given else None
    runtime = text(document, "runtime")
    flexible = text(document, "env") in ("flex", "flexible") or text(document, "vm") == "true"
    if document is None or not (re.fullmatch(r"python(\d+)?", runtime) or (runtime == "custom" and flexible)):
        return NOTHING  # another platform's app.yaml
    folder = folder_of(path)
    key = next((k for name in ("service", "module", "runtime") if (k := document.key(name)) is not None), None)
    name = text(document, "service") or text(document, "module") or "default"
    count, count_at = _replicas(document, flexible)
    bare = service(
        "gae",
        name,
        key.at if key is not None else document.at,
        disk="gae-flex" if flexible else "gae",
        environment=Environment(settings(below(document, "env_variables"))),
        replicas=count,
        replicas_at=count_at,
        replicas_most=below(document, "manual_scaling") is None,
        deployment=path,
    )
    if runtime == "custom":
        return found([contained(tree, bare, dockerfile_near(tree, images, folder))], gaps)
    if not flexible:
        bare = replace(
            bare,
            read_only_root=Known(True, key.at if key else None),
            writable=("/tmp",),
            user=User("nonroot", Known("/root", None, "medium"), None, root=False),
        )
    command = passage(below(document, "entrypoint")) or passage(below(document, "entrypoint", "shell"))
    if command is None and not flexible:
        command = Passage(_DEFAULT, key.at if key is not None else document.at)
    return found([native(tree, bare, command, folder, "/app" if flexible else _TARGET)], gaps)


def _replicas(document: Mapping, flexible: bool) -> tuple[Answer[int], Location | None]:
    for keys in (
        ("manual_scaling", "instances"),
        ("automatic_scaling", "max_instances"),
        ("basic_scaling", "max_instances"),
        ("automatic_scaling", "max_num_instances"),
    ):
        node = below(document, *keys)
        count = number(node)
        if node is not None and count is not None:
            return count, node.at
    return (
        Unknown("App Engine starts up to twenty instances, unless max_num_instances says otherwise")
        if flexible
        else _ANY
    ), None


PLATFORM = Platform(
    "appengine",
    read,
    Dialect(
        "App Engine",
        "app.yaml (runtime python…, or custom in the flexible environment)",
        "entrypoint, env_variables, instances and scaling, read-only disk of the standard environment",
        "request, worker, restart, redeploy, replica, node",
        "the number of instances without a maximum",
    ),
    wanted=lambda path: re.fullmatch(r"(app|[\w.-]*app)([._-][\w-]+)?\.ya?ml", name_of(path)) is not None,
)
