"""The probe against real servers: what it says of each, and that it leaves nothing there."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from crewmem_doctor.probes.postgres import durability

from ..faults import Deaf, FaultProxy
from .conftest import Case, looked, outcomes, probed
from .server import BIN, OWNER, PASSWORD, Server, folder, run

ALL = ("connect", "recovery", "privileges", "fsync", "full-page-writes", "synchronous-commit", "unlogged-tables", "encoding",
       "pgvector", "pooler", "write", "second-process-reads", "cleanup")


def test_a_server_that_keeps_what_it_takes(case: Case) -> None:
    case.sql("CREATE EXTENSION vector")
    seen = probed(case.url(scheme="postgresql+asyncpg", query="statement_cache_size=0"))
    assert outcomes(seen) == dict.fromkeys(ALL, "pass")
    assert "PostgreSQL 18" in seen["connect"].detail
    assert "left out of the URL: statement_cache_size" in seen["connect"].detail
    assert "bytea, text, jsonb and vector" in seen["second-process-reads"].detail


def test_ready_only_reads(case: Case) -> None:
    seen = probed(case.url(), ready=True)
    assert outcomes(seen) == dict.fromkeys(("connect", "recovery", "privileges"), "pass")


@pytest.mark.parametrize(("change", "prepare", "said"), [
    ({"password": "wr0ng-password"}, "", "the password was rejected"),
    ({"database": "nowhere"}, "", "there is no such database"),
    ({"query": "sslmode=require"}, "", "does not speak TLS"),
    ({"query": "host=/tmp/no/such/folder"}, "", "there is no such socket"),
    ({"query": "target_session_attrs=standby"}, "", "hot standby"),
    ({}, "ALTER ROLE {0} NOLOGIN", "does not let this role in"),
    ({}, "ALTER ROLE {0} CONNECTION LIMIT 0", "takes no more connections"),
    ({}, "ALTER DATABASE {0} ALLOW_CONNECTIONS false", "there is no such database"),
])
def test_what_keeps_a_client_out(case: Case, change: dict[str, str], prepare: str, said: str) -> None:
    if prepare:
        case.server.sql(prepare.format(case.name))
    try:
        seen = probed(case.url(**change))
    finally:
        case.server.sql(f"ALTER DATABASE {case.name} ALLOW_CONNECTIONS true")
    assert outcomes(seen) == {"connect": "error"}
    assert said in seen["connect"].detail
    assert "wr0ng-password" not in repr(seen)


def test_a_port_where_nobody_listens() -> None:
    seen = probed("postgresql://app:pw@127.0.0.1:1/app")
    assert "refused" in seen["connect"].detail
    assert seen["connect"].remedy


def test_a_host_that_does_not_exist() -> None:
    assert "could not be resolved" in probed("postgresql://app:pw@no-such-host.invalid/app")["connect"].detail


def test_a_firewall_that_drops_packets() -> None:
    with Deaf() as deaf:
        seen = probed(f"postgresql://app:pw@127.0.0.1:{deaf.port}/app", timeout=4)
    assert outcomes(seen) == {"connect": "error"}
    assert "timed out" in seen["connect"].detail
    assert seen["connect"].elapsed_ms < 20_000


def test_production_needs_a_yes(case: Case) -> None:
    case.server.sql(f"CREATE DATABASE app_production OWNER {case.name}")
    try:
        assert "--yes" in probed(case.url(database="app_production"))["consent"].detail
        assert outcomes(probed(case.url(database="app_production"), yes=True, ready=True))["connect"] == "pass"
    finally:
        case.server.sql("DROP DATABASE app_production")


def test_all_connections_taken(case: Case) -> None:
    held: list[psycopg.Connection[Any]] = []

    def hold_all() -> None:
        while True:
            held.append(psycopg.connect(case.url()))

    try:
        with pytest.raises(psycopg.OperationalError):
            hold_all()
        seen = probed(case.url())
    finally:
        for connection in held:
            connection.close()
    assert "takes no more connections" in seen["connect"].detail
    assert "max_connections" in seen["connect"].remedy


def test_a_role_that_may_create_nothing(case: Case) -> None:
    case.server.sql("CREATE ROLE reader LOGIN PASSWORD 'r3ader-pw'", f"ALTER DATABASE {case.name} OWNER TO {OWNER}",
                    f"GRANT CONNECT ON DATABASE {case.name} TO reader")
    try:
        url = case.url(role="reader", password="r3ader-pw")
        seen = probed(url)
        found = outcomes(seen)
        assert (found["privileges"], found["write"], found["second-process-reads"]) == ("fail", "skip", "skip")
        # It may insert into a table, which may be the memory's.
        case.sql("CREATE TABLE memory (t text)", "GRANT INSERT ON memory TO reader")
        assert outcomes(probed(url, ready=True))["privileges"] == "skip"
        case.sql(*filter(None, seen["privileges"].snippet.split("\n")))
        assert outcomes(probed(url, ready=True))["privileges"] == "pass"
    finally:
        case.sql("DROP OWNED BY reader CASCADE")
        case.server.sql("DROP OWNED BY reader CASCADE", "DROP ROLE reader")


def test_a_role_that_may_create_tables_only(case: Case) -> None:
    case.server.sql(f"ALTER DATABASE {case.name} OWNER TO {OWNER}")
    case.sql(f"CREATE SCHEMA \"Odd \"\"Name\" AUTHORIZATION {case.name}")
    case.server.sql(f"ALTER ROLE {case.name} SET search_path = \"Odd \"\"Name\"")
    seen = probed(case.url())
    assert [seen[check].outcome for check in ("privileges", "write", "second-process-reads", "cleanup")] == ["pass"] * 4
    assert "no schema" in seen["privileges"].detail
    assert case.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'Odd \"Name'")


@pytest.mark.parametrize("how", ["ALTER ROLE {0} SET", "ALTER DATABASE {0} SET", "ALTER ROLE {0} IN DATABASE {0} SET"])
def test_sessions_that_are_read_only(case: Case, how: str) -> None:
    case.server.sql(f"{how.format(case.name)} default_transaction_read_only = on")
    seen = probed(case.url(), ready="DATABASE {0} SET" in how)
    failing = seen.get("write") or seen["privileges"]
    assert failing.outcome == "fail"
    assert failing.meaning == "writable"
    assert "read-only" in failing.detail
    if "cleanup" in seen:
        assert seen["cleanup"].outcome == "pass"
    case.server.sql(failing.snippet)
    assert outcomes(probed(case.url(), ready=True))["privileges"] == "pass"


def test_synchronous_commit_off_is_a_note(case: Case) -> None:
    case.server.sql(f"ALTER ROLE {case.name} SET synchronous_commit = off")
    verdict = looked(case.url(), durability.synchronous_commit)
    assert (verdict.outcome, verdict.minor) == ("fail", True)
    case.server.sql(verdict.snippet)
    assert looked(case.url(), durability.synchronous_commit).outcome == "pass"


@pytest.mark.parametrize(("name", "judge", "minor"), [
    ("fsync", durability.fsync, False), ("full_page_writes", durability.full_page_writes, True),
    ("synchronous_commit", durability.synchronous_commit, True),
])
def test_a_server_that_does_not_keep_its_commits(case: Case, name: str, judge: durability.Judge, minor: bool) -> None:
    case.server.sql(f"ALTER SYSTEM SET {name} = off", "SELECT pg_reload_conf()")
    try:
        with case.server.connect() as connection:       # which waits until the setting holds
            while connection.execute(f"SHOW {name}").fetchone() != ("off",):
                pass
        verdict = looked(case.url(), judge)
        assert (verdict.outcome, verdict.minor) == ("fail", minor)
        case.server.sql(*verdict.snippet.split("\n"))
    finally:
        case.server.sql(f"ALTER SYSTEM RESET {name}", "SELECT pg_reload_conf()")
    with case.server.connect() as connection:
        while connection.execute(f"SHOW {name}").fetchone() != ("on",):
            pass
    assert looked(case.url(), judge).outcome == "pass"


def test_a_memory_in_an_unlogged_table(case: Case) -> None:
    case.sql("CREATE EXTENSION vector", "CREATE UNLOGGED TABLE cache (k text)", "CREATE TABLE memories (t text)")
    verdict = looked(case.url(), durability.unlogged_tables)
    assert (verdict.outcome, "1 others" in verdict.detail) == ("pass", True)
    case.sql('CREATE UNLOGGED TABLE "Chat Messages" (t text)', "CREATE UNLOGGED TABLE items (e vector(3))")
    verdict = looked(case.url(), durability.unlogged_tables)
    assert verdict.outcome == "fail"
    assert '"public"."Chat Messages"' in verdict.detail
    assert '"items"' in verdict.detail
    assert "cache" not in verdict.detail
    case.sql(*verdict.snippet.split("\n"))
    assert looked(case.url(), durability.unlogged_tables).outcome == "pass"


def test_a_memory_in_a_temporary_table_is_a_note(case: Case) -> None:
    with psycopg.connect(case.url(), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE chat_history (t text)")
        verdict = looked(case.url(), durability.unlogged_tables)
    assert (verdict.outcome, verdict.minor) == ("fail", True)
    assert "chat_history" in verdict.detail


def test_an_encoding_without_every_character(case: Case) -> None:
    case.server.sql(f"CREATE DATABASE latin OWNER {case.name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        seen = probed(case.url(database="latin"))
    finally:
        case.server.sql("DROP DATABASE latin WITH (FORCE)")
    assert (seen["encoding"].outcome, seen["encoding"].minor) == ("fail", True)
    assert (seen["write"].outcome, seen["second-process-reads"].outcome) == ("pass", "pass")


@pytest.mark.parametrize(("prepare", "said"), [((), "is available and not installed"), (("CREATE EXTENSION vector",), "is installed"),
                                               (("CREATE SCHEMA x", "CREATE EXTENSION vector SCHEMA x"), "in the schema x")])
def test_pgvector(case: Case, prepare: tuple[str, ...], said: str) -> None:
    if prepare:
        case.sql(*prepare)
    verdict = looked(case.url(), durability.pgvector)
    assert verdict.outcome == "pass"
    assert said in verdict.detail


def test_a_full_disk(case: Case) -> None:
    """A tablespace on a small RAM disk, filled to the last byte."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount")
    with folder() as made:
        disk = made / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs", str(disk)], check=False).returncode:
            pytest.skip("mounting is not permitted here")
        try:
            (disk / "space").mkdir()
            os.chown(disk / "space", made.stat().st_uid, made.stat().st_gid)
            case.server.sql(f"CREATE TABLESPACE tiny OWNER {case.name} LOCATION '{disk}/space'",
                            f"ALTER ROLE {case.name} SET default_tablespace = tiny")
            fill(disk / "filling")
            seen = probed(case.url())
            (disk / "filling").unlink()
            case.server.sql(f"ALTER ROLE {case.name} RESET default_tablespace", "CHECKPOINT", "DROP TABLESPACE tiny")
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)
    assert seen["write"].outcome == "fail"
    assert "disk is full" in seen["write"].detail
    assert (seen["second-process-reads"].outcome, seen["cleanup"].outcome) == ("skip", "pass")


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                pass


