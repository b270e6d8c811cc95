"""What the joins need to know before the code is read, and of files that no reader takes apart."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crewmem_doctor.facts.link.around import PATH_VARIABLES
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.sources.discover import Tree


def started_scripts(services: Iterable[Service], python: Iterable[str]) -> list[str]:
    """The scripts that services start: one may be a server or a task worker that itself never names CrewAI."""
    processes = [p for s in services for p in s.processes if p.server == "python"]
    words = {word for p in processes for word in p.words}
    names = {word.rpartition("/")[2] for word in words if word.endswith(".py")}
    targets = {p.target.partition(":")[0] for p in processes if not p.target.endswith(".py")}
    modules = {"/" + target.replace(".", "/") for target in targets if target}
    endings = tuple(module + end for module in modules for end in (".py", "/__main__.py"))
    return [path for path in python if path.rpartition("/")[2] in names or ("/" + path).endswith(endings)]


def hinted_variables(tree: Tree) -> set[str]:
    """The path variables that the tree's examples of environment files name: a missing env_file may set those."""
    texts = [tree.read(path) or b"" for path in tree.named(lambda name: ".env" in name or name.startswith("env."))]
    given = {name: re.compile(rb"^[ \t]*(?:export )?" + name.encode() + rb"=", re.MULTILINE) for name in PATH_VARIABLES}
    return {name for name, pattern in given.items() if any(pattern.search(text) for text in texts)}
