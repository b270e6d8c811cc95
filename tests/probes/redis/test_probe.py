"""Whole probes: two processes, what is told, and nothing left behind or let out, however it ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crewmem_doctor.model.observation import Observation

from ..faults import Deaf, Fault, FaultProxy
from .conftest import Server, wait_until

Observe = Callable[..., dict[str, Observation]]
Serve = Callable[..., Server]
SECRET = "app-s3cret"
APP = f"app:{SECRET}"
ROOT = "t0p%2Fs3cret%20word"
WRITE = 2       # connections before it: connect, look
SPELLINGS = (SECRET, "t0p/s3cret word", ROOT)


def outcomes(seen: dict[str, Observation]) -> dict[str, str]:
    return {name: one.outcome for name, one in seen.items()}


def leftovers(server: Server) -> list[str]:
    return server.leftovers(password="t0p/s3cret word")


def test_a_server_that_keeps_everything(durable: Server, observed: Observe) -> None:
    seen = observed(durable.url(f":{ROOT}", "/2"))
    assert outcomes(seen) == dict.fromkeys(seen, "pass")
    assert list(seen) == ["connect", "configuration", "database", "role", "persistence", "eviction", "last-save", "evictions",
                          "write", "second-process-reads", "cleanup"]
    assert seen["second-process-reads"].detail == "320 bytes came back as they were written"
    assert "database 2" in seen["database"].detail
    assert not leftovers(durable)


def test_the_key_has_a_lifetime(durable: Server, observed: Observe) -> None:
    lifetimes: list[int] = []

    def note(connection: int, answered: int) -> None:
        with durable.client(password="t0p/s3cret word") as client:
            lifetimes.extend(client.ttl(key) for key in leftovers(durable))

    with FaultProxy(durable.address, on_answer=note) as proxy:
        observed(f"redis://{APP}@127.0.0.1:{proxy.port}", timeout=5)
    assert lifetimes
    assert all(0 < seconds <= 30 for seconds in lifetimes)


def test_a_record_that_is_evicted_before_it_is_read(serve: Serve, observed: Observe) -> None:
    server = serve("redis", "--save", "", "--appendonly", "yes", "--maxmemory", "3mb", "--maxmemory-policy", "allkeys-random")

    def press(connection: int, answered: int) -> None:
        """Others write until the server has thrown the probe's key away."""
        with server.client() as client:
            count = 0
            while server.leftovers():
                with client.pipeline(transaction=False) as pipe:
                    for _ in range(500):
                        pipe.set(f"record:{count}", "x" * 1000)
                        count += 1
                    pipe.execute()

    with FaultProxy(server.address, on_answer=press) as proxy:
        seen = observed(f"redis://127.0.0.1:{proxy.port}")
    assert outcomes(seen) | {"write": "pass", "second-process-reads": "fail", "eviction": "fail"} == outcomes(seen)
    assert re.search(r"not there when a second process asks for it; this server has evicted \d+ keys",
                     seen["second-process-reads"].detail)


def test_other_bytes_than_were_written(durable: Server, observed: Observe) -> None:
    def change(connection: int, answered: int) -> None:
        with durable.client(password="t0p/s3cret word") as client:
            for key in leftovers(durable):
                client.set(key, "something else", ex=20)

    with FaultProxy(durable.address, on_answer=change) as proxy:
        seen = observed(f"redis://{APP}@127.0.0.1:{proxy.port}")
    assert seen["second-process-reads"].outcome == "fail"
    assert "other bytes" in seen["second-process-reads"].detail


def test_a_server_that_is_killed_while_it_is_probed(serve: Serve, observed: Observe) -> None:
    server = serve("valkey", "--save", "", "--appendonly", "yes")

    def kill(connection: int, answered: int) -> None:
        if connection == WRITE:
            server.stop()

    with FaultProxy(server.address, on_answer=kill) as proxy:
        seen = observed(f"redis://127.0.0.1:{proxy.port}", timeout=5)
    assert seen["persistence"].outcome == "pass"
    told = outcomes(seen)
    assert told["cleanup"] == "error"
    assert "error" in (told["write"], told.get("second-process-reads"))
    assert re.search(rf"remove it with: redis-cli -h 127.0.0.1 -p {proxy.port} DEL crewmem_probe_\w+:memory",
                     seen["cleanup"].detail)


