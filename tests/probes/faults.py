"""A TCP proxy that breaks connections on purpose. It knows no protocol: any client and any server may stand around it.

    with FaultProxy(("127.0.0.1", 6379)) as proxy:
        proxy.fault = Fault("truncation", after=20)
        client = connect(port=proxy.port)

What `after` counts are the bytes that the server has answered on that connection, so a fault can fall into the middle of
an answer. `first` and `last` say which connections, counted from 0, have the fault: a client that tries again over a new
connection gets through where `last` is set. `seen` and `wait_for` tell how far the client has come.
"""

from __future__ import annotations

import random
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

Kind = Literal["none", "latency", "reset", "half-open", "truncation", "blackhole", "closed", "trickle"]
KINDS: tuple[Kind, ...] = ("latency", "reset", "half-open", "truncation", "blackhole", "closed", "trickle")
CHUNK = 65536


@dataclass(frozen=True)
class Fault:
    """What happens to a connection.

    latency: each chunk, either way, comes `seconds` late. reset: a TCP reset both ways. half-open: what the client sends
    still arrives at the server, and nothing ever comes back. truncation: the answer stops after `after` bytes and the
    connection ends as if that were all. blackhole: from then on nothing passes either way, and nothing is closed. closed:
    the connection is ended politely before a byte has passed. trickle: the answer comes byte by byte, `seconds` apart, so
    that no timeout between two pieces ends it.
    """

    kind: Kind = "none"
    after: int = 0
    seconds: float = 0.0
    first: int = 0
    last: int | None = None

    def hits(self, connection: int) -> bool:
        return self.kind != "none" and self.first <= connection and (self.last is None or connection <= self.last)

    @classmethod
    def drawn(cls, draw: random.Random, *, connections: int = 4, answer: int = 60, slow: float = 0.2) -> Fault:
        """A fault for a seeded run: any kind, in one of the first `connections` connections, or from there on."""
        first = draw.randrange(connections)
        return cls(draw.choice(KINDS), draw.choice((0, draw.randrange(8), draw.randrange(answer))),
                   draw.uniform(0.0, slow), first, draw.choice((None, first, first)))


NONE = Fault()


class FaultProxy:
    """Stands between a client and the server at `upstream`, as a context. Listens on `port` of 127.0.0.1.

    With `tls` it speaks TLS to the client and plain TCP to the server. `fault` may be changed at any time and holds for
    what passes from then on. `on_answer(connection, answered)` is called with each piece that the server answers, before
    it is passed on; it may kill the server.
    """

    def __init__(self, upstream: tuple[str, int] | str, fault: Fault = NONE, *, tls: ssl.SSLContext | None = None,
                 on_answer: Callable[[int, int], None] | None = None) -> None:
        self.fault = fault
        self._upstream, self._tls, self._on_answer = upstream, tls, on_answer
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._change = threading.Condition()
        self._answered: dict[int, int] = {}
        self._open: set[socket.socket] = set()
        self._ended = False

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        with self._change:
            self._ended = True
            left = list(self._open)
            self._change.notify_all()
        _shut(self._listener)
        for one in left:
            _shut(one)

    @property
    def connections(self) -> int:
        """How many connections have been opened so far."""
        with self._change:
            return len(self._answered)

    def seen(self, connection: int) -> int:
        """How many bytes the server has answered on a connection, whether they were passed on or not."""
        with self._change:
            return self._answered.get(connection, 0)

    def wait_for(self, connection: int, answered: int = 1, seconds: float = 20.0) -> bool:
        """Waits until the server has answered that much on that connection. False after `seconds`."""
        with self._change:
            return self._change.wait_for(lambda: self._answered.get(connection, -1) >= answered, seconds)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._change:
                number = len(self._answered)
                self._answered[number] = 0
                self._open.add(client)
                self._change.notify_all()
            threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        server: socket.socket | None = None
        try:
            if self._tls is not None:
                with self._change:
                    self._open.discard(client)
                client = self._tls.wrap_socket(client, server_side=True)
                with self._change:
                    self._open.add(client)
            server = self._connected()
            self._pump(client, server, number)
        except (OSError, ValueError):
            pass        # either side is gone (ValueError: select is given a closed one), which the other is told next
        finally:
            for one in (client, server):
                if one is not None:
                    with self._change:
                        self._open.discard(one)
                    _shut(one)

    def _connected(self) -> socket.socket:
        if isinstance(self._upstream, str):
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            server.connect(self._upstream)
        else:
            server = socket.create_connection(self._upstream, 10)
            server.settimeout(None)
        with self._change:
            self._open.add(server)
        return server

    def _pump(self, client: socket.socket, server: socket.socket, number: int) -> None:
        """Passes on what comes from either side until one ends or the fault does."""
        while True:
            if self._applies("closed", number):
                return
            if self._applies("reset", number):
                _reset(client, server)
                return
            if self._applies("blackhole", number):
                self._hold(lambda: self._applies("blackhole", number))
                return
            for one in _readable(client, server):
                data = one.recv(CHUNK)
                if not data:
                    return
                if self._applies("latency", number):
                    time.sleep(self.fault.seconds)
                if one is client:
                    server.sendall(data)
                elif not self._answer(client, server, data, number):
                    return

    def _answer(self, client: socket.socket, server: socket.socket, data: bytes, number: int) -> bool:
        """Passes on an answer, or as much of it as the fault leaves. False where that ends the connection."""
        with self._change:
            before = self._answered[number]
            self._answered[number] += len(data)
            self._change.notify_all()
        if self._on_answer is not None:
            self._on_answer(number, before + len(data))
        fault = self.fault
        if not fault.hits(number) or fault.kind == "latency" or before + len(data) < fault.after:
            client.sendall(data)
            return True
        passed = data[:max(0, fault.after - before)]
        if fault.kind == "trickle":
            return self._trickle(client, data, len(passed))
        if fault.kind == "half-open":
            client.sendall(passed)
            return True
        client.sendall(passed)
        if fault.kind == "reset":
            _reset(client, server)
        return fault.kind == "blackhole"        # which the pump sees next; truncation ends here

    def _trickle(self, client: socket.socket, data: bytes, at_once: int) -> bool:
        client.sendall(data[:at_once])
        for i in range(at_once, len(data)):
            client.sendall(data[i:i + 1])
            time.sleep(self.fault.seconds)
        return True

    def _applies(self, kind: Kind, number: int) -> bool:
        fault = self.fault
        return fault.kind == kind and fault.hits(number) and self._answered[number] >= (
            0 if kind in ("latency", "closed") else fault.after)

    def _hold(self, still: Callable[[], bool]) -> None:
        """Keeps a connection open and silent until the proxy or the fault ends."""
        with self._change:
            while not self._ended and still():
                self._change.wait(0.1)


def _readable(client: socket.socket, server: socket.socket) -> list[socket.socket]:
    waiting = [one for one in (client, server) if isinstance(one, ssl.SSLSocket) and one.pending()]
    return waiting or select.select((client, server), (), ())[0]


def _reset(*sockets: socket.socket) -> None:
    for one in sockets:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()


def _shut(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()


class Deaf:
    """A port that never takes a connection, as a firewall that drops packets: its queue is full and nobody accepts."""

    def __enter__(self) -> Deaf:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._queue = [socket.socket() for _ in range(4)]
        for one in self._queue:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for one in (*self._queue, self._listener):
            one.close()
