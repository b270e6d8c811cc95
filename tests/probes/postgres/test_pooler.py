"""A real PgBouncer between the probe and the server."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from .conftest import Case, outcomes, probed
from .server import drop_root, folder, free_port

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="needs pgbouncer (apt-get install pgbouncer)")


@contextmanager
def bouncer(case: Case, mode: str, size: int) -> Iterator[int]:
    """Its port."""
    port = free_port()
    with folder() as made:
        (made / "users").write_text(f'"{case.name}" "{case.password}"\n')
        (made / "ini").write_text(
            f"[databases]\n* = host=127.0.0.1 port={case.server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nauth_type = plain\nauth_file = {made}/users\npool_mode = {mode}\n"
            f"default_pool_size = {size}\nunix_socket_dir =\nlogfile = {made}/log\n")
        process = subprocess.Popen([*drop_root(), str(PGBOUNCER), "-q", str(made / "ini")], stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 20
            while True:
                try:
                    psycopg.connect(case.url(port=port), connect_timeout=5).close()
                    break
                except psycopg.OperationalError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.05)
            yield port
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("size", [1, 4])
def test_transaction_mode_is_told_and_the_probe_works_through_it(case: Case, size: int) -> None:
    with bouncer(case, "transaction", size) as port:
        seen = probed(case.url(port=port))
        assert "in transaction mode" in seen["pooler"].detail
        assert set(outcomes(seen).values()) == {"pass"}
        # What the probe set for itself is not left behind for the pool's other clients.
        with psycopg.connect(case.url(port=port), autocommit=True) as connection:
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                assert connection.execute(f"SHOW {name}").fetchone() == ("0",)


def test_session_mode_is_a_pooler_and_no_more(case: Case) -> None:
    with bouncer(case, "session", 8) as port:
        seen = probed(case.url(port=port))
    assert "whether it is in transaction mode was not seen" in seen["pooler"].detail
    assert set(outcomes(seen).values()) == {"pass"}


def test_what_a_pooler_says_when_its_server_or_its_user_is_missing(case: Case) -> None:
    with bouncer(case, "transaction", 2) as port:
        wrong = probed(case.url(port=port, password="wr0ng-password"))
        unknown = probed(case.url(port=port, role="nobody_known"))
        missing = probed(case.url(port=port, database="nowhere"))
    assert "password was rejected" in wrong["connect"].detail
    assert unknown["connect"].outcome == "error"
    assert "no such database" in missing["connect"].detail
