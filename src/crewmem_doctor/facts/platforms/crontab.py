"""Crontabs: commands that a machine runs by the clock, in the home of their user."""

from __future__ import annotations

import re

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found
from crewmem_doctor.facts.platforms.host import host_service, root_of
from crewmem_doctor.facts.platforms.syntax import folder_of, name_of
from crewmem_doctor.facts.servers import processes
from crewmem_doctor.model.deployment import Copied, Environment, Service, Setting, User
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage

_FIELD = r"[\d*/,\-A-Za-z#?]+"
_LINE = re.compile(rf"\s*(?:@\w+|{_FIELD}(?:[ \t]+{_FIELD}){{4}})[ \t]+(?P<rest>\S.*)$")
_SET = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$")
_USER = re.compile(r"([a-z_][a-z0-9_-]*)[ \t]+(?=\S)")
_CD = re.compile(r"(?:^|[;&]\s*)cd\s+[\"']?(/[^\s\"';&]*)")
_SOURCED = re.compile(r"(?:^|[;&]\s*)(?:\.|source)\s+([^\s;&]+)")
_KNOWN = frozenset(("root", "ubuntu", "www-data", "app", "appuser", "debian", "ec2-user", "admin", "deploy", "nobody"))


def read(tree: Tree, path: str, images: Images) -> Found:
    body = tree.text(path)
    if body is None or any("cron" in (tree.text(p) or "") for p in images.paths):
        return NOTHING  # a container runs it: its lines are processes of that container
    settings: list[Setting] = []
    services: list[Service] = []
    for row, line in enumerate(body.split("\n"), 1):
        if line.lstrip().startswith("#"):
            continue
        match, given = _LINE.match(line), _SET.match(line)
        if given is not None:
            at = Location(path, row, 1, row, len(line) + 1)
            settings.append(Setting(given[1], Known(given[2].strip("\"'"), at), at))
        elif match is not None:
            made = _job(tree, path, line, row, match.start("rest"), tuple(settings), len(services))
            services.extend([made] if made is not None else [])
    return found(services)


def _job(
    tree: Tree, path: str, line: str, row: int, start: int, settings: tuple[Setting, ...], count: int
) -> Service | None:
    user = _USER.match(line, start)
    name = "root" if "cron.d/" in path or path.endswith("etc/crontab") else ""
    if user is not None and (name or user[1] in _KNOWN):
        name, start = user[1], user.end()
    command = Passage.of(line[start:], path, row, start + 1)
    home: Answer[str] = (
        Known("/root")
        if name == "root"
        else Known(f"/home/{name}", None, "medium")
        if name
        else Unknown("whose crontab it is, is not known")
    )
    environment = Environment(settings, tuple(_SOURCED.findall(command.text)))
    own = environment.get("HOME")
    home = own.value if own is not None else home
    moved = _CD.search(command.text)
    target = moved[1].rstrip("/") if moved is not None else ""
    root = root_of(tree, path, target) if target else folder_of(path)
    copies = (Copied(root or ".", target, command.whole),) if target else ()
    ran = processes(
        command,
        command.whole,
        environment,
        tree,
        root,
        workdir=home if isinstance(home, Known) else Known("/"),
        copies=copies,
    )
    ran = tuple(p for p in ran if p.server != "unknown" or "python" in " ".join(p.words))
    if not ran:
        return None
    label = ran[0].target.rpartition("/")[2] or f"line {count + 1}"
    workdir: Answer[str] = home if isinstance(home, Known) else Unknown("cron starts in a home that is not known")
    return host_service(
        "cron",
        label,
        command.whole,
        environment=environment,
        processes=ran,
        copies=copies,
        context=root,
        workdir=workdir,
        user=User(name, home, None, name in ("root", "")),
        deployment=path,
    )


PLATFORM = Platform(
    "cron",
    read,
    Dialect(
        "crontab",
        "crontab, *.crontab, *.cron (where no container runs cron)",
        "commands with `cd`, variables, HOME, the user of a system crontab",
        "restart, redeploy",
        "whose crontab it is, unless it lies in cron.d",
    ),
    wanted=lambda path: (
        name_of(path) in ("crontab", "crontab.txt")
        or name_of(path).endswith((".crontab", ".cron"))
        or "/cron.d/" in f"/{path}"
    ),
)
