"""The fault proxy does what it says, so that a test which rests on it tests a fault."""

from __future__ import annotations

import random
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from .faults import KINDS, Deaf, Fault, FaultProxy

ANSWER = b"0123456789" * 10


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class Echo(socketserver.StreamRequestHandler):
    """Answers each line with 100 bytes."""

    def handle(self) -> None:
        for _ in self.rfile:
            self.wfile.write(ANSWER)


@pytest.fixture(scope="module")
def upstream() -> Iterator[tuple[str, int]]:
    with Server(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ("127.0.0.1", server.server_address[1])
        server.shutdown()


def asked(proxy: FaultProxy, seconds: float = 5.0) -> bytes:
    """What comes back for one line until 100 bytes are there or the connection ends."""
    with socket.create_connection(("127.0.0.1", proxy.port), seconds) as client:
        client.sendall(b"hello\n")
        out = b""
        while len(out) < len(ANSWER):
            piece = client.recv(4096)
            if not piece:
                break
            out += piece
        return out


def test_without_a_fault_everything_passes(upstream: tuple[str, int]) -> None:
    with FaultProxy(upstream) as proxy:
        assert asked(proxy) == ANSWER
        assert proxy.seen(0) == len(ANSWER)


def test_a_truncated_answer_ends_where_it_says(upstream: tuple[str, int]) -> None:
    with FaultProxy(upstream, Fault("truncation", after=7)) as proxy:
        assert asked(proxy) == ANSWER[:7]


def test_a_reset_is_one(upstream: tuple[str, int]) -> None:
    with FaultProxy(upstream, Fault("reset", after=50)) as proxy, pytest.raises(ConnectionResetError):
        asked(proxy)


@pytest.mark.parametrize("kind", ["half-open", "blackhole"])
def test_a_silent_connection_stays_open(upstream: tuple[str, int], kind: str) -> None:
    with FaultProxy(upstream, Fault(kind)) as proxy, pytest.raises(TimeoutError):    # type: ignore[arg-type]
        asked(proxy, 0.3)
    assert (proxy.seen(0) > 0) == (kind == "half-open")


def test_latency_is_added(upstream: tuple[str, int]) -> None:
    with FaultProxy(upstream, Fault("latency", seconds=0.2)) as proxy:
        with pytest.raises(TimeoutError):
            asked(proxy, 0.1)
        assert asked(proxy) == ANSWER


def test_an_answer_trickles(upstream: tuple[str, int]) -> None:
    with FaultProxy(upstream, Fault("trickle", after=97, seconds=0.1)) as proxy:
        begun = time.monotonic()
        assert asked(proxy, 0.2) == ANSWER
        assert time.monotonic() - begun >= 0.2


def test_a_fault_may_hit_one_connection_only(upstream: tuple[str, int]) -> None:
    with FaultProxy(upstream, Fault("closed", first=1, last=1)) as proxy:
        assert asked(proxy) == ANSWER
        assert asked(proxy) == b""
        assert asked(proxy) == ANSWER


def test_a_deaf_port_takes_no_connection() -> None:
    with Deaf() as deaf, pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", deaf.port), 0.3)


def test_seeded_faults_are_of_every_kind() -> None:
    draw = random.Random(4)
    assert {Fault.drawn(draw).kind for _ in range(100)} == set(KINDS)
    assert Fault.drawn(random.Random(7)) == Fault.drawn(random.Random(7))
