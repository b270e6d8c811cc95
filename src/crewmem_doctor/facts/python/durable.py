"""Whether the code that fills a container also keeps the same records in a file or database."""

from __future__ import annotations

import ast
import re

from crewmem_doctor.facts.python.clients import REMOTE
from crewmem_doctor.facts.python.containers import Container
from crewmem_doctor.facts.python.index import CallSite, Class, Function
from crewmem_doctor.facts.python.survey import Survey, last_name, root

_PACKAGES = (REMOTE - {"requests", "httpx", "aiohttp", "urllib3", "google", "azure"}) | {
    "sqlite3",
    "aiosqlite",
    "sqlalchemy",
    "sqlmodel",
    "shelve",
    "diskcache",
    "tinydb",
    "peewee",
    "tortoise",
    "django",
    "databases",
}
_FILE_CALLS = frozenset(("json.dump", "pickle.dump", "yaml.dump", "joblib.dump"))
_WRITES = frozenset(
    (
        *(
            "add",
            "add_all",
            "set",
            "hset",
            "setex",
            "rpush",
            "lpush",
            "insert",
            "insert_one",
            "insert_many",
            "update_one",
        ),
        *("replace_one", "put", "put_item", "save", "create", "upsert", "merge", "xadd", "table"),
    )
)
_STATEMENTS = frozenset(("execute", "executemany", "fetchrow", "exec_driver_sql"))
_SQL = re.compile(r"\b(?:insert|replace|upsert|update)\b", re.IGNORECASE)
_SUBJECT = re.compile(r"message|conversation|histor|session|chat|memor|turn|transcript|context|thread", re.IGNORECASE)
_SAVES = re.compile(r"save|persist|store|dump|write|flush|sync|backup", re.IGNORECASE)
_RESTORES = re.compile(r"(?:hydrate|load|restore|read).*(?:db|disk|file|redis|sqlite|postgres|storage)")
# Histories and checkpointers that other frameworks keep on a server or a disk: their kind stands before the noun.
_HISTORY = re.compile(
    r"(?:postgres|redis|valkey|sql|mongo|dynamo|firestore|cosmos|cassandra|elastic|neo4j|astra|momento|zep|xata|singlestore|tidb|file)"
    r"\w*?(?:ChatMessageHistory|Saver|ChatStore)\b",
    re.IGNORECASE,
)
# CrewAI's own memories take the text, but give no conversation back.
_DEPTH = 2


def is_cache(survey: Survey, container: Container, writers: list[Function]) -> bool:
    """A cache in front of a durable store that the same class, each writing function, or each entry itself writes."""
    entries = _entries(survey, container, writers)
    if entries and all(_keeps_itself(survey, entry, container) for entry in entries):
        return True
    if container.owner is not None:
        if any(_RESTORES.search(name) for name in container.owner.methods):
            return True
        return any(_writes(survey, method, container, 0) for method in container.owner.methods.values())
    filled = {f.dotted for f in writers}
    beside = [
        f
        for f in container.module.all_functions
        if f not in writers and (_mentions(f, container.word) or any(s.callee in filled for s in f.sites))
    ]
    if any(_writes(survey, function, container, _DEPTH) for function in beside):
        return True
    return all(_writes(survey, function, container, 0) for function in writers)


def _entries(survey: Survey, container: Container, writers: list[Function]) -> list[Class]:
    """The classes whose objects are put in; none where one entry is something else."""
    found: list[Class] = []
    for function in writers:
        for stored in function.stores:
            target = stored.target
            if not isinstance(target, ast.Subscript) or last_name(target.value) != container.word:
                continue
            name = survey.base.type_of(stored.value, stored.scope) if stored.value is not None else ""
            entry = survey.base.definition(name) if name else None
            if not isinstance(entry, Class):
                return []
            found.append(entry)
    return list(dict.fromkeys(found))


def _keeps_itself(survey: Survey, entry: Class, container: Container) -> bool:
    """An object that reads its records back from a store, and writes them there."""
    methods = entry.methods.values()
    return any(_RESTORES.search(name) for name in entry.methods) or any(
        _writes(survey, m, container, 0) for m in methods
    )


def _writes(survey: Survey, function: Function, container: Container, depth: int) -> bool:
    for site in function.sites:
        if _is_write(site, container.word):
            return True
        # One call further, where its name says that it saves.
        if depth < _DEPTH and _SAVES.search(last_name(site.node.func)):
            called = survey.base.definition(site.callee)
            if (
                isinstance(called, Function)
                and called is not function
                and _writes(survey, called, container, depth + 1)
            ):
                return True
    return False


def _is_write(site: CallSite, word: str) -> bool:
    name, call = site.callee, site.node
    if root(name) == "crewai":
        return False
    method = last_name(call.func)
    if _HISTORY.search(name):
        return True
    if name in _FILE_CALLS or method in ("write_text", "write_bytes"):
        return True
    if name in ("builtins.open", "aiofiles.open") and _opens_for_writing(call):
        return True
    known = root(name) in _PACKAGES
    if method in _STATEMENTS and isinstance(call.func, ast.Attribute):
        text = ast.unparse(call)
        return bool(_SQL.search(text) and _SUBJECT.search(_SQL.split(text, 1)[-1]))
    if method in _WRITES and isinstance(call.func, ast.Attribute) and last_name(call.func.value) != word:
        receiver = last_name(call.func.value).lower()
        handle = known or receiver in ("db", "session", "redis", "redis_client", "r", "collection", "table", "conn")
        return handle and bool(_SUBJECT.search(" ".join(ast.unparse(a) for a in call.args) or name))
    return False


def _opens_for_writing(call: ast.Call) -> bool:
    mode = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "mode"), None)
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and any(c in mode.value for c in "wax+")


def _mentions(function: Function, word: str) -> bool:
    return any(last_name(node) == word for node in function.loads)
