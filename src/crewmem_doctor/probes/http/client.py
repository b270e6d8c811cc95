"""Sends requests, each over a connection of its own, and counts them.

urllib does the protocol: connections that are closed after one answer, TLS, proxies, chunks; http.cookiejar does the
cookies. What is decided here: how many requests may be sent, which redirects are followed, how long to wait when the
application asks for patience, and how much of an answer is read.
"""

from __future__ import annotations

import http.client
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message as Headers
from http.cookiejar import CookieJar
from urllib.parse import urljoin, urlsplit

from crewmem_doctor import __version__
from crewmem_doctor.errors import CrewmemError
from crewmem_doctor.probes.http.body import Body, receive
from crewmem_doctor.probes.http.faults import named, patience
from crewmem_doctor.probes.http.template import Message
from crewmem_doctor.probes.http.together import Hold, HTTPHandler, HTTPSHandler

HOPS = 5            # redirects in a row
TRIES = 3           # sends of one message to an application that asks for patience
PAUSE = 1.0         # seconds to wait where it does not say how long
BUSY = (429, 503)


class NoReply(CrewmemError):
    """There is no answer to judge. `sent` is False where nothing reached the application."""

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class Spent(NoReply):
    """The number of requests that the user allows is used up."""

    def __init__(self) -> None:
        super().__init__("no request is left: --probe-requests allows more", sent=False)


@dataclass(frozen=True)
class Reply:
    """An answer in full. `url` is where it came from, after redirects."""

    status: int
    headers: Headers
    body: Body
    url: str

    @property
    def type(self) -> str:
        return self.headers.get_content_type() if self.headers.get("Content-Type") else ""


@dataclass
class Client:
    """Talks to one application. Several threads may send at once.

    `allowed` is how many requests may still be sent, redirects and repetitions included. `seconds` is the time that one
    message may take, waiting included. `hops` is how many requests the last answer took, with its redirects. `busy`
    turns True once the application has asked for patience.
    """

    allowed: int
    seconds: Callable[[], float]
    environ: Mapping[str, str] = field(default_factory=dict)
    credentials: str = ""           # the Authorization header that the target's URL stands for
    sent: int = 0
    hops: int = 1
    busy: bool = False
    _moved: dict[tuple[str, str], str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: Message, jar: CookieJar, hold: Hold | None = None) -> Reply:
        """The answer to a message, in the name of whoever the cookies are. `hold` is called when
        everything but the last byte of a request has been sent.

        Raises NoReply, with what was wrong by name, and Spent.
        """
        end = time.monotonic() + self.seconds()
        for attempt in range(TRIES):
            reply = self._followed(message, jar, end, hold)
            wait = patience(reply.headers, PAUSE * (attempt + 1)) if reply.status in BUSY else None
            if wait is None:
                return reply
            self.busy = True
            if attempt == TRIES - 1 or time.monotonic() + wait >= end or not self.allowed:
                return reply
            time.sleep(wait)
        raise AssertionError("every way out of the loop is above")

    def _followed(self, message: Message, jar: CookieJar, end: float, hold: Hold | None) -> Reply:
        """After the redirects that a browser follows, as long as they stay at the host that the user named."""
        method, body = message.method, message.body
        url = self._moved.get((method, message.url), message.url)
        for hop in range(HOPS + 1):
            reply = self._once(Message(method, url, message.headers, body), jar, end, hold)
            target = reply.headers.get("Location")
            if reply.status not in (301, 302, 303, 307, 308) or not target:
                self.hops = hop + 1
                return reply
            new = urljoin(url, target)
            if not stays(url, new):
                raise NoReply(f"{reply.status} redirects to {origin(new)}, which is another host; "
                              "probe that one instead if it is yours")
            if reply.status == 308:
                self._moved[method, message.url] = new
            if reply.status == 303 or (reply.status in (301, 302) and method == "POST"):
                method, body = "GET", None
            url = new
        raise NoReply(f"it redirects more than {HOPS} times")

    def _once(self, message: Message, jar: CookieJar, end: float, hold: Hold | None) -> Reply:
        """One request and its answer. A thread does it, so that not even a name server outlasts the deadline."""
        with self._lock:
            if self.allowed <= 0:
                raise Spent
            self.allowed -= 1
            self.sent += 1
        found: list[Reply | BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                found.append(self._exchange(message, jar, end, hold))
            except BaseException as error:
                found.append(error)
            done.set()

        left = max(end - time.monotonic(), 0.001)
        threading.Thread(target=work, daemon=True).start()
        done.wait(left + 0.5)       # the exchange itself stops at the deadline with what it has
        outcome = found[0] if found else TimeoutError()
        if isinstance(outcome, Reply):
            return outcome
        if isinstance(outcome, (OSError, http.client.HTTPException, ValueError, zlib.error)):
            what, sent = named(outcome, left)
            if not sent:
                with self._lock:        # nothing reached the application
                    self.allowed += 1
                    self.sent -= 1
            raise NoReply(what, sent=sent) from None
        raise outcome

    def _exchange(self, message: Message, jar: CookieJar, end: float, hold: Hold | None) -> Reply:
        headers = {"User-Agent": f"crewmem-doctor/{__version__}", **message.headers}
        if message.body is None:
            headers.pop("Content-Type", None)
        if self.credentials and not any(name.lower() == "authorization" for name in headers):
            headers["Authorization"] = self.credentials
        request = urllib.request.Request(message.url, message.body, headers, method=message.method)
        jar.add_cookie_header(request)
        left = max(end - time.monotonic(), 0.001)
        with opener(message.url, self.environ, hold).open(request, timeout=left) as response:
            jar.extract_cookies(response, request)
            return Reply(response.status, response.headers, receive(response, end), message.url)


def opener(url: str, environ: Mapping[str, str], hold: Hold | None = None) -> urllib.request.OpenerDirector:
    """Without redirects and without opinions on a status; through the proxy that the environment names."""
    director = urllib.request.OpenerDirector()
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.ProxyHandler(proxies(url, environ)), urllib.request.UnknownHandler(),
        HTTPHandler(hold) if hold else urllib.request.HTTPHandler(),
        HTTPSHandler(hold) if hold else urllib.request.HTTPSHandler()]
    for handler in handlers:
        director.add_handler(handler)
    return director


def proxies(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The proxy for a URL: `http_proxy` and its kin, unless `no_proxy` names the host."""
    parts = urlsplit(url)
    named = environ.get(f"{parts.scheme}_proxy")
    if not named and parts.scheme == "https":
        named = environ.get("HTTPS_PROXY")      # HTTP_PROXY in capitals may be a header's doing
    without = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if not named or urllib.request.proxy_bypass_environment(  # type: ignore[attr-defined]
            parts.netloc.rpartition("@")[2], {"no": without}):
        return {}
    return {parts.scheme: named}


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def stays(old: str, new: str) -> bool:
    """Whether a redirect stays at the host: the same origin, or the same host's https."""
    before, after = urlsplit(old), urlsplit(new)
    if after.scheme not in ("http", "https") or before.hostname != after.hostname:
        return False
    same = (before.scheme, before.port) == (after.scheme, after.port)
    return same or (before.scheme == "http" and after.scheme == "https")
