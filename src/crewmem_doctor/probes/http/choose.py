"""Which request talks to the application: as written, as the code takes it, or as the application describes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from http.cookiejar import CookieJar
from urllib.parse import urlsplit, urlunsplit

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.probes.http.body import parsed
from crewmem_doctor.probes.http.client import Client, NoReply
from crewmem_doctor.probes.http.handler import handlers
from crewmem_doctor.probes.http.openapi import operations
from crewmem_doctor.probes.http.template import Message, Template, joined
from crewmem_doctor.probes.http.written import written
from crewmem_doctor.probes.session import Blind, Session

LISTED = 6      # candidates that are named
SECRET = 4      # characters; hiding a shorter value would hide half of every sentence
EXAMPLE = '{path: /chat, json: {message: "{message}", user_id: "{user}"}}'


@dataclass(frozen=True, slots=True)
class Choice:
    """The request, the URL that its path is appended to, and where the code makes the memory behind it."""

    template: Template
    url: str
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    label: str
    path: str
    template: Template | str
    at: Location | None = None


def choose(session: Session, client: Client, url: str) -> Choice:
    """The first source that leaves no doubt. `url` is the target's without userinfo.

    Raises UsageError for a request that is written wrongly, Blind where nobody says what to send.
    """
    template = written(session.settings, session.environ)
    if template is not None:
        session.secret(*(value for value in template.values.values() if len(value) >= SECRET))
        return Choice(template, url)
    scanned = [_Candidate(one.label, one.path, one.template, one.at) for one in handlers(session.project)]
    chosen = _chosen(scanned, url)
    if chosen is not None:
        return _placed(chosen, url)
    described, base, why = _described(client, url)
    chosen = _chosen(described, url)
    if chosen is not None:
        return _placed(chosen, url if _ends(url, chosen.path) else base)
    raise Blind(f"nothing says what to send. {_reasons(scanned, described, why)} "
                f"A file can say it that --probe-request names, e.g. {EXAMPLE}")


def _chosen(candidates: Sequence[_Candidate], url: str) -> _Candidate | None:
    """The one that the URL names, else the only one."""
    usable = [one for one in candidates if isinstance(one.template, Template)]
    if urlsplit(url).path.rstrip("/"):
        here = [one for one in usable if _ends(url, one.path)]
        if len(here) == 1:
            return here[0]
    return usable[0] if len(usable) == 1 else None


def _ends(url: str, path: str) -> bool:
    return bool(path.strip("/")) and urlsplit(url).path.rstrip("/").endswith(path.rstrip("/"))


def _placed(chosen: _Candidate, url: str) -> Choice:
    """With the path once: a URL that already ends in the route is sent to as it is."""
    assert isinstance(chosen.template, Template)
    template = replace(chosen.template, path="") if _ends(url, chosen.path) else chosen.template
    return Choice(template, url, chosen.at)


def _described(client: Client, url: str) -> tuple[list[_Candidate], str, str]:
    """The operations of the application's openapi.json, the URL that their paths belong to, and why there are none."""
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(path="", query="", fragment=""))
    why = ""
    for base in dict.fromkeys((bare, urlunsplit(parts._replace(query="", fragment="")))):
        message = Message("GET", joined(base, "/openapi.json", []), {"Accept": "application/json"}, None)
        try:
            reply = client.send(message, CookieJar())
        except NoReply as error:
            return [], base, f"Its openapi.json could not be read: {error}."
        document = parsed(reply.body)
        if reply.status == 200 and document is not None:
            found = [_Candidate(f"POST {one.path}", one.path, one.template) for one in operations(document)]
            return found, base, "" if found else "Its openapi.json has no POST operation with a body."
        why = why or f"It has no openapi.json ({reply.status})."
    return [], bare, why


def _reasons(scanned: Sequence[_Candidate], described: Sequence[_Candidate], why: str) -> str:
    """What was there to choose from, and why that was not enough."""
    told = []
    if scanned:
        told.append(f"In the code: {_listed(scanned)}.")
    if described:
        told.append(f"In its openapi.json: {_listed(described)}.")
    elif why:
        told.append(why)
    return re.sub(r"\.\.+", ".", " ".join(told)) or "No scanned handler reaches a memory."


def _listed(candidates: Sequence[_Candidate]) -> str:
    """The candidates that could be talked to, or why each of the others could not."""
    usable = [one.label for one in candidates if isinstance(one.template, Template)]
    if usable:
        several = ", ".join(usable[:LISTED]) + (" …" if len(usable) > LISTED else "")
        return f"{several} could all be meant; name one in the target's URL"
    return "; ".join(f"{one.label}: {one.template}" for one in candidates[:LISTED]) + (
        " …" if len(candidates) > LISTED else "")
