"""The data of `api`: class → argument → shape of the value → spans."""

from __future__ import annotations

from collections.abc import Mapping

from crewmem_doctor.releases.spans import Outcome, Span, Verdict, span

Spans = tuple[Span[Verdict], ...]


def _v(outcome: Outcome, sentence: str, since: str, before: str | None, evidence: str) -> Span[Verdict]:
    return span(Verdict(outcome, sentence, evidence), since, before, evidence)


def _ok(since: str, before: str | None, evidence: str) -> Span[Verdict]:
    return _v("ok", "", since, before, evidence)


# Arguments of Crew and Agent that people write to configure memory although no release knows them.
MEMORY_WORDS = frozenset((
    "storage", "session_id", "user_id", "thread_id", "conversation_id", "persist", "persistence", "persistent",
    "backend", "redis_url", "database_url", "long_term_storage", "vector_store",
))
_CREW_EXTRA = "Crew has no extra=\"forbid\"; ran Crew(unknown_kw=1) on 0.203.2, 1.9.3, 1.15.30"
_GONE = "1.10.1 crew.py: no such field; ran 1.10.1, 1.14.7, 1.15.30"
_NO_FIELD = "the field does not exist: Crew drops the argument without a word"


def _crew_field(name: str, since: str, before: str, extra: Mapping[str, Spans] | None = None) -> Mapping[str, Spans]:
    earlier = _v("ignored", f"Crew knows no {name} before {since}: it drops the argument without a word",
                 "", since, _CREW_EXTRA)
    later = _v("ignored", f"Crew knows no {name} any more: it drops the argument without a word, so nothing is kept"
               " there", before, None, _GONE)
    return {"any": (earlier, _ok(since, before, f"{since} crew.py"), later), **(extra or {})}


_WRONG_TYPE = "Crew takes an instance of the class here and raises a ValidationError for anything else"


def _instance(name: str, since: str, before: str) -> Mapping[str, Spans]:
    wrong = _v("rejected", _WRONG_TYPE, since, before, "ran 0.203.2, 1.9.3: Input should be an instance")
    base = _crew_field(name, since, before)
    around = tuple(s for s in base["any"] if s.value.outcome != "ok")
    return {**base, "dict": (around[0], wrong, around[1]), "text": (around[0], wrong, around[1])}


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


_CREW: dict[str, Mapping[str, Spans]] = {
    "memory": {
        "flag": (_ok("0.27.0", None, "ran 0.130.0 to 1.15.30"),),
        "dict": (
            _v("rejected", "Crew raises a ValidationError: memory takes True or False", "0.27.0", "1.10.0",
               "ran 0.130.0, 0.203.2, 1.9.3"),
            *_unified_dict("crew"),
        ),
        "text": (
            _v("rejected", "Crew raises a ValidationError: memory takes True or False", "0.27.0", "1.10.0",
               "ran 0.130.0, 0.203.2, 1.9.3"),
            *_unified_text("crew"),
        ),
        "legacy": (
            _v("rejected", "Crew raises a ValidationError: memory takes True or False, the instance belongs into "
               "short_term_memory=, long_term_memory= or the like", "0.27.0", "1.10.0", "ran 0.203.2, 1.9.3"),
        ),
        "unified": (_ok("1.10.0", None, "ran 1.10.1, 1.15.30"),),
        "any": (_ok("0.27.0", None, "1.15.30 crew.py"),),
    },
    "short_term_memory": _instance("short_term_memory", "0.63.0", "1.10.0"),
    "long_term_memory": _instance("long_term_memory", "0.63.0", "1.10.0"),
    "entity_memory": _instance("entity_memory", "0.63.0", "1.10.0"),
    "external_memory": _instance("external_memory", "0.114.0", "1.10.0"),
    "user_memory": _instance("user_memory", "0.83.0", "0.157.0"),
    "memory_config": _crew_field("memory_config", "0.83.0", "0.157.0"),
    "embedder": {"any": (_ok("0.27.0", None, "0.27.2 crew.py, 1.15.30 crew.py"),)},
    "name": {"any": (_ok("0.51.0", None, "0.55.2 crew.py"),)},
    "checkpoint": {"any": (
        _v("ignored", "Crew knows no checkpoint before 1.14: it drops the argument without a word", "", "1.14.1",
           "1.13.0 crew.py: no such field"),
        _ok("1.14.1", None, "1.14.1 state/checkpoint_config.py"),
    )},
}
_AGENT_IGNORES = _v("ignored", "the agent has no memory of its own: the argument is accepted and does nothing",
                    "", "1.10.0", "ran 0.203.2, 1.9.3")
