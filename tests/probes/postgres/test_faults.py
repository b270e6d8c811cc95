"""Connections that break, servers that die and probes that are killed: a clear answer in time, and nothing left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ...conftest import executable
from ..faults import NONE, Fault, FaultProxy
from .conftest import Case, probed
from .server import BIN, PASSWORD, Server, drop_root, folder

NAMESPACES = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'crewmem_probe_%'"


def remove(detail: str, password: str) -> None:
    """Runs the command that a report gives for what it left."""
    command = detail.partition("remove it with: ")[2]
    assert command.startswith("psql ")
    assert password not in command
    subprocess.run(command, shell=True, check=True, capture_output=True,
                   env={**os.environ, "PGPASSWORD": password, "PATH": f"{BIN}:{os.environ['PATH']}"})


@pytest.mark.parametrize("seed", range(5))
def test_seeded_faults(case: Case, seed: int) -> None:
    draw = random.Random(seed)
    begun = time.monotonic()
    with FaultProxy(("127.0.0.1", case.server.port), Fault.drawn(draw, connections=5, answer=3000, slow=0.1)) as proxy:
        seen = probed(case.url(port=proxy.port), timeout=3)
        assert time.monotonic() - begun < 90
        assert seen
        for one in seen.values():
            assert one.outcome != "fail", one
            assert one.detail
        # What was not proved to be gone is said, with a command that removes it once the network has healed. `case`
        # looks whether anything is left.
        if "cleanup" in seen and seen["cleanup"].outcome == "error":
            proxy.fault = NONE
            remove(seen["cleanup"].detail, case.password)


def test_a_writer_that_hears_nothing_any_more(case: Case) -> None:
    """All that it asks for arrives at the server, no answer comes back. The second connection is the writer's."""
    with FaultProxy(("127.0.0.1", case.server.port), Fault("half-open", after=600, first=1, last=1)) as proxy:
        seen = probed(case.url(port=proxy.port), timeout=8)
    assert seen["write"].outcome == "error"
    assert seen["second-process-reads"].outcome == "skip"
    assert seen["cleanup"].outcome == "pass"


def test_a_commit_that_arrives_after_its_writer_was_killed(case: Case) -> None:
    """The network holds back the writer's messages for longer than a check may take; then they arrive."""
    with FaultProxy(("127.0.0.1", case.server.port), Fault("latency", seconds=1.5, first=1, last=1)) as proxy:
        seen = probed(case.url(port=proxy.port), timeout=8)
        assert seen["write"].outcome == "error"
        assert seen["cleanup"].outcome == "pass"
        time.sleep(4)       # longer than what is held back can be
        assert case.leftovers() == []


def test_a_server_that_is_killed_in_the_middle(tmp_path: Path) -> None:
    with folder() as made:
        doomed = Server(made)
        doomed.create()
        doomed.start()
        there = doomed.process
        assert there is not None

        def kill(connection: int, answered: int) -> None:
            if connection == 2 and answered > 300:      # the reader's, when the row has been committed
                there.send_signal(signal.SIGQUIT)

        with FaultProxy(("127.0.0.1", doomed.port), on_answer=kill) as proxy:
            seen = probed(doomed.url(port=proxy.port), timeout=10)
        doomed.stop(signal.SIGQUIT)
        assert seen["write"].outcome == "pass"
        assert seen["second-process-reads"].outcome == "error"
        assert seen["cleanup"].outcome == "error"
        # What is printed removes what is left.
        doomed.start()
        assert [row[0] for row in doomed.sql(NAMESPACES)]
        remove(seen["cleanup"].detail.replace(str(proxy.port), str(doomed.port)), PASSWORD)
        assert doomed.sql(NAMESPACES) == []
        doomed.stop()


def start(url: str, *words: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*prefix, *executable(), "probe", "env:URL", "--format", "json", *words], cwd="/",
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={**os.environ, "URL": url, "HOME": "/tmp"})


def wait(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_probe_that_is_killed_when_it_has_written(case: Case, number: signal.Signals, status: int) -> None:
    slow = Fault("latency", seconds=0.2, first=2, last=2)       # the reader's connection
    with FaultProxy(("127.0.0.1", case.server.port), slow) as proxy:
        command = start(case.url(port=proxy.port))
        wait(lambda: case.sql(NAMESPACES))
        command.send_signal(number)
        out, err = command.communicate(timeout=60)
        assert command.returncode in (status, -number)
        assert case.server.wait_gone(case.name) == []
    assert case.password.encode() not in out + err


def test_no_password_is_among_the_arguments_of_any_process(case: Case) -> None:
    with FaultProxy(("127.0.0.1", case.server.port), Fault("latency", seconds=0.02)) as proxy:
        command = start(case.url(port=proxy.port))
        looks = 0
        while command.poll() is None:
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and int(entry.name) != os.getpid():
                    try:
                        words = (entry / "cmdline").read_bytes()
                    except OSError:
                        continue
                    assert case.password.encode() not in words
                    looks += b"crewmem_doctor.probes.worker" in words
            time.sleep(0.01)
        out, err = command.communicate()
    assert looks        # the workers were seen
    assert command.returncode == 0, err
    assert case.password.encode() not in out + err
    assert {seen["outcome"] for seen in json.loads(out)["observations"]} == {"pass"}


def test_as_a_normal_user(case: Case) -> None:
    if subprocess.run([*drop_root(), "env", sys.executable, "-c", ""], cwd="/", check=False, capture_output=True).returncode:
        pytest.skip("this interpreter is root's alone")
    command = start(case.url(), prefix=tuple(drop_root()))
    out, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert len(json.loads(out)["observations"]) == 13
