"""Seeded runs of the probe against a server behind faults, for the tests and for bench/probe_faults.py.

Whatever the network does, a run must say no secret, end in time, call no fault of the network a loss of memory, and
leave nothing behind that it does not say. Where it cannot remove its key because the fault does not end, it says so with
the command; when the fault has ended after all, the key goes without the command.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crewmem_doctor.probes.redis import probe
from crewmem_doctor.probes.session import Session
from crewmem_doctor.probes.target import parse
from crewmem_doctor.settings import Settings

from ..faults import NONE, Fault, FaultProxy
from .conftest import Server

Ending = Literal["by itself", "SIGTERM", "SIGINT", "SIGKILL"]
TIMEOUT = 2.0                       # seconds of one check
LIFETIME = 2 * TIMEOUT + 20         # of the key
AFTERWARDS = 30.0                   # seconds after the fault in which the last key goes
STARTING = 20.0                     # for the processes of a busy machine, which no deadline of a probe covers
LIMIT = 10 * TIMEOUT + 10 + STARTING
SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT, "SIGKILL": signal.SIGKILL}


@dataclass(frozen=True)
class Run:
    """What one run came to. `left` are keys on the server when it ended, with the fault still there; `said` whether it
    named the command that removes them; `wrong` what should not have been."""

    seed: int
    fault: Fault
    ending: Ending
    seconds: float
    left: tuple[str, ...]
    said: bool
    errors: int
    wrong: tuple[str, ...]


def run(seed: int, server: Server, password: str, cwd: Path, command: Sequence[str] = ()) -> Run:
    """One run. With `command` it is the installed command's, which may be ended by a signal; else this process's."""
    draw = random.Random(seed)
    fault = Fault.drawn(draw, connections=5)
    ending: Ending = draw.choice(("by itself", "SIGTERM", "SIGINT", "SIGKILL")) if command else "by itself"
    begun = time.monotonic()
    with FaultProxy(server.address, fault) as proxy:
        url = f"redis://app:{password}@127.0.0.1:{proxy.port}/{draw.randrange(4)}"
        text, outcomes = (_commanded(url, command, ending, draw, proxy, cwd) if command else _observed(url, cwd))
        seconds = time.monotonic() - begun
        left = _keys(server, password)
        proxy.fault = NONE
        stays = _gone(server, password)
    said = "remove it with: redis-cli" in text
    return Run(seed, fault, ending, seconds, left, said, outcomes.count("error"),
               tuple(_wrong(server, text, outcomes, seconds, left, stays, said, ending, password)))


def _observed(url: str, cwd: Path) -> tuple[str, list[str]]:
    session = Session(parse(url, {}), Settings(timeout=TIMEOUT), {}, cwd)
    with session:
        probe(session)
    return repr(session.observations), [seen.outcome for seen in session.observations]


def _commanded(url: str, command: Sequence[str], ending: Ending, draw: random.Random, proxy: FaultProxy,
               cwd: Path) -> tuple[str, list[str]]:
    environ = {**os.environ, "URL": url, "CREWMEM_DOCTOR_TIMEOUT": str(TIMEOUT)}
    child = subprocess.Popen([*command, "probe", "env:URL", "--verbose"], cwd=cwd, env=environ, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if ending != "by itself":
        threading.Thread(target=_end, args=(child, ending, draw.randrange(5), draw.random() / 20, proxy), daemon=True).start()
    out, err = child.communicate(timeout=LIMIT * 2)
    found = {"✓": "pass", "✗": "fail", "–": "skip", "?": "error"}
    if ending == "by itself":
        assert child.returncode in (0, 2), err      # 1 would be a finding
    marks = re.findall(r"^    (\S) [a-z-]+ ", out, re.MULTILINE)
    return out + err, [found.get(mark, mark) for mark in marks]


def _end(child: subprocess.Popen[str], ending: Ending, connection: int, after: float, proxy: FaultProxy) -> None:
    """Sends the signal in the middle of the probe, if the probe comes that far."""
    if proxy.wait_for(connection, 0, LIMIT):
        time.sleep(after)       # anywhere within that connection
        child.send_signal(SIGNALS[ending])


def _gone(server: Server, password: str) -> tuple[str, ...]:
    """The keys that are still there some time after the fault has ended."""
    end = time.monotonic() + AFTERWARDS
    while left := _keys(server, password):
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    return left


def _keys(server: Server, password: str) -> tuple[str, ...]:
    found = []
    for db in range(4):
        with server.client(db=db, username="app", password=password) as client:
            found += [f"{db}/{key}" for key in client.scan_iter("*crewmem_probe_*", count=1000)]
    return tuple(found)


def _wrong(server: Server, text: str, outcomes: list[str], seconds: float, left: tuple[str, ...],
           stays: tuple[str, ...], said: bool, ending: Ending, password: str) -> list[str]:
    out = []
    if password in text:
        out.append("a secret")
    if seconds > LIMIT:
        out.append(f"{seconds:.0f} seconds")
    if "fail" in outcomes:
        out.append("a fault of the network is called a loss of memory")
    if "Traceback" in text:
        out.append("a traceback")
    if left and not said and ending != "SIGKILL":
        out.append(f"left and not said: {left}")
    if stays:
        out.append(f"left for good: {stays}")
    for word in stays:
        db, _, key = word.partition("/")
        with server.client(db=int(db), username="app", password=password) as client:
            if not -2 <= client.ttl(key) <= LIFETIME or client.ttl(key) == -1:
                out.append(f"{key} has no lifetime")
    return out
