"""systemd units: what they run on a machine, as whom, and what their sandbox leaves writable."""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import found
from crewmem_doctor.facts.platforms.host import host_service, on_host, root_of
from crewmem_doctor.facts.platforms.ini import Section, sections
from crewmem_doctor.facts.platforms.syntax import folder_of, name_of
from crewmem_doctor.model.deployment import Environment, Mount, Service, Setting, User
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.dotenv import parse
from crewmem_doctor.sources.shell import split

_TRUE = ("yes", "true", "on", "1")
_READ_ONLY = {"true": ("/usr", "/boot"), "full": ("/usr", "/boot", "/etc")}
# (setting, below which directory, the variable that names it)
_DIRECTORIES = (
    ("StateDirectory", "/var/lib", "STATE_DIRECTORY"),
    ("CacheDirectory", "/var/cache", "CACHE_DIRECTORY"),
    ("LogsDirectory", "/var/log", "LOGS_DIRECTORY"),
    ("RuntimeDirectory", "/run", "RUNTIME_DIRECTORY"),
)


def read(tree: Tree, path: str, _images: Images) -> Found:
    body = tree.text(path)
    unit = next((s for s in sections(body or "", path) if s.name == "Service"), None)
    commands = unit.all("ExecStart") if unit is not None else []
    if unit is None or not commands:
        return NOTHING
    dynamic = _is_on(unit, "DynamicUser")
    user = _user(unit, dynamic)
    directory = _directory(unit, user)
    strict, read_only = _protected(unit, dynamic)
    mounts = tuple(_mounts(unit, dynamic, strict, user))
    environment = _environment(tree, unit, path, directory)
    name = path.rpartition("/")[2].removesuffix(".service").partition("@")[0]
    services: list[Service] = []
    for command in commands:
        start = len(command.text) - len(command.text.lstrip("@-:+!|"))
        bare = host_service(
            "systemd",
            name,
            command.whole,
            mounts=mounts,
            read_only=read_only,
            environment=environment,
            user=user,
            deployment=folder_of(path) or path,
        )
        services.append(on_host(tree, bare, command.part(start, len(command.text)), path, directory))
    return found(services[-1:])


def _is_on(unit: Section, key: str) -> bool:
    value = unit.last(key)
    return value is not None and value.text.lower() in _TRUE


def _user(unit: Section, dynamic: bool) -> User:
    """systemd sets HOME to what the passwd says of `User=`; a dynamic user has none."""
    given = unit.last("User")
    if dynamic:
        return User(given.text if given else "dynamic", Known("/"), given.whole if given else None, root=False)
    if given is None or given.text in ("root", "0"):
        return User("root", Known("/root"))
    home: Answer[str] = (
        Unknown("a specifier names the user") if "%" in given.text else Known(f"/home/{given.text}", None, "medium")
    )
    return User(given.text, home, None, root=False)


def _directory(unit: Section, user: User) -> str:
    """The working directory: the root where none is set."""
    given = unit.last("WorkingDirectory")
    text = given.text.lstrip("-") if given is not None else "/"
    if text.startswith(("~", "%h")):
        home = user.home.value if isinstance(user.home, Known) else ""
        return home + text[2 if text.startswith("%h") else 1 :] if home else ""
    return text


def _protected(unit: Section, dynamic: bool) -> tuple[str, Location | None]:
    """How much ProtectSystem closes, and where it says that all of the root is read-only."""
    given = unit.last("ProtectSystem")
    text = given.text.lower() if given is not None else "strict" if dynamic else ""
    implied = unit.last("DynamicUser") if dynamic else None
    at = given or implied
    return text, at.whole if text == "strict" and at is not None else None


