"""What a pattern of answers is taken for. The application answers by a script, whatever the requests meet."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crewmem_doctor.probes.http.plan import Phase, Seen, shares
from crewmem_doctor.probes.http.verdicts import healed

from .conftest import failing, probed

ISOLATED = re.compile(r"about \d+ isolated workers \(\d+–\d+( or more)?\)")


@contextmanager
def scripted(script: str) -> Iterator[str]:
    """An application that gives the first user's questions the answers of `script`, h for a hit and m for a miss, and the
    last of them ever after. Nobody else is told."""
    told: dict[str, str] = {}
    asked: dict[str, int] = defaultdict(int)
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            user = said["user_id"]
            with lock:
                if found := re.search(r"codeword is ([\w-]+)", said["message"]):
                    told[user] = found[1]
                    reply = "Noted."
                else:
                    hit = user in told and script[min(asked[user], len(script) - 1)] == "h"
                    asked[user] += 1
                    reply = told[user] if hit else "I don't know."
            body = json.dumps({"reply": reply}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("script", "tally"), [
    ("hmmhhmhhh", "6 of 9, the last 3 all recalled; "),         # recalled at first: five more at once, three later
    ("mmhhhh", "4 of 6, told 5 times, the last 4 all recalled; ")])
def test_misses_that_end_may_be_one_store_that_is_seen_late(script: str, tally: str) -> None:
    """In a burst the order is the network's: both scripts end with bursts of hits."""
    with scripted(script) as url:
        seen = probed(url, delay=0.1, probe_requests=12)
    assert failing(seen) == {"workers"}
    detail = seen["workers"].detail
    assert detail.startswith(tally + "one store that workers see late, or about "), detail
    assert ISOLATED.search(detail)
    assert seen["workers"].remedy.startswith("Open the store for each request if the workers share one, and give them one")


@pytest.mark.parametrize("script", ["hmhmhmhmm", "mhhhhhhmm"])
def test_misses_that_go_on_are_isolated_workers(script: str) -> None:
    with scripted(script) as url:
        seen = probed(url, delay=0.1, probe_requests=12)
    assert failing(seen) == {"workers"}
    assert re.fullmatch(r"\d of \d; " + ISOLATED.pattern, seen["workers"].detail)
    assert seen["workers"].remedy == "Keep memory in one store that every worker and replica shares"


def test_a_store_that_exists_and_is_seen_late_is_a_note_that_names_both() -> None:
    """Every worker finds after some seconds what another one saved: nothing tells that from saving after the reply."""
    with scripted("mh") as url:
        seen = probed(url, delay=0.1, probe_requests=12)
    assert failing(seen) == {"first-recall"}
    assert seen["first-recall"].minor
    assert "saved after the reply was sent, or workers see late what others saved" in seen["first-recall"].detail
    assert seen["recall-after-delay"].detail.startswith("8 of 8 replies")       # every request is used


def test_memory_that_fades_is_asked_for_until_the_requests_end() -> None:
    with scripted("hhhhhhm") as url:
        seen = probed(url, delay=0.1, probe_requests=12)
    assert failing(seen) == {"recall-after-delay"}
    assert "0 of 5 replies contain the codeword" in seen["recall-after-delay"].detail


def test_a_worker_that_took_every_early_question_is_no_memory_that_fades() -> None:
    with scripted("hhhhhhmmmh") as url:
        seen = probed(url, delay=0.1, probe_requests=12)
    assert failing(seen) == {"workers"}
    assert seen["workers"].detail.startswith("7 of 10; about ")


def test_tells_and_unclear_answers_are_no_misses() -> None:
    assert healed(Seen(events=["told", "missed", "recalled", "told", "recalled", "recalled"])) == 3
    assert healed(Seen(events=["told", "missed", "recalled", "recalled"])) == 0
    assert healed(Seen(events=["told", "recalled", "recalled", "recalled", "missed"])) == 0


@pytest.mark.parametrize("requests", range(25))
@pytest.mark.parametrize("without", [frozenset(), frozenset({"recall"}), frozenset({"recall", "other", "session", "restart"})])
def test_every_request_that_is_allowed_goes_to_a_phase_that_asks(requests: int, without: frozenset[Phase]) -> None:
    share = shares(requests, without)
    assert sum(share.values()) == requests
    assert not any(share[phase] for phase in without)
