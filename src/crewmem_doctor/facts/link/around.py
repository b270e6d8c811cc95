"""What a process of a service finds around it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from crewmem_doctor.facts.link.container import in_container
from crewmem_doctor.model.code import EnvWrite
from crewmem_doctor.model.deployment import Process, Service
from crewmem_doctor.model.expression import Surroundings, evaluate, join_path
from crewmem_doctor.model.known import Answer, Known

# What decides a path. A missing env_file is no reason to think that it sets one of these, unless the tree's own examples
# of environment files name it.
PATH_VARIABLES = frozenset({"CREWAI_STORAGE_DIR", "XDG_DATA_HOME", "HOME", "TMPDIR"})

Lookup = Callable[[str], "Answer[str] | None"]


def surroundings(service: Service, process: Process | None, imported: set[str], writes: Iterable[EnvWrite],
                 hinted: Collection[str]) -> Surroundings:
    """`imported` are the modules that the process has loaded, `writes` what code anywhere puts into the environment."""
    cwd = _cwd(service, process)
    given = {s.name: s.value for s in process.environment} if process else {}

    def plain(name: str) -> Answer[str] | None:
        if name in given:
            return given[name]
        if name in PATH_VARIABLES and name not in hinted:
            setting = service.environment.get(name)
            return setting.value if setting else None
        return service.environment.lookup(name)

    home = plain("HOME") or service.user.home

    def source(path: str) -> Answer[str]:
        return in_container(service, path if path.endswith(".py") else path.rstrip("/") + "/.")

    bare = Surroundings(cwd=cwd, home=home, variable=plain, source=source)
    written = _written(writes, imported, bare, plain)

    def variable(name: str) -> Answer[str] | None:
        return written[name] if name in written else plain(name)

    tempdir = plain("TMPDIR") or Known("/tmp")
    return Surroundings(cwd=cwd, home=variable("HOME") or home, variable=variable, source=source, tempdir=tempdir)


def _cwd(service: Service, process: Process | None) -> Answer[str]:
    directory = process.directory if process else ""
    if process and directory and "--app-dir" not in process.words:
        if directory.startswith("/"):
            return Known(directory)
        if isinstance(service.workdir, Known):
            return Known(join_path(service.workdir.value, directory))
    return service.workdir


def _written(writes: Iterable[EnvWrite], imported: set[str], around: Surroundings,
             plain: Lookup) -> Mapping[str, Answer[str]]:
    """What the code itself puts into the environment. A `setdefault` yields to what the deployment sets."""
    out: dict[str, Answer[str]] = {}
    for write in writes:
        if imported and write.at.path not in imported and write.at_import:
            continue
        if write.weak and (write.name in out or plain(write.name) is not None):
            continue
        out[write.name] = replace(evaluate(write.value, around), at=write.at)
    return out