@pytest.mark.parametrize(("connection", "last"), [(1, "configuration"), (2, "write"), (3, "second-process-reads")])
def test_a_connection_that_falls_silent(durable: Server, observed: Observe, connection: int, last: str) -> None:
    """Each check ends by itself, the rest goes on, and what was written is removed over the next connection."""
    with FaultProxy(durable.address, Fault("half-open", first=connection, last=connection)) as proxy:
        begun = time.monotonic()
        seen = observed(f"redis://{APP}@127.0.0.1:{proxy.port}", timeout=3)
    assert time.monotonic() - begun < 30
    assert seen[last].outcome == "error"
    assert "did not answer in time" in seen[last].detail
    assert seen[last].remedy
    assert seen["cleanup"].outcome == "pass"
    assert not leftovers(durable)


def test_a_process_that_hangs_is_ended_at_the_deadline(durable: Server, observed: Observe) -> None:
    """An answer that trickles keeps the driver waiting longer than any of its own timeouts."""
    with FaultProxy(durable.address, Fault("trickle", seconds=0.05, first=1, last=1)) as proxy:
        begun = time.monotonic()
        seen = observed(f"redis://{APP}@127.0.0.1:{proxy.port}", timeout=2)
    assert seen["configuration"].outcome == "error"
    assert "gave no answer within 2.0 seconds" in seen["configuration"].detail
    assert outcomes(seen) | {"write": "pass", "second-process-reads": "pass", "cleanup": "pass"} == outcomes(seen)
    assert time.monotonic() - begun < 20


def test_a_user_who_may_touch_some_keys_only(serve: Serve, observed: Observe) -> None:
    server = serve("valkey", "--appendonly", "yes")
    with server.client() as client:
        client.execute_command(f"ACL SETUSER guest on >{SECRET} ~app:* +@all")
    seen = observed(server.url(f"guest:{SECRET}"))
    assert seen["write"].outcome == "error"
    assert "key_prefix" in seen["write"].snippet
    assert seen["cleanup"].outcome == "pass"
    seen = observed(server.url(f"guest:{SECRET}", "/0?key_prefix=app:"))
    assert seen["second-process-reads"].outcome == "pass"


def test_every_failure_says_what_to_do(serve: Serve, observed: Observe) -> None:
    primary = serve("valkey")
    replica = serve("valkey", "--save", "", "--replicaof", f"127.0.0.1 {primary.port}", "--maxmemory", "100mb",
                    "--maxmemory-policy", "allkeys-lru")
    seen = observed(replica.url())
    failed = {name: one for name, one in seen.items() if one.outcome == "fail"}
    assert set(failed) == {"role", "persistence", "eviction", "write"}
    assert all(one.remedy and one.snippet for one in failed.values())
    assert "second-process-reads" not in seen


def test_the_parent_loads_no_driver() -> None:
    code = "import crewmem_doctor.probes.redis, sys; sys.exit('redis' in sys.modules or 'asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Through the installed command.

def test_statuses_rules_and_secrets(doctor: Callable[..., object], serve: Serve, durable: Server, tmp_path: Path) -> None:
    forgetful = serve("redis", "--save", "", "--requirepass", SECRET)
    formats = ("rich", "concise", "json")
    for number, (url, status, words) in enumerate((
            (durable.url(f":{ROOT}"), 0, ""), (forgetful.url(f":{SECRET}"), 1, "CM903"),
            (forgetful.url(f":{SECRET}x"), 2, "CM902"))):
        files = [f"{name}={tmp_path / f'{number}.{name}'}" for name in formats]
        done = doctor("probe", "env:URL", *(word for file in files for word in ("--format", file)), env={"URL": url}, cwd=tmp_path)
        assert done.status == status, done.errors     # type: ignore[attr-defined]
        told = done.text + done.errors + "".join(path.read_text() for path in tmp_path.glob(f"{number}.*"))  # type: ignore[attr-defined]
        assert len(list(tmp_path.glob(f"{number}.*"))) == len(formats)
        assert words in told
        assert not [secret for secret in SPELLINGS if secret in told]


def test_what_looks_like_production(doctor: Callable[..., object], tmp_path: Path) -> None:
    done = doctor("probe", f"redis://:{SECRET}@cache.prod.invalid:6379/0", "-f", "json", cwd=tmp_path)
    assert done.status == 2     # type: ignore[attr-defined]
    assert [(one["check"], one["outcome"]) for one in done.report["observations"]] == [("consent", "error")]    # type: ignore[attr-defined]
    assert "--yes" in done.report["observations"][0]["detail"]      # type: ignore[attr-defined]
    done = doctor("probe", f"redis://:{SECRET}@cache.prod.invalid:6379/0", "-f", "json", "--yes", cwd=tmp_path)
    assert [(one["check"], one["outcome"]) for one in done.report["observations"]] == [("connect", "error")]    # type: ignore[attr-defined]


