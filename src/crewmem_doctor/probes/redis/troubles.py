"""What went wrong between a client and a Redis server, by name. Runs in a worker, where the driver is.

A name is the server's own error code where there is one, else a word for what the network did.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path

import redis
from redis import exceptions

UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}
# redis-py before 7 does not keep the code that it took off the front of a message.
CODES: tuple[tuple[type[BaseException], str], ...] = (
    (exceptions.ReadOnlyError, "READONLY"), (exceptions.NoPermissionError, "NOPERM"), (exceptions.MovedError, "MOVED"),
    (exceptions.OutOfMemoryError, "OOM"), (exceptions.BusyLoadingError, "LOADING"),
    (exceptions.MasterDownError, "MASTERDOWN"), (exceptions.ClusterDownError, "CLUSTERDOWN"),
    (exceptions.AuthenticationError, "WRONGPASS"),
)


class Trouble(Exception):
    """Something that has a name. `where` is the server's host and port."""

    def __init__(self, name: str, words: str, where: str = "") -> None:
        super().__init__(words)
        self.name, self.words, self.where = name, words, where


def named(error: BaseException, where: str) -> Trouble:
    """What an error of the driver or of the network comes to, as a sentence about the server at `where`."""
    if isinstance(error, Trouble):
        return error
    name, words = _network(error, where) or _server(error, where)
    return Trouble(name, words, where)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _network(error: BaseException, where: str) -> tuple[str, str] | None:
    for cause in _chain(error):
        if isinstance(cause, socket.gaierror):
            return "DNS", f"the name of {where} cannot be resolved ({cause.strerror or cause})"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "CERTIFICATE", f"the certificate of {where} is not accepted: {cause.verify_message or cause.reason}"
        if isinstance(cause, ssl.SSLError) and "timed out" not in str(cause):
            return "TLS", f"the TLS handshake with {where} failed: {cause.reason or cause}"
        if isinstance(cause, ConnectionRefusedError):
            return "REFUSED", f"{where} refused the connection"
        if isinstance(cause, FileNotFoundError | PermissionError):
            return _file(cause, where)
        if isinstance(cause, OSError) and cause.errno in UNREACHABLE:
            return "UNREACHABLE", f"there is no way to {where}: {cause.strerror}"
        if isinstance(cause, redis.TimeoutError | TimeoutError):
            if "connecting" in str(error):
                return "TIMEOUT", f"no connection to {where} came about in time"
            return "TIMEOUT", f"{where} took the connection and did not answer in time"
        if isinstance(cause, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
            return "CLOSED", f"{where} reset the connection"
        if isinstance(cause, exceptions.InvalidResponse):
            return "PROTOCOL", f"what answers at {where} does not speak the protocol of Redis"
    text = str(error)
    if type(error) is redis.ConnectionError and "max number of clients" in text:
        return "CLIENTS", f"{where} has no connection left: max number of clients reached"
    if type(error) is redis.ConnectionError:
        return "CLOSED", f"{where} closed the connection"
    return None


def _file(cause: OSError, where: str) -> tuple[str, str]:
    """A unix socket, or a file that the TLS options name."""
    name = str(cause.filename or "")
    if name and name != where.removeprefix("unix:"):
        return "FILE", f"{name} cannot be read: {cause.strerror}"
    return "REFUSED", f"{where} cannot be opened: {cause.strerror}"


def _server(error: BaseException, where: str) -> tuple[str, str]:
    text = " ".join(str(error).split())
    code = getattr(error, "status_code", None) or next((name for kind, name in CODES if isinstance(error, kind)), "")
    first, _, rest = text.partition(" ")
    if not code and first.isupper() and first.isalpha():
        code, text = first, rest
    text = text.removeprefix(f"{code} ").rstrip(".")
    lower = text.lower()
    if "without any password configured" in lower or "no password is set" in lower:
        return "NOPASS", f"a password is given, and {where} has none configured for that user"
    if "authentication required" in lower:
        return "NOAUTH", f"{where} asks for a password, and none is given (NOAUTH)"
    if code == "WRONGPASS" or "invalid password" in lower or "invalid username-password" in lower:
        return "WRONGPASS", f"{where} rejected the user name or the password (WRONGPASS)"
    if "db index is out of range" in lower or "select is not allowed in cluster mode" in lower or \
            "invalid database" in lower:
        return "DB", f"{where} has no such database: {text}"
    if code == "NOPERM" and "key" in lower and "command" not in lower:
        return "NOPERM-KEY", f"the user may not touch the probe's key (NOPERM {text})"
    if code == "NOPERM":        # the server's own words name the user
        command = re.search(r"'([^']+)' (?:sub)?command", text)
        return "NOPERM", f"the user may not run {command[1].upper() if command else 'this command'} (NOPERM)"
    if code:
        return code, f"{where} answers {code} {text}".rstrip()
    return type(error).__name__, f"{where}: {text or type(error).__name__}"


def missing(paths: Iterable[str]) -> str | None:
    """The first file that is not there."""
    return next((path for path in paths if not Path(path).is_file()), None)
