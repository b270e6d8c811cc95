"""Who a container runs as: the home and the directories of a user of an image."""

from __future__ import annotations

from crewmem_doctor.facts.dockerfile.image import Account, Image
from crewmem_doctor.model.deployment import Environment, User
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location

_ANYONE = ("/tmp", "/var/tmp", "/dev/shm")


def user_of(image: Image, spec: str, at: Location | None = None) -> User:
    """The user `spec` ("app", "1000", "1000:1000") of a container of that image.

    HOME of the image's environment wins over its passwd, as in Docker. A number that no account has gets the home "/".
    """
    name = spec.partition(":")[0].strip()
    account = _account(image.accounts, name)
    if name in ("", "root", "0") or (account is not None and account.uid == "0"):
        home, exists = _home(image.environment, Known("/root"), Known(True), image.made)
        return User("root", home, at, True, exists)
    if account is not None:
        passwd, made = account.home, account.made
        if isinstance(passwd, Known) and _made(passwd.value, image.made):
            made = Known(True)
    elif name.isdigit() and image.base_known:
        passwd, made = Known("/"), Known(True)
    else:
        passwd, made = (
            Unknown(f"the passwd of {image.base_image or 'the base image'} decides"),
            Unknown("the base image decides"),
        )
    home, exists = _home(image.environment, passwd, made, image.made)
    names = {name, account.name, account.uid} if account is not None else {name}
    return User(name, home, at, False, exists, _owned(image.owners, names))


def _account(accounts: tuple[Account, ...], name: str) -> Account | None:
    found = next((a for a in reversed(accounts) if a.name == name), None)
    return found or next((a for a in reversed(accounts) if a.uid == name and name), None)


def _home(
    environment: Environment, home: Answer[str], exists: Answer[bool], made: tuple[str, ...]
) -> tuple[Answer[str], Answer[bool]]:
    setting = environment.get("HOME")
    if setting is None:
        return home, exists
    value = setting.value
    if isinstance(value, Unknown) or not value.value:
        return (value, Unknown("HOME is not known")) if isinstance(value, Unknown) else (home, exists)
    if isinstance(home, Known) and home.value == value.value:
        return value, exists
    certain = _made(value.value, made) or value.value in (*_ANYONE, "/", "/root", "/home", "/var", "/opt", "/srv")
    return value, Known(True) if certain else Unknown(f"whether {value.value} exists is not known", setting.at)


def _made(path: str, made: tuple[str, ...]) -> bool:
    prefix = path.rstrip("/") + "/"
    return any(m == path or m.startswith(prefix) for m in made)


def _owned(owners: tuple[tuple[str, str], ...], names: set[str]) -> tuple[str, ...]:
    """The directories whose last owner is that user, with those that anybody may write. A change of owner takes along
    the directories inside, as `chown -R` does."""
    last: dict[str, str] = {}
    anybody: list[str] = []
    for path, owner in owners:
        if owner == "*":
            anybody.append(path)
            continue
        inside = path.rstrip("/") + "/"
        last.update({known: owner for known in last if known.startswith(inside)})
        last[path] = owner
    return tuple(dict.fromkeys((*(path for path, owner in last.items() if owner in names), *anybody, *_ANYONE)))
