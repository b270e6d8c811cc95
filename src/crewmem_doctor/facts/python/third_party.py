"""Memories of other packages in a project that uses CrewAI: mem0, Zep, Honcho, and databases used as a memory.

mem0, Zep, Honcho, Hindsight and chat message histories are memories by nature. A vector database's client is a plain
document store unless the code around it calls it a memory: the class, function or module that it stands in is named
after memory or conversations, and none of them after documents or knowledge.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from crewmem_doctor.facts.python.clients import CLIENTS, path_store, server, sqlite_store
from crewmem_doctor.facts.python.deferred import level_of
from crewmem_doctor.facts.python.index import CallSite
from crewmem_doctor.facts.python.ledger import Draft, Ledger, built, inside
from crewmem_doctor.facts.python.mem0 import MEM0_API, mem0_store
from crewmem_doctor.facts.python.sinks import key_sinks, names_of, table_sinks
from crewmem_doctor.facts.python.survey import Survey, root
from crewmem_doctor.model.expression import Build, Expr, Table, Text
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Store

_MEMORY_WORDS = re.compile(
    r"memor|conversation|chat_?hist|chat_?store|session_?store|message_?(?:store|hist)|remember", re.IGNORECASE
)
_DOCUMENT_WORDS = re.compile(
    r"document|knowledge|\brag\b|_rag|rag_|ingest|index|corpus|catalog|product|in_memory|inmemory|"
    r"retriev|pdf|embedding_?cache",
    re.IGNORECASE,
)
_LOCAL = ("mem0.Memory", "mem0.AsyncMemory", "mem0.Memory.from_config", "mem0.AsyncMemory.from_config")
_HOSTED = ("mem0.MemoryClient", "mem0.AsyncMemoryClient")
_SERVICES = {
    "Zep": ("zep_cloud", "zep_python"),
    "AsyncZep": ("zep_cloud", "zep_python"),
    "ZepClient": ("zep_python",),
    "Honcho": ("honcho", "honcho_ai"),
    "Hindsight": ("hindsight_client",),
    "HindsightClient": ("hindsight_client",),
    "MemobaseClient": ("memobase",),
    "Letta": ("letta_client",),
    "Supermemory": ("supermemory",),
}
_HISTORIES = {
    "RedisChatMessageHistory": "server",
    "PostgresChatMessageHistory": "server",
    "MongoDBChatMessageHistory": "server",
    "DynamoDBChatMessageHistory": "server",
    "FirestoreChatMessageHistory": "server",
    "CosmosDBChatMessageHistory": "server",
    "UpstashRedisChatMessageHistory": "server",
    "SQLChatMessageHistory": "either",
    "FileChatMessageHistory": "path",
    "ChatMessageHistory": "process",
    "InMemoryChatMessageHistory": "process",
    "ConversationBufferMemory": "process",
    "ConversationBufferWindowMemory": "process",
    "ConversationSummaryMemory": "process",
    "ConversationSummaryBufferMemory": "process",
    "ChatMemoryBuffer": "process",
}
_LANGCHAIN = re.compile(r"^(?:langchain|llama_index)")


def find(survey: Survey, ledger: Ledger) -> None:
    for site in survey.base.calls:
        name = site.callee
        if name and _known(name) and not start_in(ledger, site):
            with survey.attempt(site.location):
                _look(survey, ledger, site, name)


def _known(name: str) -> bool:
    """Whether `_look` may find something, told by the name alone."""
    package, word = root(name), name.rsplit(".", 1)[-1]
    if package in ("mem0", *_SERVICES.get(word, ())) or word in _HISTORIES:
        return True
    return name in CLIENTS or f"{package}.{word}" in CLIENTS


def _look(survey: Survey, ledger: Ledger, site: CallSite, name: str) -> None:
    package, word = root(name), name.rsplit(".", 1)[-1]
    if package in ("mem0", *_SERVICES.get(word, ())) and survey.base.definition(name) is not None:
        return  # the package's own source
    if package == "mem0":
        _mem0(survey, ledger, site, name)
    elif package in _SERVICES.get(word, ()):
        _add(survey, ledger, site, lambda value, at: server(value, f"{value.callee.rsplit('.', 1)[-1]}(…)", at))
    elif word in _HISTORIES and _LANGCHAIN.match(package):
        _add(survey, ledger, site, lambda value, at: _history(value, at, _HISTORIES[word]))
    else:
        client = CLIENTS.get(name) or CLIENTS.get(f"{package}.{word}")
        if client is not None and package in ("chromadb", "qdrant_client", "lancedb") and is_memory(site):
            _add(survey, ledger, site, client)


def start_in(ledger: Ledger, site: CallSite) -> bool:
    at = site.location
    return (at.path, at.line, at.column) in ledger.drafts


def _mem0(survey: Survey, ledger: Ledger, site: CallSite, name: str) -> None:
    if name in _HOSTED:
        _add(
            survey,
            ledger,
            site,
            lambda value, at: Store(
                "server", "mem0's hosted API", value.argument("host", 1) or Text(MEM0_API), "remote", at
            ),
        )
    elif name in _LOCAL:
        config = ("config_dict", "config") if name.endswith("from_config") else ("config",)
        _add(
            survey,
            ledger,
            site,
            lambda value, at: mem0_store(
                next((a for a in (value.argument(n, 0) for n in config) if a is not None), None), at
            ),
        )


def _add(survey: Survey, ledger: Ledger, site: CallSite, store: Callable[[Build, Location], Store]) -> None:
    value = built(survey.base, site)
    at = site.location
    callee = site.callee.removesuffix(".from_config")
    draft = Draft(
        Memory("third_party", at, callee, store(value, at), at, level=level_of(site), inside=inside(site.scope)),
        [site],
        [value],
    )
    draft.sinks.extend(key_sinks(survey.base, site, value, *names_of(site, value)))
    for given in (*value.args, *(v for _, v in value.kwargs)):
        if isinstance(given, Table):
            draft.sinks.extend(table_sinks(given, at))
    ledger.add(draft)


def _history(value: Build, at: Location, nature: str) -> Store:
    word = value.callee.rsplit(".", 1)[-1]
    if nature == "process":
        handed: Expr | None = value.argument("chat_memory") or value.argument("chat_history")
        if isinstance(handed, Build):
            inner = handed.callee.rsplit(".", 1)[-1]
            return _history(handed, at, _HISTORIES.get(inner, "either"))
        return Store("process", f"{word}()", None, "python", at)
    if nature == "path":
        return path_store(value.argument("file_path", 0), f"{word}(file_path=…)", "json", at)
    if nature == "either":
        where = value.argument("connection_string") or value.argument("connection") or value.argument("url")
        return (
            sqlite_store(where, f"{word}(…)", at)
            if isinstance(where, Text) and str(where.value).startswith("sqlite")
            else Store("server" if where is not None else "unknown", f"{word}(…)", where, "unknown", at)
        )
    return server(value, f"{word}(…)", at)


def is_memory(site: CallSite) -> bool:
    """Whether the code around a database client calls it a memory."""
    scope = site.scope
    owner = scope.cls or (scope.function.owner if scope.function is not None else None)
    names = [
        scope.function.qualname if scope.function is not None else "",
        owner.name if owner is not None else "",
        scope.module.path.rsplit("/", 1)[-1].removesuffix(".py"),
    ]
    if any(_DOCUMENT_WORDS.search(name) for name in names):
        return False
    return any(_MEMORY_WORDS.search(name) for name in names)
