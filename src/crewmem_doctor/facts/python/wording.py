"""Words in names: which containers mean conversations, and which only look like it."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from crewmem_doctor.facts.python.survey import last_name

_CONTAINERS = frozenset(("dict", "list", "set", "deque", "defaultdict", "OrderedDict", "TTLCache", "LRUCache"))
_SURE = re.compile(
    r"conversation(?:s|al)?|convos?|chats?|dialog(?:ue)?s?|transcripts?|messages?|sessions?|memory|memories|turns"
)
_RAM = re.compile(r"memory_(?:cache|pool|access|size|store|backend|only)|in_memory|cache_memory")
# Messages on their way in or out.
_PASSING = re.compile(r"messages?_(?:buffer|batch|inbox|outbox)")
# Words that need one of the others, or to stand alone.
_HALF = re.compile(r"history|histories|contexts?|threads?")
_ALONE = re.compile(r"history|histories|threads|chat_threads")
# A name with one of these words is about something else: jobs, connections, limits, tables.
_OTHERWISE = re.compile(
    r"(?:job|task|status|statuse|progres|result|metric|stat|config|registry|lock|queue|connection|socket|websocket|client|"
    r"rate|limit|token|engine|model|llm|usage|monitor|template|prompt|error|log|handler|callback|subscriber|listener|price|"
    r"cost|execution|upload|payment|event|tool|worker|count|example|pattern|keyword|column|field|code|test|timer|"
    r"time|timestamp|date|expiry|ttl|size|length|index|offset|id|flag|seen|cooldown|delay|interval)s?|"
    r"ws|otp|csrf|pending|debounce|auth|login|db|http|latency|checkout|browser|factory|types|schema|counter|mock|default|shared"
)


@lru_cache(maxsize=4096)
def means_conversation(name: str) -> bool:
    """Whether the words of a name speak of conversations and of nothing else."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())
    if any(map(_OTHERWISE.fullmatch, words)):
        return False
    # "memory_cache" is a cache in memory.
    if _RAM.search("_".join(words)) or _PASSING.search("_".join(words)):
        return False
    if any(map(_SURE.fullmatch, words)) or _ALONE.fullmatch("_".join(words)):
        return True
    return "user" in words and any(map(_HALF.fullmatch, words))


def needs_company(name: str) -> bool:
    """A plain "history" says nothing of what it is a history of; its surroundings must."""
    return bool(_ALONE.fullmatch(name.strip("_").lower()))


@lru_cache(maxsize=4096)
def may_hold_crews(name: str) -> bool:
    """Whether a name leaves room for crews or flows as values; what is put in decides."""
    words = re.findall(r"[a-z]+", name.lower())
    return any(w in ("crew", "crews", "flow", "flows", "instances") for w in words) and not any(
        map(_OTHERWISE.fullmatch, words)
    )


def is_empty_container(value: ast.expr | None) -> bool:
    """Empty at first: a filled display is a table of constants."""
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, ast.List):
        return not value.elts
    return (
        isinstance(value, ast.Call)
        and last_name(value.func) in _CONTAINERS
        and not any(isinstance(a, (ast.Dict, ast.List, ast.ListComp, ast.DictComp)) for a in value.args)
    )


def is_made_by_factory(value: ast.expr | None) -> bool:
    """`field(default_factory=dict)` of a dataclass: each object has one of its own."""
    return isinstance(value, ast.Call) and any(
        k.arg == "default_factory" and last_name(k.value) in _CONTAINERS for k in value.keywords
    )


def container_kind(value: ast.expr | None) -> str:
    if isinstance(value, ast.Call):
        made = next((k.value for k in value.keywords if k.arg == "default_factory"), None)
        return last_name(value.func) if made is None or is_empty_container(value) else last_name(made)
    return "list" if isinstance(value, ast.List) else "dict"
