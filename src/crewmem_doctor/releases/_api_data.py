"""The data of `api` that no signature shows: what a value of the wrong kind does, class → argument → shape → spans.

Which arguments there are at all is in `_signatures`, read from the wheels.
"""

from __future__ import annotations

from collections.abc import Mapping

from crewmem_doctor.releases.spans import Outcome, Span, Verdict, span

Spans = tuple[Span[Verdict], ...]


def _v(outcome: Outcome, sentence: str, since: str, before: str | None, evidence: str) -> Span[Verdict]:
    return span(Verdict(outcome, sentence, evidence), since, before, evidence)


# Arguments of Crew, Agent and Flow that people write to configure memory although no release knows them.
MEMORY_WORDS = frozenset((
    "storage", "session_id", "user_id", "thread_id", "conversation_id", "persist", "persistence", "persistent",
    "backend", "redis_url", "database_url", "long_term_storage", "vector_store",
))
# Real ones, of some releases, that keep or restore state.
STATE_WORDS = frozenset(("persistence", "checkpoint", "from_checkpoint", "restore_from_state_id"))
_LEGACY_UNTIL = "1.10.0"
_FLAG_ONLY = _v("rejected", "Crew raises a ValidationError: memory takes True or False", "0.27.0", _LEGACY_UNTIL,
                "ran 0.130.0, 0.203.2, 1.9.3")


def _instance(since: str, before: str) -> Mapping[str, Spans]:
    """A field that takes an instance of its class and nothing else."""
    wrong = _v("rejected", "Crew takes an instance of the class here and raises a ValidationError for anything else",
               since, before, "the declared type is InstanceOf[…]; ran 0.203.2, 1.9.3: Input should be an instance")
    return {"dict": (wrong,), "text": (wrong,)}


def _unified_dict(owner: str) -> Spans:
    """What becomes of a dict since there is one Memory."""
    return (
        _v("fails-at-save", f"the dict itself becomes the memory: every save and recall fails inside the {owner}, and"
           " the kickoff still succeeds", "1.10.0", "1.11.1", "ran 1.10.1, 1.11.0"),
        _v("rejected", f"building the {owner} raises a KeyError: memory takes a flag or a Memory",
           "1.11.1", "1.13.0", "ran 1.11.1, 1.12.2: KeyError 'memory'"),
        _v("ignored", f"the {owner} builds a default Memory from the dict and drops every key that Memory does not"
           " know, so the records land in the default local store", "1.13.0", None,
           "ran 1.13.0, 1.14.1, 1.14.5, 1.14.7, 1.15.30"),
    )


def _unified_text(owner: str) -> Spans:
    return (
        _v("fails-at-save", "the text itself becomes the memory: nothing is saved or recalled, and the kickoff still"
           " succeeds", "1.10.0", "1.11.1", "ran 1.10.1, 1.11.0"),
        _v("rejected", f"building the {owner} raises an error: memory takes a flag or a Memory", "1.11.1", None,
           "ran 1.11.1, 1.12.2: AttributeError; 1.13.0, 1.14.5, 1.15.30: ValidationError"),
    )


_AGENT_IGNORES = _v("ignored", "the agent has no memory of its own: the argument is accepted and does nothing",
                    "", _LEGACY_UNTIL, "ran 0.203.2, 1.9.3")
# Many tutorials set it, and it promises nothing that a crew with memory does not do.
_AGENT_FLAG = _v("ok", "the agent has no memory of its own: the flag is accepted and does nothing", "", _LEGACY_UNTIL,
                 "ran 0.203.2, 1.9.3")
_STORAGE_DICT = "'dict' object has no attribute 'save'"


def _storage(since: str) -> Mapping[str, Spans]:
    fails = _v("fails-at-save", f"a dict is no storage: it is accepted, then every save raises AttributeError "
               f"({_STORAGE_DICT}), which the crew only prints", since, _LEGACY_UNTIL, "ran 0.130.0, 0.203.2, 1.9.3")
    return {"dict": (fails,), "text": (fails,)}


# Where the argument exists and is kept, and yet nobody looks at it.
_RAG_PATH: Mapping[str, Spans] = {"any": (
    _v("ignored", "path is stored and never used: the records go to the default directory", "0.193.0", "1.6.0",
       "0.193.0 to 1.5.0 memory/storage/rag_storage.py:50; ran 0.203.2"),
)}
VALUES: dict[str, dict[str, Mapping[str, Spans]]] = {
    "Crew": {
        "memory": {
            "dict": (_FLAG_ONLY, *_unified_dict("crew")),
            "text": (_FLAG_ONLY, *_unified_text("crew")),
            "legacy": (
                _v("rejected", "Crew raises a ValidationError: memory takes True or False, the instance belongs into "
                   "short_term_memory=, long_term_memory= or the like", "0.27.0", _LEGACY_UNTIL, "ran 0.203.2, 1.9.3"),
            ),
        },
        **dict.fromkeys(("short_term_memory", "long_term_memory", "entity_memory"), _instance("0.63.0", _LEGACY_UNTIL)),
        "external_memory": _instance("0.114.0", _LEGACY_UNTIL),
        "user_memory": {
            **_instance("0.83.0", "0.157.0"),
            "any": (_v("ignored", "the crew stores it and never looks at it: only memory_config makes a user memory",
                       "0.105.0", "0.157.0", "0.102.0 crew.py:280 uses it; 0.105.0:282-293, 0.152.0:296-302 do not"),),
        },
    },
    "Agent": {
        "memory": {
            "flag": (_AGENT_FLAG,),
            "dict": (_AGENT_IGNORES, *_unified_dict("agent")),
            "text": (_AGENT_IGNORES, *_unified_text("agent")),
            "legacy": (_AGENT_IGNORES,),
            "any": (_AGENT_FLAG,),
        },
    },
    "ShortTermMemory": {"storage": _storage("0.63.0"), "path": _RAG_PATH},
    "EntityMemory": {"storage": _storage("0.63.0"), "path": _RAG_PATH},
    "LongTermMemory": {"storage": _storage("0.63.0")},
    "ExternalMemory": {"storage": _storage("0.114.0")},
    "RAGStorage": {"path": _RAG_PATH},
    "Memory": {
        "storage": {
            "dict": (_v("fails-at-save", "a dict is no storage backend: it is accepted, then every save raises"
                        f" AttributeError ({_STORAGE_DICT}), which a crew swallows", "1.10.0", None,
                        "1.15.30 memory/unified_memory.py:92; ran 1.10.1, 1.14.7, 1.15.30"),),
        },
    },
}
# What a class that drops an argument goes on with.
AFTERWARDS: dict[str, str] = {
    "Memory": ", so the records stay in its local store",
}
