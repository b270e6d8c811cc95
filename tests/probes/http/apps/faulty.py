"""A Flask application that remembers rightly, in a server, and answers some requests as a troubled one does.

The header X-Fault says which: {"run", "kind", "first", "count", "status", "says", "stream"}. Requests are counted from 0 in
each run.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from agent import agent
from flask import Flask, Response, jsonify, redirect, request

app = Flask(__name__)
HANG = 5.0      # seconds; longer than any deadline of the runs
numbers: dict[str, itertools.count[int]] = defaultdict(itertools.count)
lock = threading.Lock()


@app.get("/pid")
def pid() -> Any:
    return jsonify(pid=os.getpid())


@app.route("/chat", methods=["GET", "POST"])
def chat() -> Any:
    plan = json.loads(request.headers["X-Fault"])
    with lock:
        number = next(numbers[plan["run"]])
    if request.headers.get("Authorization", request.headers.get("X-Api-Key")) not in json.loads(os.environ["APP_CREDENTIALS"]):
        return Response(f"who are you, {request.headers.get('Authorization')}?", 401)
    if plan["first"] <= number < plan["first"] + plan["count"]:
        return FAULTS[plan["kind"]](plan)
    if request.method == "GET":
        return Response("tell me something", 405)
    data = request.get_json()
    said = agent("redis").answer(data["user_id"], data["message"])
    return streamed(events(said)) if plan["stream"] else jsonify(reply=said)


def events(said: str) -> Iterator[str]:
    return (f"data: {json.dumps({'reply': said[at:at + 3]})}\n\n" for at in range(0, len(said), 3))


def streamed(pieces: Iterator[str]) -> Response:
    return Response(itertools.chain(pieces, ["data: [DONE]\n\n"]), mimetype="text/event-stream")


def patience(plan: dict[str, Any]) -> Any:
    return Response(echoed(plan, "slow down"), 429, {"Retry-After": plan["says"]})


def error(plan: dict[str, Any]) -> Any:
    return Response(echoed(plan, "it broke"), plan["status"])


def echoed(plan: dict[str, Any], why: str) -> str:
    """An error page that quotes the request, as those of careless frameworks do, at some distance from its beginning."""
    return f"{why}{' .' * plan['pad']} {dict(request.headers)} {request.url}"


def loop(plan: dict[str, Any]) -> Any:
    return redirect(request.full_path, plan["status"])


def away(plan: dict[str, Any]) -> Any:
    return redirect("http://localhost:9/chat?" + request.headers.get("Authorization", ""), plan["status"])


def hangs(plan: dict[str, Any]) -> Any:
    """A stream that begins, and then only shows that it lives."""
    def going() -> Iterator[str]:
        yield plan["says"]
        end = time.monotonic() + HANG
        while time.monotonic() < end:
            time.sleep(0.2)
            yield ": still here\n\n"

    return Response(going(), mimetype="text/event-stream")


FAULTS = {"patience": patience, "error": error, "loop": loop, "away": away, "hangs": hangs}
