"""Postgres: write in one process, read in another, and ask whether the server keeps what it takes.

The probe writes one row into a table of its own, in a schema of its own where the role may create one. It reads
catalogues and settings, and no table of the user's.
"""

from __future__ import annotations

import time
from typing import Any

from crewmem_doctor.probes import guard
from crewmem_doctor.probes.postgres import address, durability
from crewmem_doctor.probes.postgres.durability import Server
from crewmem_doctor.probes.postgres.record import Table, identifier
from crewmem_doctor.probes.process import StepFailed, Worker
from crewmem_doctor.probes.session import Blind, Ended, Session

_DOES = "connects, makes a table in a schema of its own, and drops both"
_SECRETS = ("PGPASSWORD", "PGSSLPASSWORD")
READY = 2.0         # seconds that the network may take in a start-up check,
STARTS = 10.0       # and that the check may take with the start of its process
LOOKS, AGAIN = 6, 0.5       # how often a row that is not there is looked for, and the seconds between two looks


def probe(session: Session) -> None:
    session.secret(*(session.environ.get(name, "") for name in _SECRETS))
    with Worker() as writer:
        parameters, server = _connected(session, writer)
        _recovery(session, server)
        table = _privileges(session, server)
        if session.settings.ready:
            return
        for name, judge in (("fsync", durability.fsync), ("full-page-writes", durability.full_page_writes),
                            ("synchronous-commit", durability.synchronous_commit),
                            ("unlogged-tables", durability.unlogged_tables), ("encoding", durability.encoding),
                            ("pgvector", durability.pgvector)):
            with session.check(name) as check:
                judge(server, check)
        _pooler(session, server)
        _handed_on(session, server, parameters, table, writer)


def _job(session: Session, **more: Any) -> dict[str, Any]:
    seconds = min(session.seconds, READY) if session.settings.ready else session.seconds
    return {"url": session.target.text, "seconds": seconds, **more}


def _connected(session: Session, worker: Worker) -> tuple[dict[str, str], Server]:
    """The parameters without secrets, and what the server says of itself. Ends the probe where it cannot be reached."""
    parameters: dict[str, str] = {}
    answer: dict[str, Any] = {}
    with session.check("connect") as check:
        try:
            resolved = worker.ask("postgres.resolve", _job(session), session.seconds)
        except StepFailed as error:
            raise Blind(str(error)) from None
        parameters = resolved["parameters"]
        hosts = parameters.get("host") or session.environ.get("PGHOST", "")
        database = parameters.get("dbname") or session.environ.get("PGDATABASE", "")
        guard.allow(session, _DOES, *hosts.split(","), database)
        limit = min(session.seconds, STARTS) if session.settings.ready else session.seconds
        answer = worker.ask("postgres.look", _job(session), limit)
        trouble = answer.get("trouble")
        if trouble:
            check.blind(trouble["says"], remedy=trouble["remedy"])
        else:
            server = Server(answer)
            left = f"; left out of the URL: {', '.join(resolved['dropped'])}" if resolved["dropped"] else ""
            check.passed(f"{server.version}, database {server.database} as role {server.role}"
                         f"{' over TLS' if answer['tls'] else ''}{left}")
    if "tls" not in answer:
        raise Ended
    return parameters, Server(answer)


def _recovery(session: Session, server: Server) -> None:
    with session.check("recovery") as check:
        if server.is_replica:
            check.failed("this is a read-only replica: it takes no writes, so nothing is remembered here",
                         remedy="Use the primary's address (several hosts: add target_session_attrs=read-write)")
        elif "recovery" in server.found:
            check.passed("this is a primary")
        else:
            check.skipped("the server does not say whether it is a replica")


def _privileges(session: Session, server: Server) -> Table | None:
    """Where the probe may write: in a schema of its own, in the one where the application's tables land, or nowhere."""
    table: Table | None = None
    with session.check("privileges") as check:
        role, database, schema = identifier(server.role), identifier(server.database), server.schema
        if server.is_replica:
            check.skipped("nothing can be created on a replica")
        elif session.settings.ready and server.reads_only:      # else `write` finds out
            detail, remedy, snippet = _read_only(server)
            check.failed(detail, remedy=remedy, snippet=snippet)
        elif server.may_create_schemas is not False:
            table = Table(session.namespace)
            check.passed(f"role {server.role} may create schemas in database {server.database}")
        elif server.may_create_tables:
            table = Table(session.namespace, schema)
            check.passed(f"role {server.role} may create no schema, and tables in {schema}")
        elif server.writable_tables:
            check.skipped(f"role {server.role} may create nothing, so nothing was written; it may insert into "
                          f"{len(server.writable_tables)} tables, of which a memory must be one")
        else:
            check.failed(f"role {server.role} may create no schema and no table in database {server.database}, and "
                         "insert into none", remedy="Grant the role what memory needs",
                         snippet=f"GRANT CREATE ON DATABASE {database} TO {role};\n"
                                 f"GRANT USAGE, CREATE ON SCHEMA {identifier(schema or 'public')} TO {role};")
    return table


