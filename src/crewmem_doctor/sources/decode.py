"""Bytes to text, whatever the bytes are."""

from __future__ import annotations

import re

_COOKIE = re.compile(rb"\A(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")


def decode(body: bytes, *, python: bool = False) -> str:
    """Text of any bytes. A byte order mark, or in Python a coding comment, says how; UTF-8 otherwise."""
    encoding = "utf-8"
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
    elif body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif python and (cookie := _COOKIE.match(body)):
        encoding = cookie[1].decode("ascii", "replace")
    try:
        text = body.decode(encoding, "replace")
    except (LookupError, UnicodeError, ValueError):
        text = body.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
