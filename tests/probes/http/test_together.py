"""Messages of a burst meet more than one worker, and none of them waits for long for one that does not come."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
import trustme

from crewmem_doctor.probes.http import talk
from crewmem_doctor.probes.http.client import Client, NoReply, Reply
from crewmem_doctor.probes.http.template import Message
from crewmem_doctor.probes.http.together import PATIENCE, Gate, Hold, burst

from .conftest import failing, probed
from .servers import serving


def asked(url: str, number: int = 4, body: bytes | None = b'{"message": "hello"}', **environ: str) -> list[Reply | NoReply]:
    client = Client(99, lambda: 20.0, environ)
    message = Message("POST" if body else "GET", url, {"Content-Type": "application/json", "Connection": "close"}, body)

    def one(hold: Hold) -> Reply | NoReply:
        try:
            return client.send(message, CookieJar(), hold)
        except NoReply as error:
            return error

    return burst([one] * number)


def pids(replies: list[Reply | NoReply]) -> list[int]:
    return [json.loads(reply.body.text)["pid"] for reply in replies if isinstance(reply, Reply)]


@pytest.mark.parametrize(("path", "body"), [("/pid", None), ("/asked", b'{"message": "hello"}')], ids=["GET", "POST"])
def test_workers_that_take_one_request_at_a_time_get_one_each(path: str, body: bytes | None) -> None:
    with serving("gunicorn", "web", 4) as url:
        for _ in range(10):
            assert len(set(pids(asked(url + path, body=body)))) == 4


@pytest.mark.parametrize(("server", "app"), [("gunicorn", "web"), ("gthread", "web"), ("uvicorn", "api")])
def test_one_worker_answers_them_all(server: str, app: str) -> None:
    with serving(server, app, 1) as url:
        begun = time.monotonic()
        assert len(pids(asked(f"{url}/pid", 8, None))) == 8
        assert time.monotonic() - begun < 5


def test_a_worker_that_takes_one_connection_at_a_time_answers_them_all_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second handshake begins when the first answer is sent: the messages stop waiting for each other."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            plain, _ = listening.accept()
            with context.wrap_socket(plain, server_side=True) as one:
                told = b""
                while b"\r\n\r\n" not in told:
                    told += one.recv(4096)
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{\"pid\": 1}")

    threading.Thread(target=serve, daemon=True).start()
    begun = time.monotonic()
    replies = asked(f"https://localhost:{listening.getsockname()[1]}/pid", body=None)
    assert pids(replies) == [1] * 4
    assert time.monotonic() - begun < PATIENCE + 5


@contextmanager
def refusing() -> Iterator[str]:
    """An application that answers by the headers, does not read the body and hangs up."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = b'{"detail": "who are you?"}'
            self.send_response(401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/chat"
    server.shutdown()
    server.server_close()


def test_an_application_that_refuses_by_the_headers_is_heard() -> None:
    with refusing() as url:
        for _ in range(10):
            replies = asked(url)
            assert [reply.status if isinstance(reply, Reply) else str(reply) for reply in replies] == [401] * 4


def test_what_fails_on_its_way_keeps_nobody() -> None:
    """Nobody listens: the four find out at once and none waits for another."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    begun = time.monotonic()
    replies = asked(f"http://127.0.0.1:{port}/chat")
    assert all(isinstance(reply, NoReply) and not reply.sent for reply in replies)
    assert time.monotonic() - begun < PATIENCE


def test_the_gate_opens_when_the_last_has_come() -> None:
    gate, through = Gate(2), []
    waiting = threading.Thread(target=lambda: (gate.hold(0), through.append(0)))
    waiting.start()
    time.sleep(0.05)
    assert not through
    gate.come(1)
    waiting.join(PATIENCE / 2)
    assert through == [0]


def test_nobody_waits_for_more_than_a_moment_or_twice() -> None:
    gate = Gate(2)
    begun = time.monotonic()
    gate.hold(0)
    assert PATIENCE <= time.monotonic() - begun < PATIENCE + 2
    begun = time.monotonic()
    gate.hold(0)
    gate.hold(1)
    assert time.monotonic() - begun < PATIENCE / 2


def test_a_proxy_that_the_environment_names_gets_whole_requests() -> None:
    """The proxy here is the application itself: it takes the absolute form of a request's target."""
    with serving("gthread", "web", 1) as url:
        assert len(pids(asked("http://application.invalid/pid", body=None, http_proxy=url))) == 4


def test_bursts_come_whole_and_held_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever kind of worker it is, one of two bursts spreads."""
    turns: list[bool] = []
    original = talk.burst

    def noting(says: list[Callable[[Hold | None], object]], held: bool) -> list[object]:
        turns.append(held)
        return original(says, held)

    monkeypatch.setattr(talk, "burst", noting)
    with serving("gunicorn", "web", 4) as url:
        probed(url, {"path": "/module/chat", "json": {"message": "{message}", "user_id": "{user}"}, "reply": "reply"})
    assert len(turns) >= 2
    assert turns == [number % 2 == 1 for number in range(len(turns))]


def test_isolated_workers_are_found_every_time() -> None:
    """Each of gunicorn's four workers is told, or asked, whatever the first request met."""
    with serving("gunicorn", "web", 4) as url:
        for _ in range(5):
            assert failing(probed(url, {"path": "/module/chat", "json": {"message": "{message}", "user_id": "{user}"}, "reply": "reply"})) == {"workers"}
