"""Reads `crewmem:` comments, for the rules about them and for the policy that obeys them."""

from __future__ import annotations

import re

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Comment
from crewmem_doctor.model.record import dataclass

_FORM = re.compile(r"crewmem:\s*ignore\s*\[(?P<words>[^\]]*)\]\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_REASON = re.compile(r"--\s*(?P<reason>\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Directive:
    """A comment as it was meant. `words` name the rules as written; `flaw` says why it cannot be obeyed, if so."""

    at: Location
    alone: bool
    words: tuple[str, ...] = ()
    reason: str = ""
    flaw: str = ""


def read(comment: Comment) -> Directive:
    """Never fails: what cannot be read has a flaw. Whether the words name rules is not looked at."""
    match = _FORM.search(comment.text)
    if match is None:
        return Directive(comment.at, comment.alone, flaw="cannot be read")
    words = tuple(dict.fromkeys(word.strip() for word in match["words"].split(",") if word.strip()))
    if not words:
        return Directive(comment.at, comment.alone, flaw="names no rule")
    reason = _REASON.match(match["rest"].strip())
    if reason is None:
        return Directive(comment.at, comment.alone, words, flaw="gives no reason")
    return Directive(comment.at, comment.alone, words, " ".join(reason["reason"].split()))
