"""What a Postgres server says of itself. Runs in a worker, on a connection that it is given.

Not every server that speaks the protocol has every catalogue: each question is asked in a savepoint, and one that is
not answered leaves its facts out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

SETTINGS = ("fsync", "full_page_writes", "synchronous_commit", "default_transaction_read_only")
_QUESTIONS: dict[str, str] = {
    "version": "SELECT version(), current_setting('server_version'), current_database(), current_user,"
               " current_schema(), current_setting('server_encoding')",
    "recovery": "SELECT pg_is_in_recovery()",
    "read_only": "SELECT current_setting('transaction_read_only')",
    "process": "SELECT pg_backend_pid()",
    "may_create": "SELECT has_database_privilege(current_database(), 'CREATE'),"
                  " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)",
    "settings": "SELECT name, setting, source FROM pg_settings WHERE name IN"
                f" ({', '.join(repr(name) for name in SETTINGS)}) OR name LIKE 'neon.%' OR name LIKE 'alloydb.%'",
    "aurora": "SELECT 1 FROM pg_proc WHERE proname = 'aurora_version' LIMIT 1",
    "vector": "SELECT a.default_version, e.extversion, n.nspname FROM pg_available_extensions a"
              " LEFT JOIN pg_extension e ON e.extname = a.name LEFT JOIN pg_namespace n ON n.oid = e.extnamespace"
              " WHERE a.name = 'vector'",
    # Tables that a crash or the end of a connection empties, and whether they hold a vector.
    "fleeting": "SELECT n.nspname, c.relname, c.relpersistence::text, EXISTS (SELECT FROM pg_attribute a JOIN pg_type t"
                " ON t.oid = a.atttypid WHERE a.attrelid = c.oid AND t.typname IN ('vector', 'halfvec', 'sparsevec'))"
                " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')"
                " AND c.relpersistence IN ('u', 't') AND n.nspname NOT LIKE 'pg_toast%' ORDER BY 1, 2 LIMIT 500",
    "writable": "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
                " AND n.nspname NOT LIKE 'pg_%' AND has_schema_privilege(n.oid, 'USAGE')"
                " AND has_table_privilege(c.oid, 'INSERT') ORDER BY 1, 2 LIMIT 20",
}


def gather(connection: Connection[Any]) -> dict[str, Any]:
    """The rows of each question that was answered, as lists; `startup_process` and `tls` as the connection has them."""
    found: dict[str, Any] = {
        "startup_process": connection.info.backend_pid, "tls": bool(connection.pgconn.ssl_in_use),
        "host": connection.info.host}
    for name, question in _QUESTIONS.items():
        rows = _asked(connection, question)
        if rows is not None:
            found[name] = rows
    return found


def _asked(connection: Connection[Any], question: str) -> list[list[Any]] | None:
    import psycopg

    try:
        with connection.transaction():
            return [list(row) for row in connection.execute(question).fetchall()]
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise
    except psycopg.Error:
        return None