@pytest.fixture(scope="module")
def replica(server: Server) -> Iterator[Server]:
    """A streaming replica of the server."""
    with folder() as made:
        copy = Server(made, ("hot_standby=on",))
        run(BIN / "pg_basebackup", "-D", copy.data, "-d", server.url(), "-R", "-X", "stream", "--no-sync", "-c", "fast",
            environ={"PGPASSWORD": PASSWORD})
        copy.start()
        try:
            yield copy
        finally:
            copy.stop()


def test_a_replica(replica: Server) -> None:
    seen = probed(replica.url())
    assert seen["recovery"].outcome == "fail"
    assert seen["recovery"].meaning == "durable"
    assert "replica" in seen["recovery"].detail
    # One cause, one finding.
    assert [check for check, one in seen.items() if one.outcome in ("fail", "error")] == ["recovery"]


def test_a_second_process_that_reads_from_a_replica_that_lags(replica: Server, case: Case) -> None:
    """Something between sends the reader's first connection to a replica that is a minute behind, and no other."""
    primary, behind = ("127.0.0.1", case.server.port), ("127.0.0.1", replica.port)

    def switch(connection: int, answered: int) -> None:
        proxy._upstream = behind if connection == 1 else primary

    while not replica.sql(f"SELECT 1 FROM pg_database WHERE datname = '{case.name}'"):
        time.sleep(0.05)
    replica.sql("ALTER SYSTEM SET recovery_min_apply_delay = '60s'", "SELECT pg_reload_conf()")
    with FaultProxy(primary, on_answer=switch) as proxy:
        try:
            seen = probed(case.url(port=proxy.port))
        finally:
            replica.sql("ALTER SYSTEM RESET recovery_min_apply_delay", "SELECT pg_reload_conf()")
    assert (seen["second-process-reads"].outcome, seen["second-process-reads"].minor) == ("fail", True)
    assert "lags behind" in seen["second-process-reads"].detail
    assert seen["cleanup"].outcome == "pass"


def test_several_hosts_of_which_one_takes_writes(replica: Server, case: Case) -> None:
    hosts = f"postgresql+psycopg://{case.name}:{case.password}@/{case.name}?host=127.0.0.1:{replica.port}&host=127.0.0.1:{case.server.port}"
    seen = probed(f"{hosts}&target_session_attrs=read-write")
    assert set(outcomes(seen).values()) == {"pass"}


def test_over_a_unix_socket(case: Case) -> None:
    url = f"postgresql+psycopg2://{case.name}:{case.password}@/{case.name}?host={case.server.folder}&port={case.server.port}"
    assert outcomes(probed(url, ready=True))["connect"] == "pass"
