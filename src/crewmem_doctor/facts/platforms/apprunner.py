"""apprunner.yaml: a service that App Runner builds from its source."""

from __future__ import annotations

from crewmem_doctor.facts.platforms.base import Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found, native, service
from crewmem_doctor.facts.platforms.syntax import (
    below,
    documents,
    folder_of,
    inside,
    items,
    name_of,
    named_settings,
    passage,
    text,
)
from crewmem_doctor.model.deployment import Environment, Setting
from crewmem_doctor.model.known import Unknown
from crewmem_doctor.sources.yaml import Scalar

_OPEN = ("the service's variables in App Runner",)


def read(tree: Tree, path: str, _images: Images) -> Found:
    given, gaps = documents(tree, path)
    if not given or not text(given[0], "runtime").startswith("python"):
        return Found((), tuple(gaps))
    run = below(given[0], "run")
    secrets = [
        Setting(key.value, Unknown("it comes from a secret", key.at), key.at, True)
        for item in items(run, "secrets")
        if isinstance(key := below(item, "name"), Scalar)
    ]
    variables = [*named_settings(below(given[0], "build", "env")), *named_settings(below(run, "env")), *secrets]
    folder = folder_of(path)
    command = below(run, "command")
    bare = service(
        "apprunner",
        folder.rpartition("/")[2] or "app",
        command.at if command is not None else given[0].at,
        environment=Environment(tuple(variables), _OPEN),
        deployment=path,
        replicas=Unknown("App Runner starts as many instances as its scaling allows"),
    )
    return found([native(tree, bare, passage(command), inside(folder, text(run, "source-directory")), "/app")], gaps)


PLATFORM = Platform(
    "apprunner",
    read,
    Dialect(
        "AWS App Runner",
        "apprunner.yaml",
        "run command, variables, secrets",
        "request, worker, restart, redeploy, node",
        "scaling, variables of the console",
    ),
    wanted=lambda path: name_of(path) in ("apprunner.yaml", "apprunner.yml"),
)