def test_a_start_up_check(doctor: Callable[..., object], durable: Server, tmp_path: Path) -> None:
    done = doctor("probe", durable.url(APP), "--ready", cwd=tmp_path)
    assert (done.status, done.text) == (0, f"redis://127.0.0.1:{durable.port}/0: ready\n")     # type: ignore[attr-defined]
    with Deaf() as deaf:
        done = doctor("probe", f"redis://{APP}@127.0.0.1:{deaf.port}/0", "--ready", cwd=tmp_path)
    assert done.status == 2     # type: ignore[attr-defined]
    assert re.fullmatch(r"redis://127.0.0.1:\d+/0: connect: no connection to 127.0.0.1:\d+ came about in time\n", done.text)   # type: ignore[attr-defined]
    assert not leftovers(durable)


def test_a_start_up_check_waits_two_seconds_for_the_network(durable: Server, observed: Observe) -> None:
    with FaultProxy(durable.address, Fault("half-open", first=1)) as proxy:     # the write
        seen = observed(f"redis://{APP}@127.0.0.1:{proxy.port}", ready=True)
    assert list(seen)[:2] == ["connect", "write"]
    assert seen["write"].outcome == "error"
    assert seen["connect"].elapsed_ms + seen["write"].elapsed_ms < 15_000
    with durable.client(password="t0p/s3cret word") as client:
        client.delete(*leftovers(durable) or ["none"])


@contextlib.contextmanager
def waiting(command: list[str], durable: Server, cwd: Path, lasting: bool = False) -> Iterator[subprocess.Popen[str]]:
    """The installed command at the moment when its key is written and the answer has not come yet. A `lasting` fault
    holds for later connections, too."""
    written = threading.Event()

    def fall_silent(connection: int, answered: int) -> None:
        if connection == WRITE and leftovers(durable):
            proxy.fault = Fault("half-open", first=WRITE, last=None if lasting else WRITE)
            written.set()

    with FaultProxy(durable.address, on_answer=fall_silent) as proxy:
        env = {**os.environ, "URL": f"redis://{APP}@127.0.0.1:{proxy.port}/0", "CREWMEM_DOCTOR_TIMEOUT": "6" if lasting else "60"}
        child = subprocess.Popen([*command, "probe", "env:URL", "--verbose"], cwd=cwd, env=env, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        try:
            assert written.wait(60)
            yield child
        finally:
            child.kill()
            child.wait()


def test_no_process_has_a_secret_among_its_arguments(command: list[str], durable: Server, tmp_path: Path) -> None:
    with waiting(command, durable, tmp_path) as child:
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                lines.append(path.read_bytes())
        workers = [line for line in lines if b"crewmem_doctor.probes.worker" in line]
        assert len(workers) >= 3
        # The server was told its password there by these tests; the child would have to be told by the probe.
        assert not [line for line in lines if SECRET.encode() in line]
        child.send_signal(signal.SIGTERM)
        child.wait(30)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_probe_tidies_up(command: list[str], durable: Server, tmp_path: Path, number: int, status: int) -> None:
    with waiting(command, durable, tmp_path) as child:
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
    assert child.returncode == status, err
    assert not leftovers(durable)
    assert "Traceback" not in err
    assert SECRET not in out + err


def test_an_interrupted_probe_says_what_it_could_not_remove(command: list[str], durable: Server, tmp_path: Path) -> None:
    with waiting(command, durable, tmp_path, lasting=True) as child:
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=60)
    left = leftovers(durable)
    assert (child.returncode, len(left)) == (143, 1)
    assert re.search(rf'remove it with: redis-cli -h 127.0.0.1 -p \d+ --user "\$REDIS_USER" --askpass DEL {left[0]}\n$', err)
    assert SECRET not in out + err
    with durable.client(password="t0p/s3cret word") as client:
        client.delete(*left)


def test_a_probe_that_is_killed_leaves_nothing_behind(command: list[str], durable: Server, tmp_path: Path) -> None:
    with waiting(command, durable, tmp_path) as child:
        with durable.client(password="t0p/s3cret word") as client:
            assert client.ttl(leftovers(durable)[0]) > 60      # it is not its lifetime that ends it
        child.kill()
        wait_until(lambda: not leftovers(durable))
