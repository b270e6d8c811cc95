"""What an answer says, in whatever shape it comes."""

from __future__ import annotations

import json
from email.message import Message
from typing import Any

import pytest

from crewmem_doctor.probes.http.body import LIMIT, Body, texts
from crewmem_doctor.probes.http.client import Reply
from crewmem_doctor.probes.http.judge import judge

WORD = "amber-falcon-48271"
DELTAS = "".join(f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n" for piece in ("amb", "er-fal", "con-48", "271"))


def reply(text: str, kind: str = "application/json", status: int = 200) -> Reply:
    headers = Message()
    if kind:
        headers["Content-Type"] = kind
    return Reply(status, headers, Body(text), "http://h/chat")


RECALLED: list[tuple[str, str, str]] = [
    ("text/plain", WORD, ""), ("", WORD, ""), ("text/html", "<p>Amber falcon 48271</p>", ""),
    ("application/json", json.dumps({"a": {"b": [1, {"c": WORD}]}}), ""), ("application/json", json.dumps(WORD), ""),
    ("application/json", json.dumps({"a": WORD.replace("-", "‑")}), ""),
    ("application/json", json.dumps({"result": {"texts": ["x", WORD]}}), "result.texts.1"),
    ("text/event-stream", DELTAS + "data: [DONE]\n\n", ""), ("text/event-stream; charset=utf-8", DELTAS, "choices.0.delta.content"),
    ("text/event-stream", DELTAS.replace("\n", "\r\n"), ""), ("text/plain", DELTAS, ""),
    ("text/event-stream", "data: amber\n\n: ping\n\ndata: -falcon\n\nevent: token\ndata: -48271\nid: 4\n\n", ""),
    ("application/x-ndjson", '{"t": "amber-"}\n{"t": "falcon"}\n{"t": "-48271"}\n', ""), ("text/plain", '{"t": "amber-"}\n{"t": "falcon-48271"}\n{"t', "t"),
    ("text/plain", '0:"amber-"\n0:"falcon-48271"\nd:{"finishReason": "stop"}\n', ""), ("application/json", "not JSON: " + WORD, ""),
]


@pytest.mark.parametrize(("kind", "text", "path"), RECALLED)
def test_the_codeword_is_found(kind: str, text: str, path: str) -> None:
    assert judge(reply(text, kind), WORD, path).said == "codeword"


@pytest.mark.parametrize("text", [
    json.dumps({"reply": "I don't know."}), json.dumps({"reply": "I'm sorry, but I can't recall any codeword."}),
    json.dumps({"reply": "I cannot access previous conversations, so I can't help with that."}), json.dumps({"reply": "", "detail": "no codeword"}),
    json.dumps({"reply": "Das weiß ich leider nicht."}), json.dumps({"reply": "申し訳ありませんが、わかりません。"}), json.dumps({"reply": "amber-falcon"}),
    json.dumps({"reply": "x", "error": None, "errors": []}), json.dumps({"task_id": "7", "reply": "no"}), "[]x", json.dumps({"reply": "0"}),
    json.dumps({"reply": "You haven't told me, so I am unable to share it."}), json.dumps({"status": "completed", "output": "no idea"})])
def test_an_answer_without_it_is_not_recalled(text: str) -> None:
    assert judge(reply(text), WORD, "").said == "something else"


@pytest.mark.parametrize(("text", "status", "why"), [
    ("", 200, "empty"), ("{}", 200, "empty"), ('{"reply": " "}', 200, "empty"), ("x", 500, "500 Internal Server Error: x"), (WORD, 404, "404 Not Found"),
    ('{"detail": "Not authenticated"}', 401, "401 Unauthorized"), ('{"error": {"message": "no key"}}', 200, "an error"), ("x", 202, "answers later"),
    ('{"job_id": "1", "status": "queued"}', 200, "a job"), ('{"kickoff_id": "x"}', 200, "a job"), ("x", 302, "302"), ("x", 799, "799"),
    ('{"reply": "litellm.RateLimitError: slow down"}', 200, "RateLimitError"), ("<form><input name=p type='password'></form>", 200, "log in"),
    ('{"reply": "I\'m sorry, I can\'t share confidential data."}', 200, "a refusal"), ('{"reply": "I am not allowed to reveal codewords."}', 200, "a refusal")])
def test_what_is_no_answer_is_inconclusive(text: str, status: int, why: str) -> None:
    judged = judge(reply(text, status=status), WORD, "")
    assert judged.said is None
    assert why in judged.why


def test_a_path_that_is_not_there_is_named_with_what_is() -> None:
    judged = judge(reply(json.dumps({"answer": WORD})), WORD, "result.text")
    assert judged.said is None
    assert judged.why == "the answer has nothing at result.text; its keys are answer"
    assert judge(reply(WORD, "text/plain"), WORD, "result").why == "the answer has nothing at result; it is no JSON"


@pytest.mark.parametrize("text", ["[" * 5000, "data: \n\n", "\x00", '{"a": ' * 200 + "1" + "}" * 200, "0:\n1:", '{"a": NaN}', "data:" * 9])
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", ""])
def test_any_body_is_read_without_a_fault(text: str, kind: str) -> None:
    for path in ("", "a.b", "0.0"):
        texts(Body(text), kind, path)
        judge(reply(text, kind), WORD, path)


def test_a_number_of_a_stream_is_a_piece_of_it() -> None:
    assert judge(reply("data: amber-falcon-\n\ndata: 48271\n\n", "text/event-stream"), WORD, "").said == "codeword"


class Slow:
    """A response that hands out pieces."""

    def __init__(self, pieces: list[Any], **headers: str) -> None:
        self.pieces = pieces
        self.length: int | None = None
        self.headers = Message()
        for name, value in headers.items():
            self.headers[name.replace("_", "-")] = value

    def read1(self, amount: int, /) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, BaseException):
            raise piece
        assert isinstance(piece, bytes)
        return piece


def test_no_more_than_the_limit_is_read_packed_or_not() -> None:
    import gzip
    import time

    from crewmem_doctor.probes.http.body import receive

    end = time.monotonic() + 60
    assert len(receive(Slow([b"x" * 65536] * 40), end).text) == LIMIT
    bomb = gzip.compress(b"x" * (LIMIT * 40))
    found = receive(Slow([bomb[at:at + 1000] for at in range(0, len(bomb), 1000)], Content_Encoding="gzip"), end)
    assert (len(found.text), found.cut) == (LIMIT, True)


def test_a_stream_that_goes_on_has_said_what_it_has_said_at_the_deadline() -> None:
    import time

    from crewmem_doctor.probes.http.body import receive

    end = time.monotonic() + 60
    assert receive(Slow([b"data: x\n\n", TimeoutError()]), end) == Body("data: x\n\n", True)
    assert receive(Slow([b"data: x\n\n", b"data: [DONE]\n\n", TimeoutError()]), end) == Body("data: x\n\ndata: [DONE]\n\n", False)
    with pytest.raises(TimeoutError):
        receive(Slow([TimeoutError()]), end)
