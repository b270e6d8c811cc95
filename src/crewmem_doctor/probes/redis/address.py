"""Redis and Valkey URLs. No driver is needed to read one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from crewmem_doctor.errors import CrewmemError
from crewmem_doctor.model.record import dataclass

Mode = Literal["single", "cluster", "sentinel"]
PORT, SENTINEL_PORT = 6379, 26379
# As redis-py spells them, and as Celery and Python's ssl module do.
CERTIFICATES = {"none": "none", "optional": "optional", "required": "required", "cert_none": "none",
                "cert_optional": "optional", "cert_required": "required"}
TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_ENCODE = "the URL's host and port cannot be read; a password that holds one of / ? # @ must be percent-encoded"


class BadAddress(CrewmemError):
    """A URL that cannot be read. The text holds nothing of its userinfo."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and how to get in. `nodes` are the servers of a single or cluster URL and the sentinels of a
    sentinel URL, `service` the name under which sentinels know the primary. `socket` is the path of a unix socket.
    `tls` are the keywords that redis-py takes, None without TLS. `key_prefix` stands before the probe's key, for
    users who may only touch keys of some pattern."""

    mode: Mode
    nodes: tuple[tuple[str, int], ...]
    db: int = 0
    username: str = ""
    password: str = ""
    service: str = ""
    socket: str = ""
    tls: Mapping[str, str | bool] | None = None
    key_prefix: str = ""
    sentinel_username: str = ""
    sentinel_password: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What may say that this is production."""
        return (*(host for host, _ in self.nodes), *filter(None, (self.service, self.socket)))

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(word for word in (self.password, self.sentinel_password) if word)

    def job(self) -> dict[str, Any]:
        """What a worker needs to get there, as JSON can carry it."""
        return {name: getattr(self, name) for name in (
            "mode", "nodes", "db", "username", "password", "service", "socket", "sentinel_username",
            "sentinel_password")} | {"tls": None if self.tls is None else dict(self.tls)}

    def command(self, *words: str) -> str:
        """The redis-cli command line that a person would type. It asks for the password."""
        host, port = self.nodes[0] if self.nodes else ("", 0)
        if self.socket:
            out = ["-s", self.socket]
        elif self.mode == "sentinel":
            out = ["-h", "PRIMARY", "-p", str(PORT)]
        else:
            out = ["-h", host, "-p", str(port)]
        out += ["-c"] if self.mode == "cluster" else []
        out += ["-n", str(self.db)] if self.db else []
        if self.tls is not None:
            out += ["--tls"]
            out += ["--cacert", str(self.tls["ssl_ca_certs"])] if "ssl_ca_certs" in self.tls else []
            out += ["--insecure"] if self.tls["ssl_cert_reqs"] == "none" else []
        line = shlex.join(["redis-cli", *out])
        line += ' --user "$REDIS_USER"' if self.username else ""
        line += " --askpass" if self.password else ""
        return f"{line} {shlex.join(words)}"


def read(url: str) -> Address:
    """The address that a URL names. Raises BadAddress."""
    try:
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    except ValueError:
        raise BadAddress("the URL cannot be read") from None
    if "@" in parts.path + parts.fragment or ("@" in parts.query and "=" not in parts.query):
        raise BadAddress(_ENCODE)
    scheme = parts.scheme.lower()
    mode: Mode = "sentinel" if scheme.endswith("+sentinel") else "cluster" if scheme.endswith("+cluster") else "single"
    userinfo, _, hosts = parts.netloc.rpartition("@")
    username, _, password = userinfo.partition(":")
    path = unquote(parts.path)
    unix = path if mode == "single" and not hosts and path.count("/") > 1 else ""
    service, number = _path("" if unix else path, mode)
    return Address(
        mode, () if unix else _nodes(hosts, SENTINEL_PORT if mode == "sentinel" else PORT, mode),
        _database(options.get("db") or number or "0"),
        unquote(username) or options.get("username", ""), unquote(password) or options.get("password", ""), service,
        unix, _tls(options) if scheme.startswith(("rediss", "valkeys")) else None, options.get("key_prefix", ""),
        options.get("sentinel_username", ""), options.get("sentinel_password", ""))


def _path(path: str, mode: Mode) -> tuple[str, str]:
    """The sentinels' service and the database."""
    words = path.strip("/").split("/")
    if mode != "sentinel":
        return "", words[0]
    if not words[0]:
        raise BadAddress("a sentinel URL ends with the name of the service: redis+sentinel://host:26379/SERVICE")
    return words[0], words[1] if len(words) > 1 else ""


def _nodes(hosts: str, port: int, mode: Mode) -> tuple[tuple[str, int], ...]:
    out: list[tuple[str, int]] = []
    for word in hosts.split(",") if mode != "single" else [hosts]:
        try:
            parts = urlsplit(f"//{word}")
            out.append((unquote(parts.hostname or "localhost"), parts.port or port))
        except ValueError:
            raise BadAddress(_ENCODE) from None
    return tuple(out)


def _database(word: str) -> int:
    if not word.isdecimal():
        raise BadAddress("the URL's database is no number")
    return int(word)


def _tls(options: Mapping[str, str]) -> Mapping[str, str | bool]:
    asked = options.get("ssl_cert_reqs", "required").lower()
    if asked not in CERTIFICATES:
        raise BadAddress(f"ssl_cert_reqs={asked} is none of none, optional, required")
    checks = CERTIFICATES[asked]
    named = options.get("ssl_check_hostname", "true").lower() not in ("false", "0", "no", "off", "n", "f")
    out: dict[str, str | bool] = {"ssl_cert_reqs": checks, "ssl_check_hostname": named and checks != "none"}
    return out | {name: options[name] for name in TLS_FILES if options.get(name)}