_AGENT: dict[str, Mapping[str, Spans]] = {
    "memory": {
        "flag": (
            _v("ok", "the agent has no memory of its own: the flag is accepted and does nothing", "", "1.10.0",
               "ran 0.203.2, 1.9.3"),
            _ok("1.10.0", None, "1.10.1 agents/agent_builder/base_agent.py; ran 1.10.1, 1.15.30"),
        ),
        "dict": (_AGENT_IGNORES, *_unified_dict("agent")),
        "text": (_AGENT_IGNORES, *_unified_text("agent")),
        "legacy": (_AGENT_IGNORES,),
        "any": (_ok("1.10.0", None, "1.15.30 agents/agent_builder/base_agent.py"),),
    },
    "embedder": {"any": (_ok("", None, "1.15.30 agent/core.py"),)},
}

_STORAGE_DICT = "'dict' object has no attribute 'save'"
_LEGACY_TYPE_ERROR = "the constructor knows no such argument and raises a TypeError"
_CLASSES_GONE = "1.10.0"


def _storage(since: str) -> Mapping[str, Spans]:
    fails = _v("fails-at-save", f"a dict is no storage: it is accepted, then every save raises AttributeError "
               f"({_STORAGE_DICT}), which the crew only prints", since, _CLASSES_GONE, "ran 0.130.0, 0.203.2, 1.9.3")
    return {"dict": (fails,), "text": (fails,), "any": (_ok(since, _CLASSES_GONE, "0.63.0 to 1.9.3"),)}


def _taken(since: str = "0.27.0", before: str = _CLASSES_GONE) -> Mapping[str, Spans]:
    return {"any": (
        *((_v("rejected", _LEGACY_TYPE_ERROR, "0.27.0", since, f"{since} is the first to take it"),)
          if since != "0.27.0" else ()),
        _ok(since, before, f"{since} signature"),
    )}


_RAG_PATH: Mapping[str, Spans] = {"any": (
    _v("rejected", _LEGACY_TYPE_ERROR, "0.27.0", "0.85.0", "0.83.0 memory/storage/rag_storage.py has no path"),
    _ok("0.85.0", "0.193.0", "ran 0.130.0"),
    _v("ignored", "path is stored and never used: the records go to the default directory", "0.193.0", "1.6.0",
       "0.193.0 to 1.5.0 memory/storage/rag_storage.py:50; ran 0.203.2"),
    _ok("1.6.0", "1.10.0", "1.6.0 memory/storage/rag_storage.py:101, with embedder_config only; ran 1.9.3"),
)}
_VECTOR: dict[str, Mapping[str, Spans]] = {
    "crew": _taken("0.30.8"), "embedder_config": _taken(), "storage": _storage("0.63.0"), "path": _RAG_PATH,
}
_RAG: dict[str, Mapping[str, Spans]] = {
    "type": _taken(), "allow_reset": _taken(), "embedder_config": _taken(), "crew": _taken("0.30.8"), "path": _RAG_PATH,
}
_WEIGHTS = (
    "recency_weight", "semantic_weight", "importance_weight", "recency_half_life_days", "consolidation_threshold",
    "consolidation_limit", "default_importance", "confidence_threshold_high", "confidence_threshold_low",
    "complex_query_threshold", "exploration_budget", "query_analysis_threshold", "read_only", "llm", "embedder",
)
_UNIFIED_ANY: Mapping[str, Spans] = {"any": (_ok("1.10.0", None, "1.10.1 and 1.15.30 memory/unified_memory.py"),)}
_MEMORY: dict[str, Mapping[str, Spans]] = {
    **dict.fromkeys(_WEIGHTS, _UNIFIED_ANY),
    "storage": {
        "dict": (_v("fails-at-save", "a dict is no storage backend: it is accepted, then every save raises"
                    f" AttributeError ({_STORAGE_DICT}), which a crew swallows", "1.10.0", None,
                    "1.15.30 memory/unified_memory.py:92; ran 1.10.1, 1.14.7, 1.15.30"),),
        **_UNIFIED_ANY,
    },
    "root_scope": {"any": (
        _v("rejected", "Memory knows no root_scope before 1.12 and raises a TypeError",
           "1.10.0", "1.11.0", "ran 1.10.1"),
        _v("ignored", "Memory knows no root_scope before 1.12: it drops the argument without a word",
           "1.11.0", "1.12.0", "ran 1.11.0, 1.11.1"),
        _ok("1.12.0", None, "1.12.1 memory/unified_memory.py"),
    )},
    "memory_kind": {"any": (_ok("1.14.6", None, "1.14.6 memory/unified_memory.py"),)},
}
_INPUTS: Mapping[str, Spans] = {"any": (_ok("", None, "1.15.30 crew.py"),)}

