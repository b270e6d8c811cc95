"""What decides whether a Redis keeps its records: its command line, its own variables, its mounted configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from crewmem_doctor.model.deployment import Service, Setting
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.shell import split

_SERVERS = frozenset(("redis", "valkey", "keydb"))
_NAMES = ("save", "appendonly", "maxmemory", "maxmemory-policy", "dir")
_VARIABLES = ("REDIS_ARGS", "REDIS_EXTRA_FLAGS", "VALKEY_EXTRA_FLAGS", "REDIS_FLAGS")


def with_settings(service: Service, tree: Tree) -> Service:
    """The service with the settings of its server, the strongest last; others than Redis and its kin as they are."""
    if service.backing not in _SERVERS:
        return service
    return replace(service, configured=(*_files(service, tree), *_variables(service), *_flags(service)))


def _flags(service: Service) -> Iterator[Setting]:
    for process in service.processes:
        yield from _options(process.words, process.at)


def _variables(service: Service) -> Iterator[Setting]:
    for name in _VARIABLES:
        setting = service.environment.get(name)
        if setting is not None and isinstance(setting.value, Known):
            yield from _options([word.text for word in split(setting.value.value, setting.at)], setting.at)
    aof = service.environment.get("REDIS_AOF_ENABLED") or service.environment.get("VALKEY_AOF_ENABLED")
    if aof is not None:
        yield Setting("appendonly", aof.value, aof.at)


def _options(words: Iterable[str], at: Location) -> Iterator[Setting]:
    """`--name value …`, where a value may be several words and each option may stand in one word with its value."""
    name = ""
    values: list[str] = []
    for word in [part for given in words for part in (given.split() if given.startswith("--") else [given])]:
        if word.startswith("--"):
            if name in _NAMES:
                yield Setting(name, Known(_text(values), at), at)
            name, values = word[2:].lower(), []
        else:
            values.append(word)
    if name in _NAMES:
        yield Setting(name, Known(_text(values), at), at)


def _text(values: list[str]) -> str:
    return " ".join(value.strip("\"'") for value in values).strip()


def _files(service: Service, tree: Tree) -> Iterator[Setting]:
    """The configuration file that the command names, where it comes from the tree."""
    named = [word for process in service.processes for word in process.words if word.endswith(".conf")]
    for name in named or ["/opt/bitnami/redis/mounted-etc/overrides.conf", "/redis-stack.conf"]:
        path = _in_tree(service, tree, name)
        for number, line in enumerate((tree.text(path) or "").split("\n") if path else (), 1):
            key, _, value = line.strip().partition(" ")
            if key.lower() in _NAMES:
                at = Location(path, number, line.index(key) + 1, number, len(line.rstrip()) + 1)
                yield Setting(key.lower(), Known(_text(value.split()), at), at)


def _in_tree(service: Service, tree: Tree, name: str) -> str:
    """The tree's path of a file of the container; empty where the tree does not hold it."""
    for copied in reversed(service.copies):
        target = copied.target.rstrip("/")
        if name == target or name.startswith(target + "/"):
            path = join_path(copied.source, name[len(target):].lstrip("/")) if name != target else copied.source
            path = path.removeprefix("./")
            if tree.exists(path) and not tree.is_dir(path):
                return path
    return ""
