"""How real applications answer, and what the probe makes of it."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .conftest import failing, outcomes, probed
from .servers import free_port, serving

USER = {"message": "{message}", "user_id": "{user}"}
TOKEN = "t0ken-0f-the-test"


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    """A server with threads: some of its answers never end."""
    with serving("gthread", "web", 1, APP_TOKEN=TOKEN, APP_LATE="0.6", APP_ELSEWHERE="http://localhost:9/chat") as url:
        yield url


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with serving("uvicorn", "api", 1) as url:
        yield url


@pytest.mark.parametrize(("path", "reply"), [("/stream", ""), ("/stream", "delta.content"), ("/lines", ""), ("/lines", "piece")])
def test_streams_are_put_together(api: str, path: str, reply: str) -> None:
    request = {"path": path, "json": USER, **({"reply": reply} if reply else {})}
    seen = probed_with(api, request)
    assert failing(seen) == set()
    assert seen["workers"].detail == "9 of 9; one store"


def test_a_stream_that_never_ends_has_said_enough_at_the_deadline(web: str) -> None:
    seen = probed_with(web, {"path": "/endless", "json": USER}, timeout=1.0, probe_requests=3)
    assert outcomes(seen)["first-recall"] == "pass"


def test_half_a_stream_is_no_answer_without_the_codeword(web: str) -> None:
    """It may be that the codeword was to come."""
    seen = probed_with(web, {"path": "/thinking", "json": USER}, timeout=1.0, probe_requests=3)
    assert failing(seen) == set()
    assert "the answer did not end in time" in seen["answer"].detail


def probed_with(url: str, request: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return probed(url, probe_http=request, **settings)


def test_a_session_cookie_is_who_one_is(web: str) -> None:
    seen = probed_with(web, {"path": "/cookie", "json": {"message": "{message}"}})
    assert failing(seen) == set()
    assert outcomes(seen)["other-user"] == "pass"
    assert seen["workers"].detail.endswith("; one store")


def test_without_a_user_a_session_or_a_cookie_nobody_else_can_be_asked_as(web: str) -> None:
    seen = probed_with(web, {"path": "/chat", "json": {"message": "{message}", "user_id": "me"}})
    assert outcomes(seen)["other-user"] == "skip"
    assert "nothing tells two users apart" in seen["other-user"].detail


def test_a_redirect_after_a_form_is_followed_to_what_was_said(web: str) -> None:
    seen = probed_with(web, {"path": "/form", "form": {"message": "{message}", "user": "{user}"}})
    assert failing(seen) == set()
    assert seen["workers"].detail == "4 of 4; one store"      # each question is two requests


def test_a_permanent_redirect_costs_one_request(web: str) -> None:
    seen = probed_with(web, {"path": "/old", "json": USER})
    assert failing(seen) == set()
    assert "(12 requests" in seen["answer"].detail
    assert seen["workers"].detail == "8 of 8; one store"


def test_no_message_goes_to_another_host(web: str) -> None:
    seen = probed_with(web, {"path": "/elsewhere", "json": USER})
    assert list(outcomes(seen).values()) == ["pass", "error"]
    assert "redirects to http://localhost:9, which is another host" in seen["answer"].detail


def test_patience_is_had_when_asked_for(web: str) -> None:
    begun = time.monotonic()
    seen = probed_with(web, {"path": "/busy", "json": USER})
    assert failing(seen) == set()
    assert outcomes(seen)["first-recall"] == "pass"
    assert time.monotonic() - begun > 1
    assert "(12 requests" in seen["answer"].detail


def test_no_patience_lasts_longer_than_the_deadline(web: str) -> None:
    begun = time.monotonic()
    seen = probed_with(web, {"path": "/full", "json": USER}, timeout=5.0)
    assert time.monotonic() - begun < 4
    assert seen["answer"].outcome == "error"
    assert "429 Too Many Requests: come back tomorrow" in seen["answer"].detail


def test_a_token_comes_from_the_environment_and_goes_nowhere_else(web: str) -> None:
    request = {"path": "/private", "json": USER, "headers": {"Authorization": "Bearer ${API_TOKEN}"}}
    seen = probed_with(web, request, environ={"API_TOKEN": TOKEN})
    assert failing(seen) == set()
    seen = probed_with(web, request, environ={"API_TOKEN": "wr0ng-token"})
    assert "401 Unauthorized: who are you?" in seen["answer"].detail
    assert "wr0ng-token" not in repr(seen)


def test_half_a_token_is_not_quoted_either(web: str) -> None:
    """An error page that repeats the credentials where the quotation ends."""
    token = "wr0ng/token+" * 9
    for pad in ("0", "50", "70"):
        headers = {"X-Api-Key": "${API_TOKEN}"}
        seen = probed_with(web, {"path": "/echoes", "query": {"pad": pad}, "json": USER, "headers": headers}, environ={"API_TOKEN": token})
        assert seen["answer"].detail.startswith("inconclusive: the application could not be told anything: 500 Internal Server Error: ")
        assert "wr0ng" not in repr(seen)


def test_credentials_without_a_user_are_one_persons(web: str) -> None:
    request = {"path": "/private", "json": {"message": "{message}", "user_id": "me", "session_id": "{session}"},
               "headers": {"Authorization": "Bearer ${API_TOKEN}"}}
    seen = probed_with(web, request, environ={"API_TOKEN": TOKEN})
    assert failing(seen) == set()
    assert outcomes(seen)["other-user"] == "skip"
    assert outcomes(seen)["new-session"] == "pass"


def test_a_stranger_is_somebody_in_another_session_where_there_are_no_users(web: str) -> None:
    seen = probed_with(web, {"path": "/module-shares/chat", "json": {"message": "{message}", "user_id": "{session}"}})
    assert failing(seen) == {"other-user"}
    assert seen["other-user"].detail == "somebody in another session was told the codeword"
    assert seen["new-session"].detail == "the request has no {user}: a new session would be a new user"
    request = {"path": "/module-shares/chat", "json": USER, "headers": {"Authorization": "Bearer ${API_TOKEN}"}}
    seen = probed_with(web, request, environ={"API_TOKEN": TOKEN})
    assert seen["other-user"].detail == "a second user was told the codeword, though with the same credentials"


def test_a_memory_for_one_conversation_is_a_note(web: str) -> None:
    seen = probed_with(web, {"path": "/chat", "json": {"message": "{message}", "user_id": "{session}", "person": "{user}"}})
    assert failing(seen) == {"new-session"}
    assert seen["new-session"].minor


@pytest.mark.parametrize(("path", "why"), [
    ("/fails", "insufficient_quota"), ("/breaks", "500 Internal Server Error: oh no"), ("/empty", "the answer is empty"), ("/job", "answers later"),
    ("/page", "a page to log in at"), ("/nowhere", "404 Not Found"), ("/refuses", "a refusal"), ("/pid", "405 Method Not Allowed")])
def test_what_is_no_answer_is_inconclusive(web: str, path: str, why: str) -> None:
    seen = probed_with(web, {"path": path, "json": USER})
    assert failing(seen) == set()
    assert seen["answer"].outcome == "error"
    assert seen["answer"].detail.startswith("inconclusive: ")
    assert why in seen["answer"].detail


def test_an_application_that_says_the_same_to_everything_is_no_application(web: str) -> None:
    seen = probed(web, {"path": "/module-silent/chat"})
    assert failing(seen) == set()
    assert "answers the same to everything" in seen["answer"].detail


def test_what_is_saved_after_the_reply_is_a_note(web: str) -> None:
    seen = probed(web, {"path": "/module-late/chat"}, delay=1.5)
    assert failing(seen) == {"first-recall"}
    assert seen["first-recall"].minor
    assert seen["workers"].detail.endswith("; one store")


def test_a_packed_answer_in_another_alphabet_is_read(web: str) -> None:
    assert failing(probed_with(web, {"path": "/packed", "json": USER})) == set()


def test_a_cookie_that_ties_to_a_worker_is_said(web: str) -> None:
    seen = probed_with(web, {"path": "/tied", "json": USER})
    assert outcomes(seen)["workers"] == "skip"
    assert "the cookie AWSALB ties each user to one worker" in seen["workers"].detail


def test_silence_ends_at_the_deadline(web: str) -> None:
    begun = time.monotonic()
    seen = probed_with(web, {"path": "/slow", "json": USER}, timeout=1.0)
    assert time.monotonic() - begun < 4
    assert "no answer within 1 seconds" in seen["answer"].detail


@pytest.mark.parametrize("number", [2, 3, 5, 12, 30])
def test_never_more_requests_than_allowed(number: int) -> None:
    with counting() as (url, requests):
        seen = probed(url, probe_requests=number)
    assert 2 <= len(requests) <= number
    assert seen["answer"].outcome == "pass"
    assert failing(seen) == {"first-recall"}
    assert all("Connection: close" in head for head in requests)


def test_a_tell_that_uses_up_every_request_is_inconclusive(web: str) -> None:
    """The form is answered by a redirect, so telling takes two requests."""
    seen = probed_with(web, {"path": "/form", "form": {"message": "{message}", "user": "{user}"}}, probe_requests=2)
    assert seen["answer"].outcome == "error"
    assert seen["answer"].detail == "inconclusive: no request was left to ask with"


def test_one_request_is_too_few() -> None:
    with counting() as (url, requests):
        assert "is too few" in probed(url, probe_requests=1)["answer"].detail
    assert requests == []


def test_ctrl_c_does_not_wait_for_answers() -> None:
    """A burst of questions whose answers take half a minute."""
    program = """
