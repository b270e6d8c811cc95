"""Messages that are on their way at the same time, so that more than one worker has to take them.

Sent one by one, an idle server's connections can all go to the same worker. So the messages of a burst leave shortly
after each other, while whoever took the one before is still busy with it. A worker of gunicorn's that takes one request
at a time is kept busy for sure by a message that keeps back its last byte until the others are there as well: it has to
leave the next to another. One that takes many is not, and which worker takes many can be another one for messages that
come whole; so bursts do this by turns.
"""

from __future__ import annotations

import http.client
import itertools
import select
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
Hold = Callable[[], None]
STAGGER = 0.002     # seconds from one message to the next, and between their ends where they are held
GAPS = (0.002, 0.005, 0.010)    # between the beginnings of held ones, by turns: how long those take differs
# Seconds that a message waits for the others. Where a worker takes one connection at a time, TLS cannot begin on those
# that it has not taken yet.
PATIENCE = 0.5


@dataclass
class Gate:
    """Opens when all of `parties` have come, or the first of them has waited for PATIENCE."""

    parties: int
    _come: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: threading.Event = field(default_factory=threading.Event)

    def come(self, number: int) -> None:
        with self._lock:
            self._come.add(number)
            if len(self._come) == self.parties:
                self._open.set()

    def hold(self, number: int) -> None:
        """Waits for the others. They are let go one after the other; nobody waits twice."""
        if number in self._come:
            return
        self.come(number)
        self._open.wait(PATIENCE)
        self._open.set()
        time.sleep(number * STAGGER)


def burst(says: Sequence[Callable[[Hold | None], T]], held: bool = True) -> list[T]:
    """What came of messages that are sent together, in their order. Where they are held, each is given what to call
    before its last byte."""
    found: list[T | None] = [None] * len(says)
    failed: list[BaseException] = []
    gate = Gate(len(says))

    def work(number: int) -> None:
        try:
            found[number] = says[number](partial(gate.hold, number) if held else None)
        except BaseException as error:
            failed.append(error)
        finally:
            gate.come(number)       # one that failed on its way keeps nobody

    # Not a pool's threads: whoever interrupts the probe need not wait for an answer.
    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(len(says))]
    for thread, gap in zip(threads, itertools.cycle(GAPS if held else (STAGGER,))):
        thread.start()
        time.sleep(gap)
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return [one for one in found if one is not None]


class _Holding(http.client.HTTPConnection):
    """Sends a request but for its last byte, calls `hold`, and sends that."""

    def __init__(self, hold: Hold, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self._hold = hold
        self._kept: bytearray | None = None

    def request(self, *args: Any, **words: Any) -> None:
        self._kept = bytearray()
        super().request(*args, **words)
        whole, self._kept = bytes(self._kept), None
        self.send(whole[:-1])
        self._hold()
        if self._answered():
            return
        try:
            self.send(whole[-1:])
        except (BrokenPipeError, ConnectionResetError):
            pass        # it may have answered what it had; whether it did is for who reads

    def send(self, data: Any) -> None:
        if self._kept is None:
            super().send(data)
        else:
            self._kept += data

    def _answered(self) -> bool:
        """Whether it answers before it has everything, as one does that refuses by the headers. A last byte that meets
        a closed connection could cost the answer. TLS has more to say than answers, so it is not asked there."""
        return not isinstance(self.sock, ssl.SSLSocket) and bool(select.select([self.sock], [], [], 0)[0])


class _HoldingTLS(_Holding, http.client.HTTPSConnection):
    pass


class _Handler:
    """urllib's handlers, with connections that hold."""

    def __init__(self, hold: Hold) -> None:
        super().__init__()
        self._hold = hold


class HTTPHandler(_Handler, urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Holding, self._hold), req)


class HTTPSHandler(_Handler, urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_HoldingTLS, self._hold), req)