def _mounts(unit: Section, dynamic: bool, strict: str, user: User) -> Iterator[Mount]:
    private = unit.last("PrivateTmp") or (unit.last("DynamicUser") if dynamic else None)
    if private is not None and private.text.lower() not in ("no", "false", "off", "0"):
        yield from (Mount(t, "tmpfs", private.whole, "PrivateTmp", durable=False) for t in ("/tmp", "/var/tmp"))
    closed = unit.last("ProtectSystem")
    level = "true" if strict in _TRUE else strict
    if closed is not None:
        yield from (_host(target, closed.whole, read_only=True) for target in _READ_ONLY.get(level, ()))
    home = unit.last("ProtectHome") or (unit.last("DynamicUser") if dynamic else None)
    word = home.text.lower() if home is not None else ""
    if home is not None and word not in ("no", "false", "off", "0"):
        shown = word == "read-only" or (dynamic and unit.last("ProtectHome") is None)
        for target in ("/home", "/root", "/run/user"):
            yield (
                _host(target, home.whole, read_only=True)
                if shown
                else Mount(target, "tmpfs", home.whole, "ProtectHome", durable=False, read_only=True)
            )
    for key in ("ReadOnlyPaths", "InaccessiblePaths", "ReadWritePaths"):
        for value in unit.all(key):
            for word_ in split(value, value.whole):
                target = word_.text.lstrip("-+")
                if target.startswith("/") and "%" not in target:
                    yield _host(target, word_.at, read_only=key != "ReadWritePaths")
    for value in unit.all("TemporaryFileSystem"):
        for word_ in split(value, value.whole):
            yield Mount(word_.text.partition(":")[0], "tmpfs", word_.at, "TemporaryFileSystem", durable=False)
    for key, above, _ in _DIRECTORIES:
        for target, at in _named(unit, key, above):
            if key == "RuntimeDirectory":
                yield Mount(target, "tmpfs", at, key, durable=False)
            else:
                yield _host(target, at)


def _host(target: str, at: Location, read_only: bool = False) -> Mount:
    target = target.rstrip("/") or "/"
    return Mount(target, "hostpath", at, source=target, shared=True, read_only=read_only, local=True)


def _named(unit: Section, key: str, above: str) -> Iterator[tuple[str, Location]]:
    for value in unit.all(key):
        for word in split(value, value.whole):
            name = word.text.partition(":")[0]
            if name and "%" not in name and not name.startswith("/"):
                yield join_path(above, name), word.at


def _environment(tree: Tree, unit: Section, path: str, directory: str) -> Environment:
    """EnvironmentFile wins over Environment. A `-` before its name says that it may be missing."""
    out: list[Setting] = []
    missing: list[str] = []
    for key, above, variable in _DIRECTORIES:
        named = list(_named(unit, key, above))
        if named:
            out.append(Setting(variable, Known(":".join(target for target, _ in named), named[0][1]), named[0][1]))
    for value in unit.all("Environment"):
        for word in split(value, value.whole):
            name, equals, text = word.text.partition("=")
            if equals:
                said: Answer[str] = (
                    Unknown("a specifier fills it in", word.at)
                    if "%" in text.replace("%%", "")
                    else Known(text.replace("%%", "%"), word.at)
                )
                out.append(Setting(name, said, word.at))
    for value in unit.all("EnvironmentFile"):
        file = _in_tree(tree, path, directory, value.text.lstrip("-"))
        if file:
            out.extend(
                Setting(v.name, Known(v.value, v.at), v.at)
                for v in parse(tree.text(file) or "", file)
                if v.value is not None
            )
        else:
            missing.append(f"EnvironmentFile {value.text.lstrip('-')}, which is not in this tree")
    for value in unit.all("PassEnvironment"):
        out.extend(
            Setting(word.text, Unknown("it is passed on from systemd", word.at), word.at)
            for word in split(value, value.whole)
        )
    return Environment(tuple(out), tuple(missing))


def _in_tree(tree: Tree, path: str, directory: str, given: str) -> str:
    """A file of the machine that the tree holds: it lies below the working directory."""
    prefix = directory.rstrip("/") + "/"
    if directory in ("", "/") or not given.startswith(prefix):
        return ""
    file = join_path(root_of(tree, path, directory), given[len(prefix) :])
    return file if tree.exists(file) and not tree.is_dir(file) else ""


PLATFORM = Platform(
    "systemd",
    read,
    Dialect(
        "systemd",
        "*.service",
        "ExecStart, WorkingDirectory, Environment, EnvironmentFile, User, DynamicUser, "
        "State-, Cache-, Logs- and RuntimeDirectory, PrivateTmp, ProtectHome, ProtectSystem, ReadOnlyPaths",
        "request, worker, restart, redeploy",
        "drop-ins, specifiers, environment files of the machine",
    ),
    wanted=lambda path: name_of(path).endswith(".service"),
)
