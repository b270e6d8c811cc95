"""Run targets of Makefiles and justfiles. They are how somebody starts the code by hand, on a machine of their own, so
they count only where nothing else in the tree deploys it, only where a server or a task worker is named, and as
development. README files are prose and are not read."""

from __future__ import annotations

import re

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found
from crewmem_doctor.facts.platforms.host import host_service
from crewmem_doctor.facts.platforms.syntax import folder_of, name_of
from crewmem_doctor.facts.servers import processes
from crewmem_doctor.model.deployment import Environment, Service
from crewmem_doctor.model.known import Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage

_TARGET = re.compile(r"([A-Za-z][\w.-]*)(?:[ \t]+[^:=]*)?:(?!=)")
_RUN = re.compile(
    r"(run|start|serve|server|prod|production|up|web|api|worker|app|backend)([-_].*)?|.*[-_](run|start|serve|server)"
)
_WEAK = ("unknown", "python", "crewai")


def read(tree: Tree, path: str, _images: Images) -> Found:
    body = tree.text(path)
    if body is None:
        return NOTHING
    folder = folder_of(path)
    services: list[Service] = []
    target = ""
    at = Location(path)
    for row, line in enumerate(body.split("\n"), 1):
        match = _TARGET.match(line)
        if match is not None:
            target, at = match[1], Location(path, row, 1, row, match.end(1) + 1)
        elif line[:1] in (" ", "\t") and line.strip() and _RUN.fullmatch(target):
            start = len(line) - len(line.lstrip(" \t@-+"))
            command = Passage.of(line[start:], path, row, start + 1)
            ran = tuple(p for p in processes(command, command.whole, None, tree, folder) if p.server not in _WEAK)
            if ran and not any(s.name == target for s in services):
                services.append(
                    host_service(
                        "make",
                        target,
                        at,
                        processes=ran,
                        context=folder,
                        dev=True,
                        deployment=path,
                        workdir=Unknown("it runs wherever the tree lies"),
                        environment=Environment((), ("the shell that starts it",)),
                    )
                )
    return found(services)


PLATFORM = Platform(
    "makefile",
    read,
    Dialect(
        "Makefile, justfile",
        "Makefile, justfile (only where nothing else deploys the code)",
        "servers and task workers that targets such as run, serve and worker start; as development: notes only",
        "request, worker",
        "where the tree lies, the shell's variables",
    ),
    wanted=lambda path: name_of(path) in ("makefile", "justfile"),
    weak=True,
)
