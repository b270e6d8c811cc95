"""What a server's settings and tables mean for memory: facts in, verdicts out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.probes.postgres.record import identifier
from crewmem_doctor.probes.session import Verdict

# Tables by whose names a memory store is known. Whatever holds vectors is one, too.
_STORE = re.compile(
    r"(?i)memor|(?:^|_)mem(?:$|_|0)|mem0|embedding|vector|crewai|chat|conversation|message|histor|session|checkpoint"
    r"|recall|episod|knowledge|long_?term|short_?term")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Server:
    """The facts that `facts.gather` found, by name."""

    found: Mapping[str, Any]

    def _first(self, question: str, column: int = 0) -> Any:
        rows = self.found.get(question) or [[]]
        return rows[0][column] if len(rows[0]) > column else None

    @property
    def version(self) -> str:
        """E.g. "PostgreSQL 18.1"; what another server that speaks the protocol says of itself."""
        own = str(self._first("version") or "")
        number = str(self._first("version", 1) or "").split(" ")[0]
        return f"PostgreSQL {number}" if own.startswith("PostgreSQL") else own.split(" (")[0][:60] or "a server"

    @property
    def database(self) -> str:
        return str(self._first("version", 2) or "")

    @property
    def role(self) -> str:
        return str(self._first("version", 3) or "")

    @property
    def schema(self) -> str:
        """Where tables land that name no schema; empty where they land nowhere."""
        return str(self._first("version", 4) or "")

    @property
    def unicode(self) -> bool:
        """Whether every character can be stored. SQL_ASCII takes bytes as they come."""
        return self._first("version", 5) in ("UTF8", "SQL_ASCII", None)

    @property
    def encoding(self) -> str:
        return str(self._first("version", 5) or "")

    @property
    def is_replica(self) -> bool:
        return bool(self._first("recovery"))

    @property
    def reads_only(self) -> bool:
        return bool(self._first("read_only") == "on")

    @property
    def behind_pooler(self) -> bool:
        """A pooler gives each client a process number of its own making."""
        process = self._first("process")
        return process is not None and bool(process != self.found.get("startup_process"))

    @property
    def may_create_schemas(self) -> bool | None:
        value = self._first("may_create")
        return None if value is None else bool(value)

    @property
    def may_create_tables(self) -> bool | None:
        value = self._first("may_create", 1)
        return None if value is None else bool(value)

    @property
    def writable_tables(self) -> list[str]:
        return [f"{schema}.{table}" for schema, table in self.found.get("writable") or []]

    @property
    def vector(self) -> str:
        """The vector type with its schema, empty where the extension is not installed in this database."""
        schema = self._first("vector", 2)
        return f"{identifier(schema)}.vector" if schema else ""

    @property
    def storage(self) -> str:
        """Whose storage lies below, where it is not Postgres's own files: then fsync says nothing."""
        names = {row[0].partition(".")[0] for row in self.found.get("settings") or []}
        own = str(self._first("version") or "")
        if self.found.get("aurora"):
            return "Aurora"
        for sign, name in (("neon", "Neon"), ("alloydb", "AlloyDB")):
            if sign in names:
                return name
        return "" if own.startswith("PostgreSQL") and "-YB-" not in own else self.version

    def setting(self, name: str) -> tuple[str, str] | None:
        """A setting's value and where it was set."""
        return next(((row[1], row[2]) for row in self.found.get("settings") or [] if row[0] == name), None)

    def reset(self, name: str, value: str) -> str:
        """The statement that sets a setting right where it was set wrong."""
        source = (self.setting(name) or ("", ""))[1]
        role, database = identifier(self.role), identifier(self.database)
        if source == "database user":
            return f"ALTER ROLE {role} IN DATABASE {database} RESET {name};"
        if source == "user":
            return f"ALTER ROLE {role} RESET {name};"
        if source == "database":
            return f"ALTER DATABASE {database} RESET {name};"
        if source in ("client", "environment variable", "session"):
            return f"-- take {name} out of the URL's options or PGOPTIONS"
        return f"ALTER SYSTEM SET {name} = {value};\nSELECT pg_reload_conf();"


