"""Many seeded faults between the Redis probe and its server: what is left, what is let out, what hangs.

    python bench/probe_faults.py [--runs 200] [--first 0] [--jobs 4] [--commands 4]

Every fourth run (--commands) is one of the installed command, which is ended by SIGTERM, SIGINT or SIGKILL in three of
four cases; the others run in this process. When a run has ended so does its fault, and then no key may stay. Exits with
1 where a run did what it must not.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "f4ult-s3cret"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--commands", type=int, default=4)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    tests = importlib.import_module("tests.probes.redis.conftest")
    runs = importlib.import_module("tests.probes.redis.fault_runs")
    command = [str(Path(sys.executable).with_name("crewmem-doctor"))]
    root = tempfile.TemporaryDirectory(prefix="probe-faults-")      # gone with the program

    def run(seed: int) -> Any:
        directory = Path(tempfile.mkdtemp(dir=root.name))
        server = tests.Server(tests.FLAVOURS[seed % 2], directory, ("--save", "", "--appendonly", "yes")).start()
        with server.client() as client:
            client.execute_command(f"ACL SETUSER app on >{PASSWORD} ~* +@all")
        done = runs.run(seed, server, PASSWORD, directory, command if seed % options.commands == 0 else ())
        server.stop()
        print(".!"[bool(done.wrong)], end="", flush=True)
        return done

    begun = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        done = list(pool.map(run, range(options.first, options.first + options.runs)))
    took = time.monotonic() - begun
    print(f"\n{len(done)} runs in {took:.0f} s, the longest {max(one.seconds for one in done):.1f} s "
          f"(no run may take more than {runs.LIMIT:.0f} s)")
    for title, counts in (("faults", collections.Counter(one.fault.kind for one in done)),
                          ("endings", collections.Counter(one.ending for one in done))):
        print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print(f"runs that felt the fault: {sum(bool(one.errors) for one in done)}")
    left = [one for one in done if one.left]
    print(f"keys there when the run ended, because the fault lasted: {len(left)}; said with the command that removes "
          f"them: {sum(one.said for one in left)}; after a SIGKILL: {sum(one.ending == 'SIGKILL' for one in left)}")
    print(f"keys there {runs.AFTERWARDS:.0f} s after the fault: {sum('for good' in str(one.wrong) for one in done)}")
    for one in done:
        if one.wrong:
            print(one)
    return int(any(one.wrong for one in done))


if __name__ == "__main__":
    sys.exit(main())
