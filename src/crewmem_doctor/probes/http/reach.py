"""Whether the application can be reached, without a word to it."""

from __future__ import annotations

import ssl
import time
from http.cookiejar import CookieJar
from urllib.parse import urlsplit

from crewmem_doctor.probes import guard
from crewmem_doctor.probes.http.client import Client, NoReply, proxies
from crewmem_doctor.probes.http.faults import named
from crewmem_doctor.probes.http.judge import status
from crewmem_doctor.probes.http.restart import connect
from crewmem_doctor.probes.http.template import Message
from crewmem_doctor.probes.session import Blind, Session

READY = 2.0     # seconds for a start-up check


def reach(session: Session, url: str) -> None:
    """A connection, with TLS where the URL says so. No request is sent, and to what looks like production nothing at
    all unless somebody says yes."""
    with session.check("connect") as check:
        parts = urlsplit(url)
        guard.allow(session, "tells it something and asks for it", parts.hostname or "")
        if proxies(url, session.environ):
            check.skipped("a proxy stands between, which takes every connection")
            return
        seconds = session.seconds
        try:
            begun = time.monotonic()
            with connect(url, seconds) as plain:
                if parts.scheme == "https":
                    with ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname) as secure:
                        check.passed(f"it takes connections ({secure.version()})")
                        return
            check.passed(f"it takes connections ({(time.monotonic() - begun) * 1000:.0f} ms)")
        except OSError as error:
            raise Blind(named(error, seconds)[0]) from None


def ready(session: Session, url: str, credentials: str) -> None:
    """One GET, and no message: it is alive with any answer that is no server's error, within two seconds."""
    with session.check("connect") as check:
        client = Client(1, lambda: min(session.seconds, READY), session.environ, credentials)
        try:
            reply = client.send(Message("GET", url, {"Accept": "*/*"}, None), CookieJar())
        except NoReply as error:
            raise Blind(str(error)) from None
        if reply.status >= 500:
            raise Blind(f"it answers {status(reply.status)}")
        check.passed(f"it answers ({status(reply.status)})")