Judge = Callable[[Server, Verdict], None]


def fsync(server: Server, check: Verdict) -> None:
    seen = server.setting("fsync")
    if server.storage:
        check.skipped(f"{server.storage} keeps its data in storage of its own, of which fsync says nothing")
    elif seen is None:
        check.skipped("the server does not show fsync")
    elif seen[0] == "off":
        check.failed("fsync is off: a crash of the machine loses commits and can corrupt every table",
                     remedy="Turn on fsync", snippet=server.reset("fsync", "on"))
    else:
        check.passed("fsync is on")


def full_page_writes(server: Server, check: Verdict) -> None:
    seen = server.setting("full_page_writes")
    if server.storage:
        check.skipped(f"{server.storage} keeps its data in storage of its own, of which full_page_writes says nothing")
    elif seen is None:
        check.skipped("the server does not show full_page_writes")
    elif seen[0] == "off":
        check.failed("full_page_writes is off: after a power failure half-written pages cannot be repaired, unless the "
                     "file system writes whole pages at once, as ZFS does", minor=True,
                     remedy="Turn on full_page_writes unless the file system is ZFS",
                     snippet=server.reset("full_page_writes", "on"))
    else:
        check.passed("full_page_writes is on")


def synchronous_commit(server: Server, check: Verdict) -> None:
    seen = server.setting("synchronous_commit")
    if seen is None:
        check.skipped("the server does not show synchronous_commit")
    elif seen[0] == "off":
        check.failed("synchronous_commit is off: a crash loses the commits of the last fraction of a second, though it "
                     "corrupts nothing", minor=True, remedy="Turn on synchronous_commit",
                     snippet=server.reset("synchronous_commit", "on"))
    else:
        check.passed(f"synchronous_commit is {seen[0]}: a commit waits for the disk")


def unlogged_tables(server: Server, check: Verdict) -> None:
    """Temporary tables are noted only: a program may well use some beside its store."""
    if "fleeting" not in server.found:
        check.skipped("the server does not show its tables")
        return
    rows = [row for row in server.found["fleeting"] if not row[1].startswith("crewmem_probe_")]
    stores = [row for row in rows if row[3] or _STORE.search(row[1])]
    unlogged = [f"{identifier(row[0])}.{identifier(row[1])}" for row in stores if row[2] == "u"]
    temporary = [row[1] for row in stores if row[2] == "t"]
    if unlogged:
        check.failed(f"{_listed(unlogged)} {'is' if len(unlogged) == 1 else 'are'} unlogged: emptied by a crash, and "
                     "not there on a replica", remedy="Make what holds memory a logged table",
                     snippet="\n".join(f"ALTER TABLE {name} SET LOGGED;" for name in unlogged))
    elif temporary:
        check.failed(f"{_listed(temporary)} {'is' if len(temporary) == 1 else 'are'} temporary: gone with the "
                     "connection that made it", remedy="Make what holds memory an ordinary table", minor=True)
    else:
        others = f" ({len(rows)} others are)" if rows else ""
        check.passed(f"no table that looks like a memory store is unlogged{others}")


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def encoding(server: Server, check: Verdict) -> None:
    if server.unicode:
        check.passed(f"the database's encoding is {server.encoding or 'not shown'}")
    else:
        check.failed(f"the database's encoding is {server.encoding}: a memory with a character that it lacks, such as "
                     "an emoji, is not saved", minor=True, remedy="Move memory to a database whose encoding is UTF8",
                     snippet="CREATE DATABASE memory ENCODING 'UTF8' TEMPLATE template0;")


def pgvector(server: Server, check: Verdict) -> None:
    rows = server.found.get("vector")
    if rows is None:
        check.skipped("the server does not show its extensions")
    elif not rows:
        check.passed("pgvector is not available on this server: a store of embeddings needs it")
    elif rows[0][1]:
        where = "" if rows[0][2] in ("public", server.schema) else f", in the schema {rows[0][2]}"
        check.passed(f"pgvector {rows[0][1]} is installed in this database{where}")
    else:
        check.passed(f"pgvector {rows[0][0]} is available and not installed in this database (CREATE EXTENSION vector)")
