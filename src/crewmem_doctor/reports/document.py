"""Values as one JSON document that is safe to print: without secrets, and without what terminals obey."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from crewmem_doctor.redact import redact
from crewmem_doctor.reports import words

# Valid inside JSON strings, but some terminals obey them.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_BROKEN = re.compile("[\ud800-\udfff]")


def text(value: Any) -> str:
    """The same value gives the same text, which is always valid UTF-8."""
    found = json.dumps(clean(value), ensure_ascii=False, indent=2)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", found) + "\n"


def clean(value: Any) -> Any:
    """Without secrets, and without the half surrogates that stand for undecodable bytes of a name."""
    if isinstance(value, str):
        return _BROKEN.sub(lambda match: words.visible(match[0]), redact(value))
    if isinstance(value, Mapping):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [clean(item) for item in value]
    return value
