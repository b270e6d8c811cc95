"""What a worker does with a Postgres server. The only module that imports psycopg; it runs in processes of its own.

Every transaction sets its own limits, for itself only: a pooler may hand its connection to somebody else afterwards.
The writer and whoever tidies up hold the same advisory lock, so a commit that is still on its way when its process is
killed is waited for and then removed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import conninfo, pq

from crewmem_doctor.probes.postgres import address, facts
from crewmem_doctor.probes.postgres.errors import named
from crewmem_doctor.probes.postgres.record import VECTOR, Table, record

_DENIED = ("42501", "25006", "53100", "53400", "0A000")      # it was asked to write, and said no
Step = Callable[[Mapping[str, Any]], dict[str, Any]]


class Failed(Exception):
    """For `remove`, whose caller wants an exception."""


def resolve(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the URL says, without secrets: {"parameters", "dropped"}. Raises Unreadable."""
    parameters, dropped = _parameters(job["url"])
    return {"parameters": address.described(parameters), "dropped": list(dropped)}


def _parameters(url: str) -> tuple[dict[str, str], tuple[str, ...]]:
    keywords = [option.keyword.decode() for option in pq.Conninfo.get_defaults()]
    plain, dropped = address.libpq_url(url, keywords)
    try:
        found = conninfo.conninfo_to_dict(plain)
    except psycopg.Error:       # its words may hold a piece of the password
        raise address.Unreadable("libpq cannot read the URL: it is written postgresql://USER:PASSWORD@HOST:PORT/"
                                 "DATABASE, with reserved characters as %XX") from None
    return address.checked({name: None if value is None else str(value) for name, value in found.items()}), dropped


@contextmanager
def _connection(job: Mapping[str, Any]) -> Iterator[psycopg.Connection[Any]]:
    """A new connection, which gives up in time for the caller's deadline."""
    parameters: dict[str, Any] = dict(_parameters(job["url"])[0])
    hosts = max(parameters.get("host", "").count(","), parameters.get("hostaddr", "").count(",")) + 1
    parameters["connect_timeout"] = max(2, int(job["seconds"] * 0.8 / hosts))
    parameters.setdefault("application_name", "crewmem-doctor")
    parameters.setdefault("tcp_user_timeout", str(int(job["seconds"] * 1000)))
    parameters["client_encoding"] = "UTF8"
    connection = psycopg.connect("", autocommit=True, prepare_threshold=None, **parameters)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _transaction(connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    with connection.transaction():
        limit = f"{max(1, int(seconds * 1000 * 0.8))}ms"
        connection.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true),"
            " set_config('idle_in_transaction_session_timeout', %s, true)",
            (limit, limit, f"{max(1000, int(seconds * 1000 / 3))}ms"))
        yield


def _answering(step: Step) -> Step:
    """The step, with what the server or the network says as an answer."""

    def answer(job: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return step(job)
        except psycopg.Error as error:
            trouble = named(error)
            return {"trouble": {"says": trouble.says, "remedy": trouble.remedy, "code": trouble.code,
                                "denied": trouble.code in _DENIED}}

    return answer


@_answering
def look(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the server says of itself and of this role: see `facts`."""
    with _connection(job) as connection, _transaction(connection, job["seconds"]):
        return facts.gather(connection)


@_answering
def write(job: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the table and writes the record, committed. `vector` is the vector type's name, empty where it is none."""
    table = Table(job["namespace"], job["home"])
    row = record(table.namespace, job["unicode"])
    columns = "bytes bytea NOT NULL, words text NOT NULL, facts jsonb NOT NULL"
    values, given = "%s, %s, %s", [row["bytes"], row["words"], json.dumps(row["facts"])]
    if job["vector"]:
        columns, values = columns + f", embedding {job['vector']}(3)", values + ", %s"
        given.append(VECTOR)
    with _connection(job) as connection, _transaction(connection, job["seconds"]):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (table.lock,))
        if not table.home:
            connection.execute(f"CREATE SCHEMA {table.namespace}")
        connection.execute(f"CREATE TABLE {table.quoted} ({columns})")
        connection.execute(f"INSERT INTO {table.quoted} VALUES ({values})", given)
    return {"bytes": len(row["bytes"])}


@_answering
def read(job: Mapping[str, Any]) -> dict[str, Any]:
    """Looks for the record: {"found": …, "changed": columns that came back otherwise than they were written}."""
    table = Table(job["namespace"], job["home"])
    wanted = record(table.namespace, job["unicode"])
    embedding = ", embedding::text" if job["vector"] else ""
    with _connection(job) as connection, _transaction(connection, job["seconds"]):
        try:
            with connection.transaction():
                rows = connection.execute(
                    f"SELECT bytes, words, facts::text{embedding} FROM {table.quoted}").fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            rows = []
    if not rows:
        return {"found": False, "changed": []}
    got = rows[0]
    same = {"bytea": bytes(got[0]) == wanted["bytes"], "text": got[1] == wanted["words"],
            "jsonb": json.loads(got[2]) == wanted["facts"], "vector": not embedding or got[3] == VECTOR}
    return {"found": True, "changed": [name for name, is_same in same.items() if not is_same]}


@_answering
def pooler(job: Mapping[str, Any]) -> dict[str, Any]:
    """Whether two clients share one server process, or one client has two: {"shares": [process, process]}, or none.

    A pooler in transaction mode gives a client some server connection for each transaction.
    """
    with _connection(job) as one:
        first = _process(one, job)
        try:
            with _connection({**job, "seconds": min(job["seconds"], 3)}) as other, _transaction(other, job["seconds"]):
                second = other.execute("SELECT pg_backend_pid()").fetchone()
                assert second is not None
                if second[0] == first:
                    return {"shares": [first, first]}
                third = _process(one, job)
        except psycopg.Error:       # no second connection is to be had: nothing was seen
            return {"shares": []}
    return {"shares": [] if third == first else [first, third]}


def _process(connection: psycopg.Connection[Any], job: Mapping[str, Any]) -> int:
    with _transaction(connection, job["seconds"]):
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def remove(job: Mapping[str, Any]) -> dict[str, Any]:
    """Drops the table and its schema, and answers what a new connection still finds: {"left": […]}.

    Tries again over new connections while there is time and the connection breaks. Raises Failed.
    """
    table = Table(job["namespace"], job["home"])
    end = time.monotonic() + job["seconds"]
    while True:
        try:
            return _remove(table, {**job, "seconds": max(1.0, (end - time.monotonic()) / 2)})
        except psycopg.Error as error:
            trouble = named(error)
            if not trouble.lost or time.monotonic() + 1 > end:
                raise Failed(trouble.says) from None
            time.sleep(0.2)


def _remove(table: Table, job: Mapping[str, Any]) -> dict[str, Any]:
    with _connection(job) as connection, _transaction(connection, job["seconds"]):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (table.lock,))
        if _there(connection, table):
            connection.execute(f"DROP TABLE IF EXISTS {table.quoted}")
            if not table.home:
                connection.execute(f"DROP SCHEMA {table.namespace} RESTRICT")
    with _connection(job) as connection, _transaction(connection, job["seconds"]):
        left = _there(connection, table)
    return {"left": [f"{'table' if table.home else 'schema'} {table.namespace}"] if left else []}


def _there(connection: psycopg.Connection[Any], table: Table) -> bool:
    function, name = ("to_regclass", table.quoted) if table.home else ("to_regnamespace", table.namespace)
    row = connection.execute(f"SELECT {function}(%s)", (name,)).fetchone()
    return row is not None and row[0] is not None

