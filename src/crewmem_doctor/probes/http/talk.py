"""What is said to the application, by whom, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.cookiejar import CookieJar
from typing import Literal, TypeVar

from crewmem_doctor.probes.http.client import Client, NoReply, Spent
from crewmem_doctor.probes.http.judge import Judged, judge
from crewmem_doctor.probes.http.template import Caller, Template, caller
from crewmem_doctor.probes.http.together import Hold, burst
from crewmem_doctor.probes.session import Blind

T = TypeVar("T")
Outcome = Literal["recalled", "missed", "unclear", "unasked"]
# Cookies by which load balancers tie a caller to one worker or replica.
AFFINITY = ("awsalb", "awsalbcors", "awselb", "awselbcors", "gclb", "serverid", "route", "ingresscookie", "arraffinity",
            "arraffinitysamesite", "applicationgatewayaffinity", "__lb", "srv_id", "sticky", "lb")
_HARMLESS = ("csrf", "xsrf", "consent", "locale", "lang", "theme", "_ga", "_gid")


@dataclass(frozen=True)
class Answer:
    """One question: what came of it, and why nothing did."""

    outcome: Outcome
    why: str = ""
    text: str = ""


@dataclass
class Person:
    """A caller with the cookies that the application has given them."""

    caller: Caller
    jar: CookieJar = field(default_factory=CookieJar)

    @property
    def tied(self) -> str:
        """The cookie that ties them to one worker, if there is one."""
        return next((cookie.name for cookie in self.jar if cookie.name.lower() in AFFINITY), "")

    @property
    def known(self) -> str:
        """The cookie by which the application may know them again."""
        return next((cookie.name for cookie in self.jar
                     if not cookie.name.lower().startswith(_HARMLESS) and cookie.name.lower() not in AFFINITY), "")


@dataclass
class Talk:
    """Tells the codeword and asks for it, as whom one likes. `hide` takes secrets out of what is quoted of an answer;
    `cut` is what ended it early, empty otherwise."""

    client: Client
    template: Template
    url: str
    codeword: str
    namespace: str
    hide: Callable[[str], str] = str
    cut: str = ""
    _bursts: int = 0

    @property
    def left(self) -> int:
        """How many messages may still be sent, each with as many redirects as the last."""
        return self.client.allowed // self.client.hops

    def somebody(self) -> Person:
        return Person(caller(self.namespace, self.template.uuids))

    def again(self, person: Person) -> Person:
        """The same user in a new session, as from another device."""
        return Person(Caller(person.caller.user, self.somebody().caller.session))

    def tells(self, person: Person, number: int) -> list[Judged]:
        """Says the codeword, several times at about the same time. An answer may repeat it or not; what counts is that
        there is one. What is no answer is judged to say nothing.
        """
        return self._at_once(partial(self._tell, person), number)

    def _tell(self, person: Person, hold: Hold | None = None) -> Judged:
        words = self.template.remember.replace("{codeword}", self.codeword)
        try:
            return self._say(person, words, begun=True, hold=hold)
        except NoReply as error:
            return Judged(None, str(error))

    def ask(self, person: Person, hold: Hold | None = None) -> Answer:
        """`hold` is called when everything but the last byte of the question has been sent."""
        try:
            judged = self._say(person, self.template.recall, hold=hold)
        except Blind as error:
            self.cut = str(error)
            return Answer("unasked", str(error))
        except Spent as error:
            return Answer("unasked", str(error))
        except NoReply as error:
            return Answer("unclear", str(error))
        if judged.said is None:
            return Answer("unclear", judged.why, judged.text)
        return Answer("recalled" if judged.said == "codeword" else "missed", text=judged.text)

    def asks(self, person: Person, number: int) -> list[Answer]:
        """Several questions at about the same time, as several devices of one user would."""
        return self._at_once(partial(self.ask, person), number)

    def _at_once(self, say: Callable[[Hold | None], T], number: int) -> list[T]:
        """One after the other where there is but one, and once the application has asked for patience. The first burst
        comes whole, the next is held, and so on: no worker takes all of both, whether it takes one or many.
        """
        if number == 1 or self.client.busy:
            return [say(None) for _ in range(number)]
        self._bursts += 1
        return burst([say] * number, held=self._bursts % 2 == 0)

    def _say(self, person: Person, words: str, begun: bool = False, hold: Hold | None = None) -> Judged:
        reply = self.client.send(self.template.render(self.url, person.caller, words), person.jar, hold)
        return judge(reply, self.codeword, self.template.reply, self.hide, begun=begun)
