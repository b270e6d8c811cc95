"""Which memory arguments CrewAI's classes take in which release, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from crewmem_doctor.model.expression import Build, Expr, Items, Table, Text
from crewmem_doctor.model.release import Version
from crewmem_doctor.releases import signatures
from crewmem_doctor.releases._api_data import AFTERWARDS, MEMORY_WORDS, STATE_WORDS, VALUES
from crewmem_doctor.releases.alone import unwritten
from crewmem_doctor.releases.paths import RAG_PATH
from crewmem_doctor.releases.spans import Verdict, on, span, value_on

# What is handed over, as far as it changes the outcome.
Shape = Literal["flag", "text", "dict", "legacy", "unified", "any"]
_LEGACY_CLASSES = ("ShortTermMemory", "LongTermMemory", "EntityMemory", "ExternalMemory", "UserMemory")
_UNIFIED_CLASSES = ("Memory", "MemoryScope", "MemorySlice")
# Classes with much else to say: only their arguments about memory are judged.
_GENERAL = ("Crew", "Agent", "Flow")
_ERRORS = ("TypeError", "ValidationError")


def shape_of(value: Expr | None) -> Shape:
    if isinstance(value, Table):
        return "dict"
    if isinstance(value, Text):
        if value.value is None or isinstance(value.value, (bool, int)):
            return "flag"
        return "text" if isinstance(value.value, str) else "any"
    if isinstance(value, Build):
        if value.callee == "dict":
            return "dict"
        known = {name.rsplit(".", 1)[-1] for name in (value.callee, *value.bases) if name.startswith("crewai.")}
        if known.intersection(_LEGACY_CLASSES):
            return "legacy"
        return "unified" if known.intersection(_UNIFIED_CLASSES) else "any"
    return "any" if not isinstance(value, Items) else "dict"


def argument(version: Version, callee: str, name: str, value: Expr | None = None,
             beside: Mapping[str, Expr] | None = None) -> Verdict | None:
    """What `version` does with the argument `name` of `callee` ("crewai.Crew", "crewai.Crew.kickoff").

    `beside` are all arguments of that call, None where they are not all known. The answer is None where the argument
    has nothing to do with memory, the callee is not CrewAI's, or that release has no such class (then the import fails,
    which is another matter).
    """
    owner = owner_of(callee)
    if owner is None or not about_memory(owner, name):
        return None
    taken = signatures.takes(version, owner, name)
    if taken is None:
        return None
    if taken and beside is not None and (overruled := _overruled(version, owner, name, beside)) is not None:
        return overruled
    shapes = VALUES.get(owner, {}).get(name)
    if shapes is not None and (taken or owner == "Agent"):
        found = on(shapes.get(_shape(value), shapes.get("any", ())), version)
        if found is not None:
            return found.value
    return Verdict("ok", "", _evidence(version, owner, name)) if taken else _not_taken(version, owner, name)


def _overruled(version: Version, owner: str, name: str, beside: Mapping[str, Expr]) -> Verdict | None:
    """An argument that another one, or its absence, puts out of force."""
    if owner == "Crew":
        return unwritten(version, name, beside)
    if owner not in ("ShortTermMemory", "EntityMemory", "RAGStorage"):
        return None
    alone = "embedder_config" not in beside
    if name == "path" and alone and value_on(RAG_PATH, version, "honoured") == "with-embedder":
        return Verdict("ignored", "path counts only beside embedder_config: without it the records go to the default"
                       " directory",
                       "1.6.0 and 1.9.3 memory/storage/rag_storage.py: inside `if embedder_config`; ran 1.9.3")
    if name == "storage" and on((_MEM0_REPLACES,), version) is not None:
        given = getattr(beside.get("embedder_config"), "get", None)
        provider = given("provider") if given is not None else None
        if isinstance(provider, Text) and provider.value == "mem0":
            return Verdict("ignored", "beside an embedder_config of mem0 the storage is replaced by mem0's",
                           _MEM0_REPLACES.evidence)
    return None


_MEM0_REPLACES = span(True, "0.157.0", "1.10.0", "0.157.0 memory/short_term/short_term_memory.py:32-42, 1.9.3:44-56;"
                      " 0.152.0 looks at memory_config")


def about_memory(owner: str, name: str) -> bool:
    """Whether an argument of that name has to do with memory: every one of memory's own classes, few of the others. An
    agent's embedder is for its knowledge."""
    if owner.split(".", 1)[0] not in _GENERAL:
        return True
    return asks_for_memory(owner, name) or name in MEMORY_WORDS or ("embedder" in name and owner == "Crew")


def asks_for_memory(owner: str, name: str) -> bool:
    """Whether the argument's name alone says so, whatever stands beside it."""
    return "memory" in name or (name in STATE_WORDS and bool(signatures.spans(owner, name)))


def _not_taken(version: Version, owner: str, name: str) -> Verdict:
    """A clause about an argument that this release does not know."""
    spans = signatures.spans(owner, name)
    word = owner.rsplit(".", 1)[-1]
    later = [s for s in spans if s.since > version]
    if not spans:
        known = f"{word} knows no such argument"
    elif later:
        known = f"{word} knows no {name} before {later[0].since}"
    else:
        known = f"{word} knows no {name} any more"
    evidence = signatures.evidence(spans[-1]) if spans else f"no wheel has {owner}({name}=)"
    fate = signatures.rest(version, owner)
    if fate in _ERRORS:
        return Verdict("rejected", f"{known} and raises a {fate}", evidence)
    gone = spans and not later and owner == "Crew"
    after = ", so nothing is kept there" if gone else AFTERWARDS.get(owner, "")
    return Verdict("ignored", f"{known}: it drops the argument without a word{after}", evidence)


def _evidence(version: Version, owner: str, name: str) -> str:
    found = on(signatures.spans(owner, name), version)
    return signatures.evidence(found) if found is not None else ""


def _shape(value: Expr | None) -> Shape:
    """"true", "1", "on" and the like are coerced to a flag (ran 1.15.30)."""
    shape = shape_of(value)
    if shape == "text" and isinstance(value, Text) and str(value.value).lower() in _COERCED:
        return "flag"
    return shape


_COERCED = ("true", "false", "1", "0", "yes", "no", "on", "off", "y", "n", "t", "f")


def owner_of(callee: str) -> str | None:
    """"Crew" for "crewai.Crew", "Crew.kickoff" for "crewai.Crew.kickoff", None for what no signature was read of."""
    if not callee.startswith("crewai."):
        return None
    words = callee.split(".")
    method = ".".join(words[-2:])
    if signatures.known(method):
        return method
    return words[-1] if signatures.known(words[-1]) else None
