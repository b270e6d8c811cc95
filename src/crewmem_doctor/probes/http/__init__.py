"""The running application, as its users talk to it: tell it something, ask for it over fresh connections.

Nothing is known of its workers, stores and keys; what it says is enough. A random codeword is told as a user who was
made up for this run, so whoever repeats it has it from memory. What was told stays with the application: over HTTP
nobody can take it back, so the report names the user it was told as.
"""

from __future__ import annotations

import base64
import time
from typing import NoReturn
from urllib.parse import unquote, urlsplit, urlunsplit

from crewmem_doctor.probes.http import codeword, verdicts
from crewmem_doctor.probes.http.choose import Choice, choose
from crewmem_doctor.probes.http.client import Client
from crewmem_doctor.probes.http.plan import DELAY, Conversation
from crewmem_doctor.probes.http.reach import reach, ready
from crewmem_doctor.probes.http.restart import restart
from crewmem_doctor.probes.http.talk import Talk
from crewmem_doctor.probes.session import Blind, Session

LEAST = 2       # requests: one to tell, one to ask


def probe(session: Session, delay: float = DELAY) -> None:
    """All checks of a running application. `delay` is the time in seconds after which it is asked again.

    Raises UsageError for a request that is written wrongly.
    """
    try:
        url, credentials = _address(session.target.text)
    except Blind as error:
        _ended(session, "connect", error)
    session.secret(credentials.partition(" ")[2])
    if session.settings.ready:
        ready(session, url, credentials)
        return
    reach(session, url)
    client = Client(session.settings.probe_requests, lambda: session.seconds, session.environ, credentials)
    begun = time.monotonic()
    try:
        choice = choose(session, client, url)
        if client.allowed < LEAST:
            raise Blind(f"--probe-requests {session.settings.probe_requests} is too few: beside {client.sent} to find "
                        "out what to send, one to tell and one to ask are needed")
        _agreed(session, choice, client)
    except Blind as error:
        _ended(session, "answer", error, time.monotonic() - begun)
    session.at = session.at or choice.at
    _converse(session, client, choice, delay)


def _ended(session: Session, name: str, error: Blind, took: float = 0.0) -> NoReturn:
    """Nothing more can be looked at, for a reason that was found before the check."""
    with session.check(name) as check:
        check.took = took
        raise error
    raise AssertionError("a check that is blind ends the probe")


def _converse(session: Session, client: Client, choice: Choice, delay: float) -> None:
    command = session.settings.restart_command
    word = codeword.make()
    talk = Talk(client, choice.template, choice.url, word, session.namespace, session.clean)
    conversation = Conversation(
        talk, (lambda: restart(command, choice.url, session.environ, session.seconds)) if command else None,
        lambda check: session.progress(session.target.shown, check),
        choice.template.credentials or bool(client.credentials), delay)
    begun = time.monotonic()
    try:
        seen = conversation.run()
    except Blind as error:
        if not conversation.seen.events:
            _ended(session, "answer", error, time.monotonic() - begun)
        seen, talk.cut = conversation.seen, str(error)
    try:
        verdicts.tell(session, choice, seen, client.sent, delay, bool(command))
    finally:
        _left(session, word)
    if talk.cut:
        raise Blind(talk.cut)


def _left(session: Session, word: str) -> None:
    with session.check("cleanup") as check:
        check.skipped(f"what was told stays with the application: {word}, as users {session.namespace}_…")


def _address(text: str) -> tuple[str, str]:
    """The URL without userinfo, and the header that the userinfo stands for."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise Blind(f"the URL cannot be read: {error}") from None
    if not parts.hostname:
        raise Blind("the URL names no host")
    userinfo, mark, host = parts.netloc.rpartition("@")
    url = urlunsplit(parts._replace(netloc=host, fragment=""))
    if not mark:
        return url, ""
    user, _, password = userinfo.partition(":")
    pair = f"{unquote(user)}:{unquote(password)}".encode()
    return url, "Basic " + base64.b64encode(pair).decode()


def _agreed(session: Session, choice: Choice, client: Client) -> None:
    """Says what will be sent, and asks, unless that was answered beforehand. Raises Blind for a no."""
    if session.settings.yes or session.environ.get("CI", "").lower() not in ("", "0", "false", "no"):
        return
    shown = urlunsplit(urlsplit(choice.url)._replace(query=""))
    question = (
        f"At most {client.allowed} requests go to {session.target.shown}, as in {choice.template.source}:\n"
        f"{choice.template.shown(shown)}\n"
        f"The message is: {choice.template.remember}\n"
        f"and then, several times and as different users: {choice.template.recall}\n"
        "What is told stays with the application. Go on?")
    if not session.confirm(question):
        raise Blind("nobody said yes to sending messages to the application: pass --yes (in CI that is not asked)")
