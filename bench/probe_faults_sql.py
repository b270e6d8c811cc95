"""Seeded faults between the Postgres probe and a real server: does anything hang, stay behind, or tell the password?

    python bench/probe_faults_sql.py --runs 240 --jobs 3

Each run draws a fault and, one time in six, a signal that ends the command at a random moment. All runs go through the
installed command. Afterwards the network heals, and what is left must then vanish by itself, in every other run by the
command that the probe printed, if any. Prints how often each fault was drawn and what went wrong; the exit status is 1
where anything did.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from tests.probes.faults import NONE, Fault, FaultProxy  # noqa: E402
from tests.probes.postgres.server import BIN, Server, folder  # noqa: E402

PASSWORD = "s3cr3t-of-the-bench"
TIMEOUT = 3             # seconds per check
HANGS = 10 * TIMEOUT + 30       # the deadline of the whole probe, with what a busy machine adds
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)


@dataclass
class Run:
    """What was done, how long it took, how many leftovers were told, and what went wrong."""

    name: str
    seconds: float = 0.0
    told: int = 0
    wrong: list[str] = field(default_factory=list)


def run(seed: int, server: Server, database: str) -> Run:
    draw = random.Random(seed)
    fault = Fault.drawn(draw, connections=5, answer=3000, slow=0.3)
    number = draw.choice(SIGNALS) if draw.random() < 1 / 6 else None
    moment = draw.uniform(0.3, 6)
    this = Run(f"{fault.kind}{' + ' + number.name if number else ''}")
    with FaultProxy(("127.0.0.1", server.port), fault) as proxy:
        url = server.url("bench", PASSWORD, database, proxy.port)
        begun = time.monotonic()
        command = subprocess.Popen(
            [str(Path(sys.executable).with_name("crewmem-doctor")), "probe", "env:URL", "--timeout", str(TIMEOUT),
             "--format", "json"], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "URL": url})
        if number is not None:
            try:
                command.wait(moment)
            except subprocess.TimeoutExpired:
                command.send_signal(number)
        try:
            out, err = command.communicate(timeout=HANGS)
        except subprocess.TimeoutExpired:
            command.kill()
            out, err = command.communicate()
            this.wrong.append("hung")
        this.seconds = time.monotonic() - begun
        proxy.fault = NONE
        if PASSWORD.encode() in out + err:
            this.wrong.append("told the password")
        commands = judge(this, command.returncode, out, err) if number is None else []
        this.told = len(commands)
        for line in commands if seed % 2 else ():
            subprocess.run(line, shell=True, check=False, capture_output=True,
                           env={**os.environ, "PGPASSWORD": PASSWORD, "PATH": f"{BIN}:{os.environ['PATH']}"})
        if left := server.wait_gone(database, 25):
            this.wrong.append(f"left behind: {left}")
            server.sql(*(f"DROP SCHEMA {name} CASCADE" for name in left), database=database)
    return this


def judge(this: Run, status: int, out: bytes, err: bytes) -> list[str]:
    """Looks at the report of a run that nobody interrupted. The commands that it prints for what it left."""
    if status not in (0, 2):
        this.wrong.append(f"status {status}: {err.decode()[-300:]}")
        return []
    seen: list[dict[str, Any]] = json.loads(out)["observations"]
    errors = [one for one in seen if one["outcome"] == "error"]
    this.wrong += [f"{one['check']} failed: {one['detail']}" for one in seen if one["outcome"] == "fail"]
    this.wrong += [f"{one['check']} says nothing" for one in seen if not one["detail"]]
    if (status == 2) != bool(errors):
        this.wrong.append(f"status {status} does not fit the observations")
    told = [one["detail"].partition("remove it with: ")[2] for one in errors if one["check"] == "cleanup"]
    if not all(told):
        this.wrong.append("no command was given for what is left")
    return told


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--runs", type=int, default=240)
    words.add_argument("--jobs", type=int, default=2)
    given = words.parse_args()
    free: SimpleQueue[str] = SimpleQueue()
    runs: list[tuple[int, Run]] = []
    with folder() as made:
        server = Server(made, ("max_connections=80",))
        server.create()
        server.start()
        try:
            server.sql(f"CREATE ROLE bench LOGIN PASSWORD '{PASSWORD}'")
            for job in range(given.jobs):
                server.sql(f"CREATE DATABASE bench{job} OWNER bench")
                free.put(f"bench{job}")

            def one(seed: int) -> tuple[int, Run]:
                database = free.get()
                try:
                    return seed, run(seed, server, database)
                finally:
                    free.put(database)

            begun = time.monotonic()
            with ThreadPoolExecutor(given.jobs) as pool:
                runs = list(pool.map(one, range(given.runs)))
            took = time.monotonic() - begun
        finally:
            server.stop()
    for name, count in sorted(Counter(this.name for _, this in runs).items()):
        print(f"{name:24} {count:4}")
    wrong = [f"seed {seed} ({this.name}): {what}" for seed, this in runs for what in this.wrong]
    longest, told = max(this.seconds for _, this in runs), sum(this.told for _, this in runs)
    print(f"{given.runs} runs in {took:.0f} s, the longest {longest:.0f} s; {told} leftovers told, half of them "
          f"left to themselves; {len(wrong)} went wrong")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