def _read_only(server: Server) -> tuple[str, str, str]:
    """What is said of a session whose transactions start read-only: detail, remedy, snippet."""
    name = "default_transaction_read_only"
    return (f"every transaction of role {server.role} in database {server.database} starts read-only: {name} is on",
            "Use a role whose transactions may write", server.reset(name, "off"))


def _pooler(session: Session, server: Server) -> None:
    with session.check("pooler") as check:
        if not server.behind_pooler:
            check.passed("no pooler was seen between")
            return
        with Worker() as worker:
            answer = worker.ask("postgres.pooler", _job(session), session.seconds)
        shares = answer.get("shares", [])
        if shares:
            check.passed("a pooler in transaction mode stands between: SET, LISTEN, advisory locks and prepared "
                         "statements do not outlast a transaction (psycopg: prepare_threshold=None; asyncpg: "
                         "statement_cache_size=0)")
        else:
            check.passed("a pooler stands between; whether it is in transaction mode was not seen")


def _handed_on(session: Session, server: Server, parameters: dict[str, str], table: Table | None,
               writer: Worker) -> None:
    """Writes in one process and reads in another, over connections of their own."""
    if table is None:
        for name in ("write", "second-process-reads"):
            with session.check(name) as check:
                check.skipped("nothing was written, for want of a place: see recovery and privileges")
        return
    job = _job(session, namespace=table.namespace, home=table.home, unicode=server.unicode, vector=server.vector)
    written = 0
    with session.check("write") as check:
        tidy = min(session.settings.timeout, 20.0) * 0.9
        session.undo("postgres.remove", {**job, "seconds": tidy}, address.psql(parameters, table.drop))
        answer = writer.ask("postgres.write", job, session.seconds)
        trouble = answer.get("trouble")
        written = answer.get("bytes", 0)
        if not trouble:
            check.passed(f"a row was committed in {'table' if table.home else 'schema'} {table.namespace}")
        elif trouble["code"] == "25006" and server.reads_only:
            detail, remedy, snippet = _read_only(server)
            check.failed(detail, remedy=remedy, snippet=snippet)
        elif trouble["denied"]:
            check.failed(trouble["says"], remedy=trouble["remedy"])
        else:
            check.blind(trouble["says"], remedy=trouble["remedy"])
    with session.check("second-process-reads") as check:
        if not written:
            check.skipped("nothing was written that could be read")
            return
        answer, late = _read(session, job)
        trouble = answer.get("trouble")
        if trouble:
            check.blind(trouble["says"], remedy=trouble["remedy"])
        elif not answer["found"]:
            check.failed("a row that one process committed is not there for a second process",
                         remedy="Let every process reach the same database, and not a replica that lags behind")
        elif answer["changed"]:
            check.failed(f"what came back is not what was written: {', '.join(answer['changed'])}",
                         remedy="Look for a proxy or a trigger that changes records on their way")
        elif late:
            check.failed(f"a second process found the row only after {late:.1f} s: another server, which lags behind, "
                         "answers reads", minor=True,
                         remedy="Read memory from the primary, or let commits wait for its replicas",
                         snippet="synchronous_commit = remote_apply")
        else:
            kinds = "bytea, text, jsonb" + (" and vector" if server.vector else "")
            plain = "" if server.unicode else f" (ASCII only: the database's encoding is {server.encoding})"
            check.passed(f"{kinds} came back as they were written{plain}")


def _read(session: Session, job: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """What a second process finds, and after how many seconds where it was not there at once."""
    begun = time.monotonic()
    with Worker() as reader:
        for look in range(LOOKS):
            answer = reader.ask("postgres.read", {**job, "seconds": session.seconds}, session.seconds)
            if answer.get("found", True):
                return answer, time.monotonic() - begun if look else 0.0
            time.sleep(AGAIN)
    return answer, 0.0
