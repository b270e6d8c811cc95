"""How often the HTTP probe says what is so: real servers, real stores, every cell many times.

    python bench/probe_http.py [--runs 20] [--delay 7] [--only WORD]

Needs the `dev` extra. With CREWMEM_TEST_PYTHONS naming an interpreter that has CrewAI 1.10 or newer, CrewAI's own store
is among the memories. Prints a Markdown table: what was expected, how many runs found exactly that, and for isolated
workers in how many of the runs with CM905 the interval holds their true number.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.probes.http.servers import crewai_environment, serving  # noqa: E402
from tests.probes.http.stores import postgres, valkey  # noqa: E402

from crewmem_doctor import doctor  # noqa: E402
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
    "redis-shares": "Valkey, one key for all", "crewai": "CrewAI's own store"}
HEAD = ("| server | workers | memory | expected | exactly that | the interval holds the truth |\n"
        "|---|---|---|---|---|---|")


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--runs", type=int, default=20)
    words.add_argument("--delay", type=float, default=http.DELAY)
    words.add_argument("--only", default="")
    asked = words.parse_args()
    print(HEAD, flush=True)
    begun = time.monotonic()
    for server, workers, kind, url in applications(asked.only):
        expected = KINDS.get(kind, ("", ""))[workers > 1]
        found = [run(url, kind, asked.delay) for _ in range(asked.runs)]
        print(row(server, workers, kind, expected, found), flush=True)
    print(f"\n{time.monotonic() - begun:.0f} s", file=sys.stderr)


def applications(only: str) -> Iterator[tuple[str, int, str, str]]:
    """Every application, as server, workers, kind and URL, while it runs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stores = {"APP_REDIS": stack.enter_context(valkey(folder)),
                  "APP_POSTGRES": stack.enter_context(postgres(folder))}
        for server, app, workers in SERVERS:
            kinds = [kind for kind in KINDS if only in f"{server} {workers} {kind}"]
            if kinds:
                with serving(server, app, workers, seconds=300, **stores) as url:
                    for kind in kinds:
                        yield server, workers, kind, url
        for python in filter(None, os.environ.get("CREWMEM_TEST_PYTHONS", "").split(os.pathsep)):
            for workers in (4, 1):
                if only in f"uvicorn {workers} crewai":
                    with crewai(python, workers) as url:
                        yield "uvicorn", workers, "crewai", url


@contextmanager
def crewai(python: str, workers: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with serving("uvicorn", "crewai_app", workers, python=python, seconds=600, cwd=place,
                     **crewai_environment(place)) as url:
            yield url


def run(url: str, kind: str, delay: float) -> tuple[str, str]:
    """The rules that one run leads to, and what it says of the workers."""
    request = {"path": f"/{kind}/chat", "json": {"message": "{message}", "user_id": "{user}"}, "reply": "reply"}
    settings = Settings(probe_http=request, yes=True, timeout=120.0)
    session = Session(parse(url, {}), settings, {}, ROOT)
    with session:
        http.probe(session, delay)
    report = doctor.judge(tuple(session.observations), settings, None)
    rules = sorted(finding.rule for finding in report.findings)
    errors = [seen.detail for seen in session.observations if seen.outcome == "error"]
    workers = next((seen.detail for seen in session.observations if seen.check == "workers"), "")
    return " ".join([*rules, *(f"error: {error}" for error in errors)]), workers


def row(server: str, workers: int, kind: str, expected: str, found: list[tuple[str, str]]) -> str:
    right = sum(rules == expected for rules, _ in found)
    others = Counter(rules or "silence" for rules, _ in found if rules != expected)
    told = "".join(f"; {number} × {rules}" for rules, number in others.items())
    words = [words for rules, words in found if rules == "CM905"]
    intervals = [match for match in (re.search(r"\((\d+)–(\d+)(.*)\)", one) for one in words) if match]
    held = sum(int(m[1]) <= workers and (workers <= int(m[2]) or bool(m[3])) for m in intervals)
    covered = f"{held} of {len(intervals)}" if expected == "CM905" else ""
    exactly = f"{right} of {len(found)}{told}"
    return f"| {server} | {workers} | {WORDS[kind]} | {expected or 'silence'} | {exactly} | {covered} |"


if __name__ == "__main__":
    main()
