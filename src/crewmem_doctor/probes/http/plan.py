"""In which order the application is told and asked, within the number of requests that the user allows.

As long as the first question is answered from memory: a few at once, the same after a while, then as somebody else, in
a new session, after a restart. Where it is not, it may be that the memory is saved late, that the question met a worker
that was never told, or that nothing is kept. So: wait and ask again; and if that is no use either, tell it four more
times at once and ask five times. Of four isolated workers, eleven questions after one tell all miss the one that was
told in 4 of 100 runs; asked in this way, in 1 of 250. Where requests meet workers at random, no other number of tells
does better within twelve.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from crewmem_doctor.probes.http.estimate import Event
from crewmem_doctor.probes.http.judge import Judged
from crewmem_doctor.probes.http.talk import Answer, Outcome, Person, Talk
from crewmem_doctor.probes.session import Blind

DELAY = 7.0         # seconds after which it is asked again
BURST = 4           # questions at once, at most
RETELLS = 4         # at most, and as many questions after them
TRIES = 3           # questions after a restart, until one is answered
PAUSE = 1.0         # seconds between them
Phase = Literal["recall", "delay", "other", "session", "restart"]
# Whom the requests go to, one after the other, until none is left.
_ORDER: tuple[Phase, ...] = (
    "delay", "other", "recall", "session", "restart", "recall", "delay", "recall", "other", "recall", "delay")
_MORE: tuple[Phase, ...] = ("recall", "delay")


def shares(requests: int, without: frozenset[Phase]) -> dict[Phase, int]:
    """How many requests each phase gets. `without` are those that this application has no use for."""
    found: dict[Phase, int] = dict.fromkeys(_ORDER, 0)
    order = [phase for phase in _ORDER if phase not in without]
    while requests > 0:
        for phase in order[:requests]:
            found[phase] += 1
        requests -= len(order)
        order = [phase for phase in _MORE if phase not in without]
    return found


@dataclass
class Seen:
    """What the conversation came to, phase by phase. `events` are the tells and the questions of the first user, in
    order; `took` is how long each check took, in seconds; `why` says what kept a phase from being asked."""

    first: list[Answer] = field(default_factory=list)
    recall: list[Answer] = field(default_factory=list)
    delay: list[Answer] = field(default_factory=list)
    other: list[Answer] = field(default_factory=list)
    session: list[Answer] = field(default_factory=list)
    restart: list[Answer] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    tells: int = 0
    told: Judged | None = None      # the answer to the first tell
    tied: str = ""                  # the cookie that ties the user to one worker

    @property
    def asked(self) -> list[Answer]:
        """The first user's questions before any restart."""
        return [*self.first, *self.recall, *self.delay]

    @property
    def everything(self) -> list[Answer]:
        return [*self.asked, *self.other, *self.session, *self.restart]


