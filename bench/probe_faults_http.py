"""Seeded faults between the HTTP probe and an application that remembers rightly: does anything hang, find what is not
so, or tell the token?

    python bench/probe_faults_http.py [--runs 240] [--first 0] [--jobs 4]

Each run is one of the installed command with its real delay, and with a bearer token in the environment or a password
in the URL. It draws a fault of the network (a connection and a byte), of the application's front (429 with Retry-After,
5xx, redirects, streams that hang) or the death of the server, and one time in five a signal that ends the command.
Prints what was drawn and what went wrong; the exit status is 1 where anything did.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.probes.http import fault_runs  # noqa: E402
from tests.probes.http.stores import valkey  # noqa: E402


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--runs", type=int, default=240)
    words.add_argument("--first", type=int, default=0)
    words.add_argument("--jobs", type=int, default=4)
    asked = words.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)    # a background job hands on that it ignores it
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, valkey(Path(folder)) as store, fault_runs.server(store) as server:

        def run(seed: int) -> fault_runs.Run:
            done = fault_runs.run(seed, server, Path(folder))
            print(f"\n{done}" if done.wrong else ".", end="", flush=True)
            return done

        with ThreadPoolExecutor(asked.jobs) as pool:
            done = list(pool.map(run, range(asked.first, asked.first + asked.runs)))
    longest = max(one.seconds for one in done)
    print(f"\n{len(done)} runs in {time.monotonic() - begun:.0f} s, the longest {longest:.1f} s "
          f"(no run may take more than {fault_runs.LIMIT:.0f} s)")
    drawn = {"faults": [one.fault for one in done], "endings": [one.ending for one in done],
             "statuses": [str(one.status) for one in done]}
    for title, names in drawn.items():
        print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in sorted(Counter(names).items())))
    print(f"runs that felt the fault: {sum(bool(one.errors) for one in done)} could not be judged, "
          f"{sum(one.partly and not one.errors for one in done)} were judged although some answers said nothing")
    wrong = sum(bool(one.wrong) for one in done)
    print(f"{wrong} went wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
