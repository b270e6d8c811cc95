"""The body of an answer: read up to a limit, unpacked, and split into the texts that it holds."""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Iterator
from email.message import Message as Headers
from http.client import IncompleteRead
from typing import Any, Protocol

from crewmem_doctor.model.record import dataclass

LIMIT = 1 << 20     # bytes of an answer that are looked at, packed and unpacked
DEPTH = 60          # of nested values
_PART = re.compile(r"^[0-9a-z]{1,2}:(?=[\"\[{])")     # the AI SDK's stream: 0:"text"


class Response(Protocol):
    """What urllib hands back."""

    headers: Headers
    length: int | None      # bytes that are still to come, None where nobody said

    def read1(self, amount: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Body:
    """`text` is the body as it came. `cut` says that it was longer than LIMIT or still going on at the deadline."""

    text: str
    cut: bool = False


def receive(response: Response, end: float) -> Body:
    """Reads until the end, the limit or the deadline. A stream that has said something by then is an answer."""
    unpack = _unpacker(response.headers.get("Content-Encoding", ""))
    got = bytearray()
    cut = False
    while True:
        if len(got) > LIMIT:
            cut = True
            break
        try:
            piece = response.read1(1 << 16)
        except TimeoutError:
            if not got:
                raise
            cut = True
            break
        if not piece:
            if response.length:
                raise IncompleteRead(bytes(got), response.length)
            break
        got += unpack.decompress(piece, LIMIT + 1 - len(got)) if unpack else piece
        if time.monotonic() >= end or b"data: [DONE]" in got[-64:]:
            cut = b"data: [DONE]" not in got[-64:]
            break
    charset = response.headers.get_content_charset() or "utf-8"
    try:
        return Body(bytes(got[:LIMIT]).decode(charset, "replace"), cut)
    except LookupError:
        return Body(bytes(got[:LIMIT]).decode("utf-8", "replace"), cut)


def _unpacker(encoding: str) -> Any:
    """For servers that pack although nobody asked them to."""
    word = encoding.strip().lower()
    if word in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(47)
    return None


def texts(body: Body, kind: str, path: str) -> list[str] | None:
    """The texts of an answer of content type `kind`: the one at the dotted `path`, or all where it is empty. The pieces
    of a stream are put together. None where there is no such path.
    """
    events = _events(body.text, kind)
    if events is None:
        return [body.text] if not path else None
    if path:
        found = [value for event in events for value in _at(event, path.split("."))]
        return ["".join(found)] if found else None
    joined: dict[str, str] = {}
    for event in events:
        for place, text in _leaves(event, ""):
            joined[place] = joined.get(place, "") + text
    return list(joined.values())


def parsed(body: Body) -> Any:
    """The one JSON value that the body is; None where it is something else."""
    try:
        return json.loads(body.text)
    except (ValueError, RecursionError):
        return None


def broke_off(body: Body) -> bool:
    """Whether the body is the beginning of a JSON value, as of an answer that ends with its connection."""
    try:
        json.loads(body.text)
    except json.JSONDecodeError as error:
        text = body.text.rstrip()
        return bool(text) and (error.pos >= len(text) or error.msg.startswith("Unterminated"))
    except (ValueError, RecursionError):
        pass
    return False


def _events(text: str, kind: str) -> list[Any] | None:
    """The values that the body consists of: one JSON value, the events of a stream, or lines of JSON."""
    if kind == "text/event-stream" or re.match(r"(?:(?:event|id|retry|data):|:)[^\n]*\n", text):
        return [_value(data) for data in _data(text)]
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        pass
    lines = [_PART.sub("", line.strip()) for line in text.splitlines() if line.strip()]
    if not lines or not all(line[0] in '[{"' for line in lines):
        return None
    values = [_value(line) for line in lines]
    # Half a line at the end of a stream that was cut.
    return values if all(not isinstance(value, str) or line[0] == '"'
                         for value, line in zip(values[:-1], lines[:-1], strict=True)) else None


def _data(text: str) -> Iterator[str]:
    """The data of each event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    for event in re.split(r"\r\n\r\n|\n\n|\r\r", text):
        lines = [line[5:].removeprefix(" ") for line in re.split(r"\r\n|\n|\r", event) if line.startswith("data:")]
        data = "\n".join(lines)
        if lines and data.strip() != "[DONE]":
            yield data


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _at(value: Any, path: list[str]) -> list[str]:
    """The text at a path; none where the path ends before. An event of a stream that is plain text is no part of it."""
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return []
    if isinstance(value, str):
        return [value]
    return [] if value is None else [json.dumps(value, ensure_ascii=False)]


def _leaves(value: Any, place: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, with its path."""
    if depth > DEPTH:
        return
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{place}.{key}", depth + 1)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{place}.{number}", depth + 1)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield place, str(value)
