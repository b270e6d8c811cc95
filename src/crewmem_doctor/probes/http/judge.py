"""What an answer says: the codeword, something else, or nothing that could be judged.

An answer without the codeword counts as not recalled only where the application plainly answered: a status of success,
a body that is whole and not empty, and neither an error, a promise to answer later, a page to log in at, nor a refusal
to tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Literal

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.probes.http import codeword as codewords
from crewmem_doctor.probes.http.body import broke_off, parsed, texts
from crewmem_doctor.probes.http.client import Reply

SHOWN = 80          # characters of an answer that are quoted
SEARCHED = 4000     # of those that are searched for secrets first
Hide = Callable[[str], str]
# The classes and codes by which LLM clients report that there was no answer. Prose is no evidence.
_ERROR = re.compile(
    r"\b(?:RateLimitError|AuthenticationError|APIConnectionError|APIStatusError|APITimeoutError|ServiceUnavailableError|"
    r"BadRequestError|NotFoundError|InternalServerError|ContextWindowExceededError|insufficient_quota|invalid_api_key|"
    r"model_not_found)\b|Traceback \(most recent call last\)")
# "I can't share passwords", but not "I can't recall a codeword" or "I cannot access earlier messages".
_REFUSAL = re.compile(
    r"\b(?:can(?:no|['’])t|can not|won['’]t|will not|(?:unable|not (?:able|allowed|permitted|going)) to|must not)\s+"
    r"(?:\w+\s+)?"
    r"(?:share|disclose|reveal|divulge|help|assist|comply|give out|hand out)\b", re.IGNORECASE)
_FORGOT = re.compile(
    r"\b(?:remember|recall|memor|previous|earlier|before|past|histor|no record|told|mention|know|conversation|"
    r"don['’]t have|haven['’]t|access)", re.IGNORECASE)
_LATER = re.compile(r"(?i)(?:accepted|queued|pending|processing|started|running|in[_ -]progress|submitted|scheduled)")
_JOB = re.compile(r"(?i)(?:task|job|run|kickoff|execution|request)_?id")


@dataclass(frozen=True, slots=True)
class Judged:
    """`said` is None where nothing can be said, for the reason `why`. `text` is the answer, all of it."""

    said: Literal["codeword", "something else"] | None
    why: str = ""
    text: str = ""


def judge(reply: Reply, codeword: str, path: str, hide: Hide = str, *, begun: bool = False) -> Judged:
    """What the answer says. `path` is the dotted path to the reply in JSON, empty for the whole body. What is quoted of
    an answer goes through `hide`, before it is shortened: half a token is a secret too. With `begun` an answer that did
    not end in time is one; in the other half of it might be the codeword.
    """
    found = texts(reply.body, reply.type, path)
    whole = "\n".join(found or [])
    # An error page may quote what was asked, never what was told before.
    if 200 <= reply.status < 300 and found is not None and codewords.contains(found, codeword):
        return Judged("codeword", text=whole)
    why = _unclear(reply, found, whole, path, hide, begun)
    return Judged(None, why, whole) if why else Judged("something else", text=whole)


def _unclear(reply: Reply, found: list[str] | None, whole: str, path: str, hide: Hide, begun: bool) -> str:
    if not 200 <= reply.status < 300:
        needs = " (a request file can send credentials: headers: {Authorization: \"Bearer ${API_TOKEN}\"})"
        return f"{status(reply.status)}{_quoted(reply.body.text, hide)}{needs if reply.status in (401, 403) else ''}"
    if reply.status == 202:
        return "202 Accepted: it answers later, and the probe does not wait for that"
    if reply.body.cut and not begun:
        return "the answer did not end in time, or is very long, and what came of it says nothing"
    value = parsed(reply.body)
    if isinstance(value, Mapping):
        error = next((value[key] for key in ("error", "errors", "exception") if value.get(key)), None)
        if error is not None:
            return f"the answer is an error{_quoted(str(error), hide)}"
        if _promises(value):
            return "the answer names a job to ask for later, and the probe does not wait for that"
    if reply.type == "application/json" and broke_off(reply.body):
        return "the answer broke off: it is the beginning of JSON"
    if found is None:
        return f"the answer has nothing at {path}{_keys(value)}"
    if not whole.strip():
        return "the answer is empty"
    if re.search(r"""<input[^>]+type=["']?password""", whole, re.IGNORECASE):
        return "the answer is a page to log in at"
    if match := _ERROR.search(whole):
        return f"the answer is an error ({match[0]})"
    if len(whole) < 600 and _REFUSAL.search(whole) and not _FORGOT.search(whole):
        return f"the answer is a refusal{_quoted(whole, hide)}"
    return ""


def _promises(value: Mapping[Any, Any]) -> bool:
    """A job's id with a state, and nothing that could be an answer."""
    words = {str(key): item for key, item in value.items()}
    job = any(_JOB.fullmatch(key) for key in words)
    waits = any(isinstance(item, str) and _LATER.fullmatch(item.strip()) for item in words.values())
    return job and (waits or len(words) == 1)


def status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _keys(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"; its keys are {', '.join(map(str, list(value)[:8]))}" if value else "; it is {}"
    return "; it is no JSON" if value is None else ""


def _quoted(text: str, hide: Hide) -> str:
    """The beginning of an answer, without markup and secrets."""
    markup = re.compile(r"<(script|style|title)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
    bare = hide(" ".join(markup.sub(" ", text).split())[:SEARCHED])
    if not bare:
        return ""
    return f": {bare[:SHOWN]}{'…' if len(bare) > SHOWN else ''}"
