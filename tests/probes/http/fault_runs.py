"""Seeded runs of the installed command against an application behind faults, for the tests and bench/probe_faults_http.py.

The application remembers rightly. So whatever the network, the server or the application's front does, a run must find
nothing, say no secret, end in time, and have a status that fits: 0 where it could judge, 2 with a sentence where not.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..faults import NONE, Fault, FaultProxy
from .servers import APPS, command, free_port, ready, start, stop

TOKEN = "t0ken/f4ult+s3cret=" + "Zz9" * 12
PASSWORD = "p4ss%2Ff4ult-s3cret"
BASIC = base64.b64encode(b"ann:p4ss/f4ult-s3cret").decode()
SECRETS = (TOKEN, PASSWORD, "p4ss/f4ult-s3cret", BASIC)
PART = 9            # characters of a secret in a row that are too many
TIMEOUT = 2.0       # seconds for one message
DELAY = 7.0
STARTING = 20.0     # of a process on a busy machine
LIMIT = 10 * TIMEOUT + DELAY + STARTING
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
# The program's own status, or that of a process which the signal met before or after the probe, while it starts or ends.
ENDS = {signal.SIGTERM: (143, -15), signal.SIGINT: (130, -2), signal.SIGKILL: (-9,)}


@dataclass
class Run:
    """What one run came to. `errors` are the sentences of what could not be judged, `wrong` what should not have been."""

    seed: int
    fault: str
    ending: str = "by itself"
    seconds: float = 0.0
    status: int = 0
    errors: list[str] = field(default_factory=list)
    partly: bool = False
    wrong: list[str] = field(default_factory=list)


@dataclass
class Server:
    """The application's one worker with many threads, at a port that stays."""

    valkey: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        words = [*command("gthread", "faulty", 1, self.port), "--threads", "64"]
        self.process = start(words, {"APP_REDIS": self.valkey, "APP_CREDENTIALS": json.dumps([f"Bearer {TOKEN}", TOKEN, f"Basic {BASIC}"])}, APPS)
        assert ready(self.process, self.port, 1, 60)
        return self

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process)
            self.process = None


@contextmanager
def server(valkey: str) -> Iterator[Server]:
    one = Server(valkey)
    try:
        yield one.start()
    finally:
        one.stop()


def run(seed: int, shared: Server, cwd: Path) -> Run:
    """One run. What is drawn: the fault, where it strikes, how one shows who one is, how the application answers, and an ending."""
    draw = random.Random(seed)
    choice = draw.choices(("network", "application", "killed"), (10, 9, 3))[0]
    plan: dict[str, Any] = {"run": f"{seed}-{time.monotonic_ns()}", "kind": "error", "first": 99, "count": 0, "status": 500, "says": "",
                            "pad": draw.randrange(40), "stream": draw.random() < 0.4}
    network = NONE
    if choice == "network":
        network = Fault.drawn(draw, connections=13, answer=400, slow=0.6)
    elif choice == "application":
        plan.update(_trouble(draw))
    this = Run(seed, network.kind if choice == "network" else plan["kind"] if choice == "application" else "killed")
    if draw.random() < 1 / 5:
        this.ending = draw.choice(SIGNALS).name
    with _killed(draw, shared, choice == "killed") as (at, killer), FaultProxy(("127.0.0.1", at.port), network) as proxy:
        killer(proxy)
        _commanded(this, proxy, plan, draw, cwd)
    return this


def _trouble(draw: random.Random) -> dict[str, Any]:
    """A fault of the application's front: from which request on, for how many."""
    kind = draw.choice(("patience", "error", "loop", "away", "hangs"))
    says = {"patience": draw.choice(("0", "1", "5", "86400", "Thu, 31 Dec 2099 23:59:59 GMT", "soon", "-1", "1" * 400, "٣")),
            "hangs": draw.choice((": \n\n", 'data: {"reply": "Let me think"}\n\n', 'data: {"reply": "**AMB', "data: Hello\n\n"))}
    status = {"error": draw.choice((500, 502, 503, 504, 599)), "loop": draw.choice((301, 302, 303, 307, 308)), "away": draw.choice((302, 307, 308))}
    return {"kind": kind, "first": draw.randrange(12), "count": draw.choice((1, 2, 4, 99)), "says": says.get(kind, ""), "status": status.get(kind, 0)}


