"""The request that talks to the application: a template with places for the message, the user and the session."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from crewmem_doctor.model.record import dataclass

REMEMBER = "Please remember that my codeword is {codeword}."
RECALL = "What is my codeword? Answer with the codeword only."
PLACE = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)\}|\{(?P<place>message|user|session)\}")
CREDENTIALS = re.compile(r"(?i)(?:proxy-)?authorization|cookie|.*(?:api[-_]?key|token|secret)")
Body = Literal["json", "form", "text", "none"]


@dataclass(frozen=True, slots=True)
class Message:
    """One request as it is sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who talks: a user in a session. Both are made up for one run."""

    user: str
    session: str


def caller(namespace: str, uuids: bool) -> Caller:
    """Somebody new. `uuids` where the application takes nothing else."""
    if uuids:
        return Caller(str(uuid.uuid4()), str(uuid.uuid4()))
    mark = uuid.uuid4().hex[:6]
    return Caller(f"{namespace}_user_{mark}", f"{namespace}_session_{mark}")


@dataclass(frozen=True, slots=True)
class Template:
    """`source` says where it comes from. `path` is appended to the target's URL. `reply` is the dotted path to the
    reply in a JSON answer, empty for the whole body. `values` are those of the variables that it names: secrets."""

    source: str
    method: str = "POST"
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    kind: Body = "none"
    body: Any = None
    reply: str = ""
    remember: str = REMEMBER
    recall: str = RECALL
    uuids: bool = False
    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def places(self) -> frozenset[str]:
        """Which of message, user and session the request has."""
        texts = json.dumps([self.path, self.headers, self.query, self.body])
        return frozenset(match["place"] for match in PLACE.finditer(texts) if match["place"])

    @property
    def credentials(self) -> bool:
        """Whether every request carries the same person's credentials."""
        return any(CREDENTIALS.fullmatch(name) and not any(match["place"] for match in PLACE.finditer(value))
                   for name, value in self.headers.items())

    def render(self, target: str, caller: Caller, message: str) -> Message:
        """The request with everything in its place. `target` is the URL without userinfo."""
        words = {"message": message, "user": caller.user, "session": caller.session}

        def filled(text: str) -> str:
            return PLACE.sub(lambda m: self.values[m["name"]] if m["name"] else words[m["place"]], text)

        headers = {name: _header(filled(value)) for name, value in self.headers.items()}
        body = _encoded(self.kind, _mapped(self.body, filled))
        if body is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = _TYPES[self.kind]
        if not any(name.lower() == "accept" for name in headers):
            headers["Accept"] = "*/*"
        path, _, own = self.path.partition("?")
        pairs = [(name, filled(value)) for name, value in parse_qsl(own, keep_blank_values=True)]
        pairs += [(name, filled(_text(value))) for name, value in self.query.items()]
        return Message(self.method, joined(target, _quoted(path, filled), pairs), headers, body)

    def shown(self, target: str) -> str:
        """What a person is told about the request before it is sent, with the places and variables unfilled."""
        lines = [f"{self.method} {joined(target, self.path, [])}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.query:
            lines.append("?" + "&".join(f"{name}={_text(value)}" for name, value in self.query.items()))
        if self.kind != "none":
            lines.append(self.body if self.kind == "text" else json.dumps(self.body, ensure_ascii=False))
        return "\n".join("  " + line for line in lines)


_TYPES: Mapping[Body, str] = {
    "json": "application/json", "form": "application/x-www-form-urlencoded", "text": "text/plain; charset=utf-8"}


def joined(target: str, path: str, query: list[tuple[str, str]]) -> str:
    """The target's URL with a path appended. The host is always the target's, whatever the path looks like."""
    parts = urlsplit(target)
    whole = parts.path.rstrip("/") + path if path else parts.path
    if not whole.startswith("/"):
        whole = "/" + whole
    return urlunsplit(parts._replace(
        path=whole, query="&".join(filter(None, (parts.query, urlencode(query)))), fragment=""))


def _quoted(path: str, filled: Callable[[str], str]) -> str:
    """The path with what stands in its places quoted."""
    out, at = "", 0
    for match in PLACE.finditer(path):
        out += path[at:match.start()] + quote(filled(match[0]), safe="")
        at = match.end()
    return out + path[at:]


def _header(value: str) -> str:
    """Headers are Latin-1 in one line; what is not is sent as the percent signs of its UTF-8."""
    value = " ".join(value.split("\n")).replace("\r", "")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return quote(value, safe=" {}:;,/=-_.~")
    return value


def _mapped(value: Any, filled: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return filled(value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, filled) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mapped(item, filled) for item in value]
    return value


def _encoded(kind: Body, body: Any) -> bytes | None:
    if kind == "none":
        return None
    if kind == "json":
        return json.dumps(body, ensure_ascii=False).encode()
    if kind == "form":
        return urlencode({name: _text(value) for name, value in body.items()}, doseq=False).encode()
    return str(body).encode()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
