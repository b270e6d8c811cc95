"""A SQLite URL in SQLAlchemy's spelling: the file, and how it would be opened."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode

from crewmem_doctor.errors import CrewmemError
from crewmem_doctor.model.record import dataclass

BUSY = 5.0      # seconds that Python's sqlite3 waits for a lock unless it is told otherwise
# Of SQLite's own URI options, those that say how a file is locked. They hold for the probe's file, too.
_LOCKING = ("vfs", "nolock", "psow")


class Unreadable(CrewmemError):
    """The URL names no file."""


@dataclass(frozen=True, slots=True)
class Address:
    """`path` is absolute; empty where the database is in RAM. `read_only` is the option that makes it so, else empty.
    `options` is a query for SQLite's own URIs, `busy` the seconds that a writer waits for a lock."""

    path: str
    read_only: str = ""
    options: str = ""
    busy: float = BUSY


def parse(url: str, root: Path) -> Address:
    """sqlite:///relative/to/root.db, sqlite:////absolute.db, sqlite:///file:x.db?uri=true. Raises Unreadable."""
    rest, _, query = url.partition("://")[2].partition("?")
    if rest and not rest.startswith("/"):
        raise Unreadable("a SQLite URL has three slashes before a relative path and four before an absolute one: "
                         "sqlite:///memory.db, sqlite:////data/memory.db")
    name = rest[1:]
    options = dict(parse_qsl(query, keep_blank_values=True))
    if name.startswith("file:"):
        name = unquote(name[5:])
        name = "/" + name.lstrip("/") if name.startswith("//") else name
    elif len(name) > 2 and name[0] == "/" and name[2] == ":":       # sqlite:////C:/x
        name = name[1:]
    if name in ("", ":memory:") or options.get("mode") == "memory":
        return Address("")
    read_only = next((f"{key}={options[key]}" for key, value in (("mode", "ro"), ("immutable", "1"))
                      if options.get(key) == value), "")
    locking = urlencode({key: options[key] for key in _LOCKING if key in options})
    return Address(str((root / name).absolute()), read_only, locking, _seconds(options.get("timeout")))


def _seconds(word: str | None) -> float:
    try:
        return max(0.0, float(word)) if word else BUSY
    except ValueError:
        return BUSY
