"""supervisord on a machine of its own. Where a container runs it, its programs are processes of that container."""

from __future__ import annotations

import re
from dataclasses import replace

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found
from crewmem_doctor.facts.platforms.host import host_service, on_host
from crewmem_doctor.facts.platforms.ini import Section, sections
from crewmem_doctor.facts.platforms.syntax import name_of
from crewmem_doctor.model.deployment import Environment, Service, Setting, User
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.sources.passage import Passage

_PAIR = re.compile(r"""([A-Za-z_]\w*)=("[^"]*"|'[^']*'|[^,]*)""")
_OFF = ("false", "no", "0", "off")


def read(tree: Tree, path: str, images: Images) -> Found:
    body = tree.text(path)
    if body is None or "[program:" not in body or _is_in_a_container(tree, path, images):
        return NOTHING
    common = next((s for s in sections(body, path) if s.name == "supervisord"), None)
    foreground = common.last("nodaemon") if common is not None else None
    if images.paths and foreground is not None and foreground.text.lower() not in _OFF:
        return NOTHING  # made to be the first process of a container
    made = [
        _program(tree, path, section, common) for section in sections(body, path) if section.name.startswith("program:")
    ]
    return found(service for service in made if service is not None)


def _is_in_a_container(tree: Tree, path: str, images: Images) -> bool:
    """Whether a Dockerfile or a Compose file of the tree speaks of supervisord or of this file."""
    name = path.rpartition("/")[2]
    texts = [tree.text(p) or "" for p in (*images.paths, *tree.match("*compose*.y*ml"))]
    return any("supervisord" in text or (name != "supervisord.conf" and name in text) for text in texts)


def _program(tree: Tree, path: str, section: Section, common: Section | None) -> Service | None:
    command = section.last("command")
    autostart = section.last("autostart")
    if command is None or (autostart is not None and autostart.text.lower() in _OFF):
        return None
    settings: list[Setting] = []
    for owner in (common, section):
        variables = owner.last("environment") if owner is not None else None
        for match in _PAIR.finditer(variables.text if variables is not None else ""):
            value = match[2].strip().strip("\"'")
            at = variables.at(*match.span()) if variables is not None else section.at
            said: Answer[str] = Unknown("supervisord fills it in", at) if "%(" in value else Known(value, at)
            settings.append(Setting(match[1], said, at))
    directory = section.last("directory") or (common.last("directory") if common is not None else None)
    name = section.name.partition(":")[2].strip()
    user = section.last("user") or (common.last("user") if common is not None else None)
    bare = host_service(
        "supervisord",
        name,
        section.at,
        deployment=path,
        user=_user(user),
        environment=Environment(tuple(settings), ("the environment that supervisord was started in",)),
    )
    text = re.sub(r"%\(ENV_(\w+)\)s", r"${\1}", command.text)
    passage = command if text == command.text else Passage(text, command.whole)
    copies = section.last("numprocs")
    made = on_host(tree, bare, passage, path, directory.text if directory is not None else "")
    return _multiplied(made, copies)


def _multiplied(made: Service, copies: Passage | None) -> Service:
    if copies is None or not re.fullmatch(r"\d{1,6}", copies.text) or int(copies.text) < 2:
        return made
    count, at = int(copies.text), copies.whole
    processes = tuple(
        replace(p, workers=Known(p.workers.value * count, at), workers_at=at) if isinstance(p.workers, Known) else p
        for p in made.processes
    )
    return replace(made, processes=processes)


def _user(given: Passage | None) -> User:
    """supervisord changes the user of a program, but leaves HOME as it is."""
    if given is None or given.text in ("root", "0"):
        return User("root", Known("/root", None, "medium"))
    return User(given.text, Known("/root", None, "medium"), given.whole, root=False)


PLATFORM = Platform(
    "supervisord",
    read,
    Dialect(
        "supervisord (on a machine)",
        "supervisord.conf and other *.conf, *.ini with [program:…] that no container runs",
        "programs, numprocs, directory, environment, user",
        "request, worker, restart, redeploy",
        "the environment that supervisord itself was started in",
    ),
    wanted=lambda path: name_of(path).endswith((".conf", ".ini")),
)
