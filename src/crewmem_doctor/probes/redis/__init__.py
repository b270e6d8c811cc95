"""Redis and Valkey: written in one process, read in another, and what the server's own configuration keeps."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from crewmem_doctor.probes import guard
from crewmem_doctor.probes.process import StepTimedOut, Worker
from crewmem_doctor.probes.redis.address import Address, BadAddress, read
from crewmem_doctor.probes.redis.verdicts import NOEVICTION, Seen, judges
from crewmem_doctor.probes.redis.words import REFUSALS, remedy
from crewmem_doctor.probes.session import Blind, Session, Verdict

READY = 2.0             # seconds that a start-up check may wait for the network, all in all
STARTING = 15.0         # seconds for a child to start and to load the driver, which says nothing about the target
UNDER = 0.9             # a step gives up before its worker is killed, so that what went wrong has a name
VALUE = bytes(range(256))


def probe(session: Session) -> None:
    """Connects, looks, writes in one process, reads in another. With `ready` the first process reads, over a new
    connection, and nothing is looked at."""
    with ExitStack() as stack:
        try:
            address = read(session.target.text)
        except BadAddress as error:
            with session.check("connect"):
                raise Blind(str(error)) from None
        session.secret(*address.secrets)
        guard.allow(session, "writes one key of its own and deletes it again", *address.names)
        visit = _Visit(session, address, stack)
        if not visit.connect():
            return
        if session.settings.ready:
            visit.write_and_read()
            return
        visit.look()
        if visit.write():
            visit.read()


class _Visit:
    """One run against one server. Process 0 connects, looks and writes; process 1 reads."""

    def __init__(self, session: Session, address: Address, stack: ExitStack) -> None:
        self._session, self._address, self._stack = session, address, stack
        self._key = f"{address.key_prefix}{session.namespace}:memory"
        self._value = VALUE + secrets.token_bytes(64)
        self._lifetime = math.ceil(2 * session.settings.timeout) + 20
        self._left = READY
        self._job = address.job()
        self._hosts = ", ".join(filter(None, (address.socket, *(f"{host}:{port}" for host, port in address.nodes))))
        self._workers: dict[int, Worker] = {}
        self._starting: set[int] = set()
        for number in (0,) if session.settings.ready else (0, 1):
            self._start(number)

    def connect(self) -> bool:
        with self._session.check("connect") as check:
            answer = self._ask(0, "connect", check)
            if answer is not None:
                check.passed(f"{answer['at']} answers{' over TLS' if self._address.tls is not None else ''} and takes "
                             f"{'the credentials' if self._address.password else 'connections without a password'}")
        return check.outcome == "pass"

    def look(self) -> None:
        """What INFO and CONFIG say. Where the question itself fails, that is said once."""
        with self._session.check("configuration") as check:
            answer = self._ask(0, "look", check, key=self._key)
            if answer is None:
                return
            seen = Seen.of(answer)
            judged = dict(judges(self._address.db))
            judged["configuration"](seen, check)
            if seen.number("cluster_enabled") and check.outcome == "pass":
                check.passed(f"{check.detail}, on {answer['at']}, the node of the cluster that holds the probe's key")
        for name, judge in judged.items():
            if name != "configuration":
                with self._session.check(name) as verdict:
                    judge(seen, verdict)

    def write(self) -> bool:
        with self._session.check("write") as check:
            if self._written(check):
                check.passed(f"{len(self._value)} bytes were written")
        return check.outcome == "pass"

    def read(self) -> None:
        with self._session.check("second-process-reads") as check:
            answer = self._ask(1, "read", check, key=self._key)
            if answer is not None:
                self._compare(answer, check, "a second process")

    def write_and_read(self) -> None:
        answer: Mapping[str, Any] | None = None
        with self._session.check("write") as check:
            if self._written(check):
                answer = self._ask(0, "read", check, key=self._key)
            if answer is not None:
                check.passed(f"{len(self._value)} bytes were written, and asked for over a new connection")
        if answer is not None and answer["value"] != self._value.hex():
            with self._session.check("second-process-reads") as check:      # which then cannot read it either
                self._compare(answer, check, "a new connection")

    def _written(self, check: Verdict) -> bool:
        self._session.undo(
            "redis.remove", {**self._job, "key": self._key, "lifetime": self._lifetime,
                             "seconds": self._session.tidying * UNDER},
            self._address.command("DEL", self._key))
        return self._ask(0, "write", check, key=self._key, value=self._value.hex(), lifetime=self._lifetime) is not None

    def _compare(self, answer: Mapping[str, Any], check: Verdict, reader: str) -> None:
        if answer["value"] == self._value.hex():
            check.passed(f"{len(self._value)} bytes came back as they were written")
        elif answer["value"] is not None:
            check.failed(f"{reader} reads other bytes than were written", remedy=(
                "Look for what stands between and changes values: a proxy, or a client that decodes them"))
        else:
            evicted = f"; this server has evicted {answer['evicted']} keys" if answer["evicted"] else ""
            check.failed(f"what was written is not there when {reader} asks for it{evicted}", remedy=(
                "Let every process use the same server and database, one that keeps its keys"),
                snippet=NOEVICTION if evicted else "")

    def _ask(self, number: int, step: str, check: Verdict, **more: Any) -> Mapping[str, Any] | None:
        """A step's answer. None where it has none, which the check then says."""
        seconds = self._seconds()
        worker = self._worker(number)
        begun = time.monotonic()
        try:
            answer = worker.ask(f"redis.{step}", {**self._job, "seconds": seconds * UNDER, **more}, seconds)
        except StepTimedOut:
            del self._workers[number]       # it has been killed
            answer = {"trouble": "TIMEOUT", "words": f"{self._hosts} gave no answer within {seconds:.1f} seconds"}
        self._left -= time.monotonic() - begun
        if "trouble" not in answer:
            return answer
        sentence, snippet = remedy(answer["trouble"])
        if step == "write" and answer["trouble"] in REFUSALS:
            check.failed(answer["words"], remedy=sentence, snippet=snippet)
        else:
            check.blind(answer["words"], remedy=sentence)
            check.snippet = snippet
        return None

    def _seconds(self) -> float:
        """For the next step. A start-up check has its own, smaller budget for all of them."""
        if not self._session.settings.ready:
            return self._session.seconds
        if self._left <= 0:
            raise Blind(f"{self._hosts} did not answer within the {READY:.0f} seconds of a start-up check")
        return min(self._session.seconds, self._left)

    def _start(self, number: int) -> None:
        worker = self._workers[number] = self._stack.enter_context(Worker())
        worker.tell({"step": "redis.prepare", "job": {}})
        self._starting.add(number)

    def _worker(self, number: int) -> Worker:
        """A process that has loaded the driver."""
        if number not in self._workers:
            self._start(number)
        if number in self._starting:
            self._starting.discard(number)
            try:
                self._workers[number].answer("redis.prepare", STARTING)
            except StepTimedOut:
                raise Blind(f"the probe's own process was not ready within {STARTING:.0f} seconds: this machine is too "
                            "busy") from None
        return self._workers[number]