@contextmanager
def _killed(draw: random.Random, shared: Server, wanted: bool) -> Iterator[tuple[Server, Any]]:
    """The server, and what arms a proxy to kill it: a server of the run's own, which comes back in half of the runs."""
    if not wanted:
        yield shared, lambda proxy: None
        return
    number, back, late = draw.randrange(1, 13), draw.random() < 0.5, draw.choice((0, 0, 1))
    with server(shared.valkey) as own:
        again: list[threading.Thread] = []

        def kill(proxy: FaultProxy) -> None:
            if not proxy.wait_for(number, late, LIMIT):
                return
            own.stop()
            if back:
                own.start()

        def arm(proxy: FaultProxy) -> None:
            again.append(threading.Thread(target=kill, args=(proxy,), daemon=True))
            again[0].start()

        yield own, arm
        again[0].join(LIMIT + 60)


def _commanded(this: Run, proxy: FaultProxy, plan: Mapping[str, Any], draw: random.Random, cwd: Path) -> None:
    credentials = draw.choice(({"Authorization": "Bearer ${TOKEN}"}, {"X-Api-Key": "${TOKEN}"}, {}))
    headers = {"X-Fault": json.dumps(plan), **credentials}
    request = {"path": "/chat", "headers": headers, "json": {"message": "{message}", "user_id": "{user}"}}
    if draw.random() < 0.5:
        request["reply"] = "reply"
    path = cwd / f"request-{this.seed}.yaml"
    path.write_text(json.dumps(request))
    url = f"http://{'' if credentials else f'ann:{PASSWORD}@'}127.0.0.1:{proxy.port}"
    asked = draw.choice((12, 12, 12, 5, 30))
    words = [str(Path(sys.executable).with_name("crewmem-doctor")), "probe", "env:URL", "--probe-request", str(path), "--yes", "--timeout", str(TIMEOUT),
             "--probe-requests", str(asked), "--format", "json", "--verbose"]
    begun = time.monotonic()
    child = subprocess.Popen(words, cwd=cwd, env={**os.environ, "URL": url, "TOKEN": TOKEN}, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    number = signal.Signals[this.ending] if this.ending != "by itself" else None
    if number is not None:
        threading.Thread(target=_end, args=(child, number, draw.randrange(13), draw.random() * 2, proxy), daemon=True).start()
    try:
        out, err = child.communicate(timeout=2 * LIMIT)
    except subprocess.TimeoutExpired:
        child.kill()
        out, err = child.communicate()
    this.seconds = time.monotonic() - begun
    this.status = child.returncode
    _judge(this, number, out, err)


def _end(child: subprocess.Popen[str], number: signal.Signals, connection: int, after: float, proxy: FaultProxy) -> None:
    """Sends the signal in the middle of the probe, if the probe comes that far."""
    if proxy.wait_for(connection, 0, LIMIT):
        time.sleep(after)
        if child.poll() is None:
            child.send_signal(number)


def _judge(this: Run, number: signal.Signals | None, out: str, err: str) -> None:
    text = out + err
    this.wrong += [f"tells a secret: …{part}…" for part in leaked(text, SECRETS)]
    if this.seconds > LIMIT:
        this.wrong.append(f"took {this.seconds:.0f} seconds")
    if "Traceback" in text:
        this.wrong.append(f"a traceback: {text[-400:]}")
    if number is not None and this.status in ENDS[number]:
        return
    if this.status not in (0, 2):
        this.wrong.append(f"status {this.status}: {text[-400:]}")
        return
    if not out:
        this.wrong.append(f"status {this.status} and no report: {err[-400:]}")
        return
    seen: list[dict[str, Any]] = json.loads(out)["observations"]
    this.errors = [one["detail"] for one in seen if one["outcome"] == "error"]
    this.partly = any("answers say nothing" in one["detail"] for one in seen)
    this.wrong += [f"{one['check']} fails: {one['detail']}" for one in seen if one["outcome"] == "fail"]
    this.wrong += [f"no sentence: {detail!r}" for detail in this.errors if len(detail.split()) < 3 or re.search(r"0x[0-9a-f]{6}|Errno|\bobject at\b", detail)]
    if (this.status == 2) != bool(this.errors):
        this.wrong.append(f"status {this.status} does not fit the observations")


def leaked(text: str, secrets: Sequence[str]) -> set[str]:
    """The pieces of secrets that stand in a text."""
    return {secret[at:at + PART] for secret in secrets for at in range(len(secret) - PART + 1) if secret[at:at + PART] in text}
