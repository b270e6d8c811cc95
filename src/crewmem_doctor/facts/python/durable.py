"""Whether the code that fills a container also keeps the same records in a file or database."""

from __future__ import annotations

import ast
import re

from crewmem_doctor.facts.python.clients import REMOTE
from crewmem_doctor.facts.python.containers import Container
from crewmem_doctor.facts.python.index import CallSite, Function
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
# CrewAI's own memories take the text, but give no conversation back.
_DEPTH = 2


def is_cache(survey: Survey, container: Container, writers: list[Function]) -> bool:
    """A cache in front of a durable store that the same class, or each writing function, writes."""
    if container.owner is not None:
        if any(_RESTORES.search(name) for name in container.owner.methods):
            return True
        return any(_writes(survey, method, container, 0) for method in container.owner.methods.values())
    beside = [f for f in container.module.all_functions if f not in writers and _mentions(f, container.word)]
    if any(_writes(survey, function, container, _DEPTH) for function in beside):
        return True
    return all(_writes(survey, function, container, 0) for function in writers)


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