@dataclass
class Conversation:
    """One run of the plan. `restart` restarts the application, None where that was not asked for; `progress` is told
    the check that begins."""

    talk: Talk
    restart: Callable[[], None] | None
    progress: Callable[[str], None]
    credentials: bool       # every request carries the same person's
    delay: float = DELAY
    seen: Seen = field(default_factory=Seen)

    def run(self) -> Seen:
        """Raises Blind where the application cannot be told anything."""
        user = self.talk.somebody()
        self._tell(user)
        told_at = time.monotonic()
        self._phase("first-recall", self.seen.first, lambda: [self.talk.ask(user)])
        if self._first == "unclear":
            self._phase("first-recall", self.seen.first, lambda: [self.talk.ask(user)])
        if self._first == "recalled":
            self._remembered(user, told_at)
        elif self._first == "missed":
            self._missed(user, told_at)
        self.seen.tied = user.tied
        return self.seen

    def _remembered(self, user: Person, told_at: float) -> None:
        """The first question was answered from memory."""
        share = shares(self.talk.left, self._useless(user))
        self._phase("recall", self.seen.recall, lambda: self._bursts(user, share["recall"]))
        self._wait(told_at, share["delay"])
        self._phase("recall-after-delay", self.seen.delay, lambda: self._bursts(user, share["delay"]))
        if {answer.outcome for answer in self.seen.delay} == {"missed"}:
            self._phase("recall-after-delay", self.seen.delay, lambda: self._spread(user))
        self._others(user, share)

    def _spread(self, user: Person) -> list[Answer]:
        """Questions some time apart, until one is recalled: it faded, or one worker took all that came at once."""
        answers: list[Answer] = []
        while self.talk.left and not any(answer.outcome == "recalled" for answer in answers):
            time.sleep(PAUSE)
            answers.append(self.talk.ask(user))
        return answers

    def _missed(self, user: Person, told_at: float) -> None:
        """The first question was not: too early, the wrong worker, or never."""
        check, into = "recall-after-delay", self.seen.delay
        self._wait(told_at, self.talk.left)
        self._phase(check, into, lambda: [self.talk.ask(user)])
        if not self._recalled:
            self._told(user, min(RETELLS, self.talk.left // 2))
            self._phase(check, into, lambda: self._bursts(user, min(self.talk.left, BURST)))
        if not self._recalled:      # there is nothing that others could be told
            self._phase(check, into, lambda: self._bursts(user, self.talk.left))
            return
        useless = self._useless(user)
        share = shares(self.talk.left, useless | {"recall"})
        if self.talk.left == 1 and self.seen.tells > 1 and "other" not in useless:
            share["delay"], share["other"] = 0, 1       # the first user was asked often enough
        self._phase(check, into, lambda: self._bursts(user, share["delay"]))
        self._others(user, share)

    @property
    def _first(self) -> Outcome:
        """What came of the first question. Telling may have used up every request, with its redirects."""
        return self.seen.first[-1].outcome if self.seen.first else "unasked"

    @property
    def _recalled(self) -> bool:
        return "recalled" in self.seen.events

    def _others(self, user: Person, share: dict[Phase, int]) -> None:
        """Somebody else, another session of the same user, and the time after a restart."""
        if share["other"]:
            other = self.talk.somebody()
            self._phase("other-user", self.seen.other, lambda: [self.talk.ask(other) for _ in range(share["other"])])
        if share["session"]:
            again = self.talk.again(user)
            self._phase("new-session", self.seen.session, lambda: [self.talk.ask(again)])
        if share["restart"] and self.restart is not None and self.talk.left:
            restart = self.restart
            self._phase("recall-after-restart", self.seen.restart, lambda: self._restarted(user, restart))

    def _restarted(self, user: Person, restart: Callable[[], None]) -> list[Answer]:
        try:
            restart()
        except Blind as error:
            self.seen.why["restart"] = str(error)
            return []
        end = time.monotonic() + self.talk.client.seconds()
        sent = self.talk.client.sent
        answer = self.talk.ask(user)
        # It may take connections before it is ready, or be the old one about to end. What is refused costs nothing.
        while answer.outcome == "unclear" and self.talk.left and self.talk.client.sent < sent + TRIES and (
                time.monotonic() < end):
            time.sleep(PAUSE)
            answer = self.talk.ask(user)
        return [answer]

    def _useless(self, user: Person) -> frozenset[Phase]:
        """Phases that this request, or this run, cannot have, with the reason for those that a reader might miss."""
        places = self.talk.template.places
        none: set[Phase] = set()
        if self.restart is None:
            none.add("restart")
        if "user" not in places and self.credentials:
            none.add("other")
            self.seen.why["other"] = ("every request carries the same credentials, and the request has no {user}: "
                                      "there is no second user to ask as")
        elif not places & {"user", "session"} and not user.known:
            none.add("other")
            self.seen.why["other"] = ("the request has neither {user} nor {session}, and the application sets no "
                                      "cookie: nothing tells two users apart")
        if "session" not in places or not ("user" in places or self.credentials):
            none.add("session")
            self.seen.why["session"] = ("the request has no {session}" if "session" not in places
                                        else "the request has no {user}: a new session would be a new user")
        return frozenset(none)

    def _tell(self, user: Person) -> None:
        (judged,) = self._told(user, 1)
        if judged.said is None:
            raise Blind(f"inconclusive: the application could not be told anything: {judged.why}")
        self.seen.told = judged

    def _told(self, user: Person, number: int) -> list[Judged]:
        """The answers to telling it several times at once. Those that say nothing count as not told."""
        self.progress("answer")
        begun = time.monotonic()
        answers = self.talk.tells(user, number)
        for judged in answers:
            if judged.said is not None:
                self.seen.events.append("told")
                self.seen.tells += 1
        self.seen.took["answer"] = self.seen.took.get("answer", 0.0) + time.monotonic() - begun
        return answers

    def _bursts(self, user: Person, number: int) -> list[Answer]:
        answers: list[Answer] = []
        while number > 0:
            answers += self.talk.asks(user, min(number, BURST))
            number -= BURST
        return answers

    def _phase(self, check: str, into: list[Answer], ask: Callable[[], list[Answer]]) -> None:
        self.progress(check)
        begun = time.monotonic()
        found = [answer for answer in ask() if answer.outcome != "unasked"]
        into += found
        if into is self.seen.first or into is self.seen.recall or into is self.seen.delay:
            events: dict[str, Event] = {"recalled": "recalled", "missed": "missed"}
            self.seen.events += [events[answer.outcome] for answer in found if answer.outcome in events]
        self.seen.took[check] = self.seen.took.get(check, 0.0) + time.monotonic() - begun

    def _wait(self, told_at: float, questions: int) -> None:
        if questions:
            self.progress("recall-after-delay")
            time.sleep(max(told_at + self.delay - time.monotonic(), 0.0))