import signal, threading, os, time
from crewmem_doctor.probes.http.together import burst
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    burst([lambda hold: time.sleep(30)] * 4)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == "interrupted\n"


@contextmanager
def counting() -> Iterator[tuple[str, list[str]]]:
    """An application that answers something new each time, and the heads of the requests that it got."""
    requests: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(f"{self.requestline}\n{self.headers}")
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"reply": "I forgot, number %d"}' % len(requests)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def speaking(answer: bytes) -> Iterator[str]:
    """Something at a port that says `answer` to whatever it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.settimeout(2)
                    peer.recv(65536)
                    peer.sendall(answer)
                    peer.shutdown(socket.SHUT_WR)
                    while peer.recv(65536):
                        pass
                except OSError:
                    pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


@pytest.mark.parametrize(("answer", "why"), [
    (b"", "closed without an answer"), (b"SSH-2.0-OpenSSH\r\n", "does not speak HTTP"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", "broke off"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "broke off"),
    (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf", "could not be unpacked"),
    (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"reply\": \"amb", "it is the beginning of JSON"),
    (b"HTTP/1.1 429 No\r\nRetry-After: Thu, 31 Dec 2099 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n", "429"),
    (b"HTTP/1.1 307 No\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", "redirects more than 5 times"),
    (b"HTTP/1.1 307 No\r\nLocation: ftp://127.0.0.1/x\r\nContent-Length: 0\r\n\r\n", "another host")])
def test_broken_answers_are_named(answer: bytes, why: str) -> None:
    with speaking(answer) as url:
        seen = probed(url, timeout=5.0)
    assert failing(seen) == set()
    assert why in seen["answer"].detail


def test_what_cannot_be_reached_is_named() -> None:
    assert probed(f"http://127.0.0.1:{free_port()}")["connect"].detail == "the connection was refused"
    assert "could not be resolved" in probed("http://no-such-host.invalid/chat", timeout=10.0)["connect"].detail
    assert "port" in probed("http://127.0.0.1:99999/")["connect"].detail.lower()


def test_tls_faults_are_named(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with counting() as (plain, _):
        port = plain.rpartition(":")[2]
        assert "no TLS is spoken at this port" in probed(f"https://127.0.0.1:{port}")["connect"].detail
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"https://localhost:{server.server_address[1]}"
        assert "self-signed certificate" in probed(url)["connect"].detail
        trusted = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(certificate)
        try:
            assert probed(url)["connect"].outcome == "pass"
            assert "501" in probed(url)["answer"].detail or "inconclusive" in probed(url)["answer"].detail
            assert "certificate is not valid for" in probed(url.replace("localhost", "127.0.0.1"))["connect"].detail.replace("mismatch, ", "")
        finally:
            if trusted is None:
                del os.environ["SSL_CERT_FILE"]
            else:
                os.environ["SSL_CERT_FILE"] = trusted
    finally:
        server.shutdown()
        server.server_close()


def test_a_proxy_is_used_unless_it_is_not_to_be() -> None:
    with counting() as (proxy, requests):
        seen = probed("http://app.invalid/x", environ={"http_proxy": proxy}, probe_requests=2)
        assert outcomes(seen)["connect"] == "skip"
        assert requests[0].startswith("POST http://app.invalid/x/chat")
        seen = probed("http://app.invalid/x", environ={"http_proxy": proxy, "no_proxy": ".invalid"}, probe_requests=2)
        assert outcomes(seen) == {"connect": "error"}


def test_userinfo_of_the_url_is_sent_and_never_shown() -> None:
    with counting() as (url, requests):
        seen = probed(url.replace("http://", "http://ann:s3cr3t%40@"), probe_requests=2)
    assert "Authorization: Basic YW5uOnMzY3IzdEA=" in requests[0]
    assert "s3cr3t" not in repr(seen)
    assert "YW5uOnMzY3IzdEA" not in repr(seen)
