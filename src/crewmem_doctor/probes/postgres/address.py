"""A database URL, in SQLAlchemy's, asyncpg's or libpq's spelling, as libpq's parameters."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

from crewmem_doctor.errors import CrewmemError

# How asyncpg and JDBC say sslmode; asyncpg's own words are libpq's.
_SSL = {"true": "require", "1": "require", "on": "require", "false": "disable", "0": "disable", "off": "disable"}
_PRIVATE = ("password", "sslpassword", "passfile", "oauth_client_secret", "scram_client_key", "scram_server_key")
_ENCODE = "write / ? # @ and : of the password as %2F %3F %23 %40 and %3A"


class Unreadable(CrewmemError):
    """The URL cannot be read. The text holds no part of it, since any part may be the password's."""


def libpq_url(url: str, keywords: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """The URL as libpq reads it, and the names of the options left out because they are other libraries'.

    `keywords` are the parameters that this libpq knows. Raises Unreadable.
    """
    rest = url.partition("://")[2].partition("#")
    if rest[1] and "@" in rest[2]:
        raise Unreadable(f"the URL has a # in its password: {_ENCODE}")
    place, _, query = rest[0].partition("?")
    authority, slash, database = place.partition("/")
    if authority.count("@") > 1 or "@" in database or ("@" not in authority and "@" in query.partition("=")[0]):
        raise Unreadable(f"the URL has a reserved character in its password: {_ENCODE}")
    known = set(keywords)
    kept: dict[str, list[str]] = {}
    dropped: list[str] = []
    for pair in filter(None, query.split("&")):
        name, mark, value = pair.partition("=")
        name = unquote(name)
        if name == "ssl":
            name, value = "sslmode", _SSL.get(value.lower(), value)
        if name in known and mark:
            kept.setdefault(name, []).append(value)
        else:
            dropped.append(name)
    pairs = {name: values[-1] for name, values in kept.items()}
    if "host" in kept:
        pairs.update(_hosts(kept["host"], pairs.get("port")))
    options = "&".join(f"{name}={value}" for name, value in pairs.items())
    return f"postgresql://{authority}{slash}{database}" + ("?" + options if options else ""), tuple(dropped)


def _hosts(values: list[str], port: str | None) -> Mapping[str, str]:
    """SQLAlchemy names several hosts by several `host` options, each with its port: host=a:1&host=b:2."""
    words = [word for value in values for word in unquote(value).split(",")]
    split = [re.fullmatch(r"([^:/]+|\[[^\]]+\]):(\d+)", word) for word in words]
    if not any(split) and len(values) == 1:
        return {}
    hosts = ",".join(match[1].strip("[]") if match else word for match, word in zip(split, words, strict=True))
    ports = ",".join(match[2] if match else (port or "") for match in split)
    return {"host": quote(hosts, safe=","), "port": ports}


def checked(parameters: Mapping[str, str | None]) -> dict[str, str]:
    """`parameters` as libpq read them. Raises Unreadable where a port is none: then it is a piece of a password."""
    found = {name: str(value) for name, value in parameters.items() if value is not None}
    if not re.fullmatch(r"(?:\d{0,5})(?:,\d{0,5})*", found.get("port", "")):
        raise Unreadable(f"the URL's port is no number: {_ENCODE}")
    if "@" in found.get("host", "") and not found["host"].startswith(("@", "/")):
        raise Unreadable(f"the URL's host is no name: {_ENCODE}")
    return found


def described(parameters: Mapping[str, str]) -> dict[str, str]:
    """What of the parameters may be shown."""
    return {name: value for name, value in parameters.items() if name not in _PRIVATE}


def psql(parameters: Mapping[str, str], statement: str) -> str:
    """The command with which a person would run a statement there. psql asks for the password."""
    words = " ".join(f"{name}={_value(value)}" for name, value in described(parameters).items())
    return f"psql {shlex.quote(words)} -c {shlex.quote(statement)}"


def _value(value: str) -> str:
    if re.fullmatch(r"[^\s'\\]+", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