ARGUMENTS: dict[str, dict[str, Mapping[str, Spans]]] = {
    "Crew": _CREW,
    "Agent": _AGENT,
    "ShortTermMemory": _VECTOR,
    "EntityMemory": _VECTOR,
    "LongTermMemory": {"storage": _storage("0.63.0"), "path": _taken("0.85.0")},
    "ExternalMemory": {"storage": _storage("0.114.0"), "embedder_config": _taken("0.114.0"), "crew": _taken("0.114.0")},
    "UserMemory": {"crew": _taken("0.83.0", "0.157.0")},
    "RAGStorage": _RAG,
    "LTMSQLiteStorage": {"db_path": _taken(), "verbose": _taken("1.9.0")},
    "Mem0Storage": {"type": _taken("0.83.0"), "crew": _taken("0.83.0"), "config": _taken("0.114.0")},
    "Memory": _MEMORY,
    "LanceDBStorage": dict.fromkeys(("path", "table_name", "vector_dim", "compact_every"), _UNIFIED_ANY),
    "kickoff": {
        "inputs": _INPUTS, "input_files": _INPUTS, "from_checkpoint": _INPUTS, "restore_from_state_id": _INPUTS,
    },
}
_TYPE_ERROR: Spans = (_v("rejected", _LEGACY_TYPE_ERROR, "0.27.0", _CLASSES_GONE, "ran 0.203.2, 1.9.3: TypeError"),)
# Arguments that a class does not list.
OTHERS: dict[str, Spans] = {
    "Crew": (_v("ignored", _NO_FIELD, "", None, _CREW_EXTRA),),
    "Agent": (_v("ignored", "the field does not exist: Agent drops the argument without a word", "", None,
                 "Agent has no extra=\"forbid\"; ran 0.203.2, 1.9.3"),),
    "ShortTermMemory": _TYPE_ERROR,
    "EntityMemory": _TYPE_ERROR,
    "LongTermMemory": _TYPE_ERROR,
    "RAGStorage": _TYPE_ERROR,
    "LTMSQLiteStorage": _TYPE_ERROR,
    "ExternalMemory": (_v("ignored", "the field does not exist: ExternalMemory drops the argument without a word",
                          "0.114.0", _CLASSES_GONE, "1.9.3 memory/external/external_memory.py: **data"),),
    "Memory": (
        _v("rejected", "Memory knows no such argument and raises a TypeError", "1.10.0", "1.11.0", "ran 1.10.1"),
        _v("ignored", "Memory knows no such argument: it drops it without a word, so the records stay in its local"
           " store", "1.11.0", None, "1.11.0 memory/unified_memory.py is a BaseModel; ran 1.14.7, 1.15.30"),
    ),
    "LanceDBStorage": (_v("rejected", "LanceDBStorage knows no such argument and raises a TypeError", "1.10.0", None,
                          "1.15.30 memory/storage/lancedb_storage.py"),),
    "kickoff": (_v("rejected", "kickoff takes inputs= and knows no such argument: it raises a TypeError", "", None,
                   "ran 0.203.2, 1.9.3, 1.10.1, 1.15.30"),),
}
