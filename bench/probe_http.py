"""How often the HTTP probe says what is so: real servers, real stores, every cell many times.

    python bench/probe_http.py [--runs 20] [--delay 7] [--jobs 1] [--only WORD]

Needs the `dev` extra. With CREWMEM_TEST_PYTHONS naming an interpreter that has CrewAI, CrewAI's own store is among
the memories, new for each run. `--jobs` servers are probed side by side, each by one probe at a time. Prints a
Markdown table: what was expected, how many runs found exactly that, and for isolated workers in how many of the runs
with CM905 the interval holds their true number.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.probes.http.servers import crewai_environment, everyone, release, sees_late, serving  # noqa: E402
from tests.probes.http.stores import postgres, valkey  # noqa: E402

from crewmem_doctor import live  # noqa: E402
from crewmem_doctor.probes import http  # noqa: E402
from crewmem_doctor.probes.session import Session  # noqa: E402
from crewmem_doctor.probes.target import parse  # noqa: E402
from crewmem_doctor.settings import Settings  # noqa: E402

SERVERS = [
    ("gunicorn", "web", 4), ("gthread", "web", 4), ("uvicorn", "api", 4), ("gunicorn", "web", 1), ("uvicorn", "api", 1)]
# The rules that each kind of application deserves, with one worker and with several.
KINDS: dict[str, tuple[str, str]] = {
    "module": ("", "CM905"), "redis": ("", ""), "postgres": ("", ""), "redis-forgets": ("CM906", "CM906"),
    "redis-shares": ("CM907", "CM907")}
WORDS = {
    "module": "a dictionary", "redis": "Valkey", "postgres": "Postgres", "redis-forgets": "Valkey, a new key each time",
    "redis-shares": "Valkey, one key for all"}
# When an application over the real CrewAI opens its store.
CREWAI = {"once": "opened by each worker before the first write", "each": "opened for each request"}
HEAD = ("| server | workers | memory | expected | exactly that | the interval holds the truth |\n"
        "|---|---|---|---|---|---|")


Rows = list[str]


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--runs", type=int, default=20)
    words.add_argument("--delay", type=float, default=http.DELAY)
    words.add_argument("--jobs", type=int, default=1)
    words.add_argument("--only", default="")
    asked = words.parse_args()
    print(HEAD, flush=True)
    begun = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis, sql = stack.enter_context(valkey(folder)), stack.enter_context(postgres(folder))
        # A database for each server: what all users of one share, those of another do not.
        tables: list[Callable[[], Rows]] = [
            partial(small, *server, {"APP_REDIS": f"{redis}/{number}", "APP_POSTGRES": sql}, asked)
            for number, server in enumerate(SERVERS)]
        for python in filter(None, os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep)):
            tables += [partial(crewai, python, workers, asked) for workers in (4, 1)]
        with ThreadPoolExecutor(asked.jobs) as pool:
            for rows in pool.map(lambda table: table(), tables):
                print("".join(f"{row}\n" for row in rows), end="", flush=True)
    print(f"\n{time.monotonic() - begun:.0f} s", file=sys.stderr)


def small(server: str, app: str, workers: int, stores: dict[str, str], asked: argparse.Namespace) -> Rows:
    """The rows of one server with an application of a few lines."""
    kinds = [kind for kind in KINDS if asked.only in f"{server} {workers} {kind}"]
    if not kinds:
        return []
    with serving(server, app, workers, seconds=300, **stores) as url:
        return [row(server, workers, WORDS[kind], KINDS[kind][workers > 1],
                    [run(url, f"/{kind}/chat", asked.delay) for _ in range(asked.runs)], isolated=kind == "module")
                for kind in kinds]


def crewai(python: str, workers: int, asked: argparse.Namespace) -> Rows:
    """The rows of one server with the real CrewAI's memory, in a new store for each run."""
    kinds = [when for when in CREWAI if asked.only in f"uvicorn {workers} crewai-{when}"]
    rows: Rows = []
    installed = release(python) if kinds else ""
    if not installed:
        return rows
    with tempfile.TemporaryDirectory() as folder, serving(
            "uvicorn", "crewai_app", workers, python=python, seconds=600, cwd=Path(folder),
            **crewai_environment(Path(folder))) as url:
        for when in kinds:
            found = []
            for number in range(asked.runs):
                store = f"{when}/store-{when}-{number}"
                if when == "once":
                    everyone(int(url.rpartition(":")[2]), workers, path=f"/{store}/pid")
                found.append(run(url, f"/{store}/chat", asked.delay))
            expected = "CM905" if when == "once" and workers > 1 and sees_late(installed) else ""
            rows.append(row("uvicorn", workers, f"CrewAI {installed}'s own, {CREWAI[when]}", expected, found))
    return rows


def run(url: str, path: str, delay: float) -> tuple[str, str]:
    """The rules that one run leads to, and what it says of the workers."""
    request = {"path": path, "json": {"message": "{message}", "user_id": "{user}"}, "reply": "reply"}
    settings = Settings(probe_http=request, yes=True, timeout=120.0)
    session = Session(parse(url, {}), settings, {}, ROOT)
    with session:
        http.probe(session, delay)
    report = live.judge(tuple(session.observations), settings, None)
    rules = sorted(finding.rule for finding in report.findings)
    errors = [seen.detail for seen in session.observations if seen.outcome == "error"]
    workers = next((seen.detail for seen in session.observations if seen.check == "workers"), "")
    return " ".join([*rules, *(f"error: {error}" for error in errors)]), workers


def row(server: str, workers: int, memory: str, expected: str, found: list[tuple[str, str]],
        isolated: bool = False) -> str:
    right = sum(rules == expected for rules, _ in found)
    others = Counter(rules or "silence" for rules, _ in found if rules != expected)
    told = "".join(f"; {number} × {rules}" for rules, number in others.items())
    covered = ""
    if isolated and expected:
        words = [words for rules, words in found if rules == "CM905"]
        intervals = [match for match in (re.search(r"\((\d+)–(\d+)(.*)\)", one) for one in words) if match]
        held = sum(int(m[1]) <= workers and (workers <= int(m[2]) or bool(m[3])) for m in intervals)
        covered = f"{held} of {len(intervals)}"
    exactly = f"{right} of {len(found)}{told}"
    return f"| {server} | {workers} | {memory} | {expected or 'silence'} | {exactly} | {covered} |"


if __name__ == "__main__":
    main()
