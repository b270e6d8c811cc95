"""What a storage class of the scanned project keeps its records in, from looking inside the class.

It talks to a server, writes files, or only fills Python containers. Whatever cannot be told apart is unknown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from crewmem_doctor.facts.python.clients import CLIENTS, REMOTE, TEXTUAL
from crewmem_doctor.facts.python.index import CallSite, Class, Function
from crewmem_doctor.facts.python.survey import Survey, last_name, root
from crewmem_doctor.model.expression import Build, Expr, Text, walk
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Store

StoreOf = Callable[[Survey, Expr | None, Location | None], Store]

_FILES = frozenset(
    {
        "shelve",
        "dbm",
        "diskcache",
        "tinydb",
        "duckdb",
        "pickle",
        "joblib",
        "lmdb",
        "aiofiles",
        "sqlitedict",
        "peewee",
        "rocksdict",
        "plyvel",
        "h5py",
    }
)
_FILE_CALLS = frozenset({"builtins.open", "json.dump", "yaml.dump", "io.open", "os.replace"})
_FILE_METHODS = frozenset({"write_text", "write_bytes"})
_EITHER = frozenset(
    {
        "sqlite3",
        "aiosqlite",
        "sqlalchemy",
        "sqlmodel",
        "databases",
        "tortoise",
        "chromadb",
        "qdrant_client",
        "lancedb",
        "mem0",
        "django",
        "peewee",
        "langchain",
        "langchain_community",
        "langchain_core",
        "llama_index",
        "faiss",
        "crewai_tools",
    }
)
# Parts of drivers that only write a statement or a value down, or count attempts: no server is reached by them.
_SILENT = (
    "psycopg.sql",
    "psycopg.types",
    "psycopg.rows",
    "psycopg2.sql",
    "psycopg2.extras.Json",
    "redis.backoff",
    "redis.retry",
)
_CONTAINERS = frozenset({"dict", "list", "set", "deque", "defaultdict", "OrderedDict", "Counter"})
_HARMLESS_BASES = (
    "object",
    "Protocol",
    "ABC",
    "BaseModel",
    "Generic",
    "Storage",
    "BaseRAGStorage",
    "StorageBackend",
    "FlowPersistence",
    "ExternalMemory",
    "Memory",
    "dict",
    "UserDict",
)
# What a storage saves and finds with: a class that has its own of both does without its parent's.
_KEEPING = ("save", "search", "load", "save_state", "load_state")
# CrewAI's storages that are files. Their subclasses are looked into only where they do without their parents' files.
_PARENTS = (
    "RAGStorage",
    "LTMSQLiteStorage",
    "LanceDBStorage",
    "QdrantEdgeStorage",
    "SQLiteFlowPersistence",
)
_PATH = re.compile(r"path|dir|file|folder|db|location", re.IGNORECASE)
_DEPTH = 4


def nature_of(survey: Survey, value: Build, at: Location | None, store_of: StoreOf) -> Store:
    """The store of an object of a scanned class."""
    definition = survey.base.definition(value.callee)
    name = value.callee.rsplit(".", 1)[-1]
    if not isinstance(definition, Class):
        return Store("unknown", f"{name}(…) could not be followed", None, "unknown", at)
    # What is handed to the constructor decides before what the class looks like.
    for given in (*value.args, *(v for _, v in value.kwargs)):
        for inner in walk(given):
            if isinstance(inner, Build) and not inner.class_path:
                handed = store_of(survey, inner, at)
                if handed.kind in ("server", "process") or (handed.kind == "path" and handed.where is not None):
                    return Store(
                        handed.kind, f"{name}({inner.callee.rsplit('.', 1)[-1]}(…))", handed.where, handed.engine, at
                    )
    looked = _Look(survey, store_of, at, _plainly_given(survey, definition, value))
    looked.into(definition, 0)
    return looked.verdict(name, definition, value)


def _plainly_given(survey: Survey, definition: Class, value: Build) -> frozenset[tuple[Function, str]]:
    """The parameters of the constructor that are handed a text: a URL or a name, no object that could keep records."""
    init = survey.base.method(definition.dotted, "__init__")
    if init is None:
        return frozenset()
    names = [name for name in init.parameters if name != "self"]
    given = ((name, value.argument(name, position)) for position, name in enumerate(names))
    return frozenset((init, name) for name, expr in given if isinstance(expr, TEXTUAL))


def overridden(survey: Survey, value: Build, at: Location | None, store_of: StoreOf) -> Store | None:
    """The store of a subclass of one of CrewAI's file storages that keeps its records elsewhere: it opens a database
    client of its own, or saves and finds without its parent. None where the parent's files stay."""
    definition = survey.base.definition(value.callee)
    if not isinstance(definition, Class):
        return None
    name = value.callee.rsplit(".", 1)[-1]
    scanned = [survey.base.definition(base) for base in survey.base.bases(definition.dotted)]
    methods: dict[str, Function] = {}
    for cls in (definition, *(c for c in scanned if isinstance(c, Class))):
        methods = {**cls.methods, **methods}
    sites = [site for method in methods.values() for site in _sites(method)]
    opened = [store_of(survey, survey.base.evaluate(s.node, s.scope), at) for s in sites if s.callee in CLIENTS]
    if len({store.kind for store in opened}) == 1:
        found = opened[0]
        return Store(found.kind, f"{name}: {found.why}", found.where, found.engine, at)
    own = [methods[m] for m in _KEEPING if m in methods]
    if opened or len(own) < 2 or any(_calls_parent(method) for method in own):
        return None
    return nature_of(survey, value, at, store_of)


def _calls_parent(method: Function) -> bool:
    return any(site.callee == "builtins.super" for site in _sites(method))


class _Look:
    """One look into a class, its scanned bases and the scanned classes and functions that it uses."""

    def __init__(
        self, survey: Survey, store_of: StoreOf, at: Location | None, plain: frozenset[tuple[Function, str]]
    ) -> None:
        self.plain = plain
        self.survey = survey
        self.store_of = store_of
        self.at = at
        self.found: list[Store] = []
        self.seen: set[object] = set()
        self.open = False  # reaches something that was not understood
        self.contained = False  # keeps Python containers

    def into(self, cls: Class, depth: int) -> None:
        if cls in self.seen or depth > _DEPTH:
            return
        self.seen.add(cls)
        for base in self.survey.base.bases(cls.dotted):
            definition = self.survey.base.definition(base)
            if isinstance(definition, Class):
                self.into(definition, depth + 1)
            elif base.rsplit(".", 1)[-1] not in (*_HARMLESS_BASES, *_PARENTS):
                self.open = True
        if any(_is_container(b.value, b.annotation) for bindings in cls.attributes.values() for b in bindings):
            self.contained = True
        for field in cls.fields.values():
            for binding in field:
                function = binding.scope.function
                if _is_container(binding.value, binding.annotation):
                    self.contained = True
                elif (
                    function is not None
                    and isinstance(binding.value, ast.Name)
                    and binding.value.id in function.parameters
                ):
                    # Something handed in: the caller's argument was judged before, so it is not known here.
                    known = (function, binding.value.id) in self.plain or _is_plain(function, binding.value.id)
                    self.open = self.open or not known
        for method in cls.methods.values():
            self.function(method, depth)

    def function(self, function: Function, depth: int) -> None:
        if function in self.seen or depth > _DEPTH:
            return
        self.seen.add(function)
        for site in _sites(function):
            self.call(site, depth)

    def call(self, site: CallSite, depth: int) -> None:
        name, call, scope = site.callee, site.node, site.scope
        package = root(name)
        if name in CLIENTS:
            self.found.append(self.store_of(self.survey, self.survey.base.evaluate(call, scope), self.at))
        elif package in REMOTE and not name.startswith(_SILENT):
            where = self.survey.base.evaluate(call.args[0], scope) if call.args else None
            self.found.append(
                Store("server", f"{package} inside", where if isinstance(where, TEXTUAL) else None, "remote", self.at)
            )
        elif package in _FILES or name in _FILE_CALLS or last_name(call.func) in _FILE_METHODS:
            self.found.append(Store("path", "files that the class writes", None, "unknown", self.at))
        elif package in _EITHER:
            self.open = True
        elif name:
            definition = self.survey.base.definition(name)
            if isinstance(definition, Class):
                self.into(definition, depth + 1)
            elif isinstance(definition, Function):
                self.function(definition, depth + 1)

    def verdict(self, name: str, cls: Class, value: Build) -> Store:
        kinds = {store.kind for store in self.found}
        if "server" in kinds:
            found = next(s for s in self.found if s.kind == "server")
            return Store("server", f"{name} keeps its records on a server", found.where, "remote", self.at)
        for kind in ("path", "process"):
            if kind in kinds:
                found = next((s for s in self.found if s.kind == kind and s.where is not None), None) or next(
                    s for s in self.found if s.kind == kind
                )
                where = found.where or self.path_argument(cls, value)
                if kind == "path" and where is None:
                    return Store("unknown", f"{name} writes files of its own", None, "unknown", self.at)
                return Store(found.kind, f"{name}: {found.why}", where, found.engine, self.at)
        if self.contained and not self.open and not kinds:
            return Store("process", f"{name} keeps only Python objects", None, "python", self.at)
        return Store("unknown", f"what {name} keeps its records in could not be read", None, "unknown", self.at)

    def path_argument(self, cls: Class, value: Build) -> Expr | None:
        """What the constructor is given as a path, by the parameter's name; its default where nothing is given."""
        init = self.survey.base.method(cls.dotted, "__init__")
        names = [n for n in init.parameters if n != "self"] if init is not None else []
        for position, name in enumerate(names):
            if _PATH.search(name) and init is not None:
                given = value.argument(name, position)
                found = given if given is not None else self.survey.base.evaluate(init.defaults.get(name), init.scope)
                if isinstance(found, TEXTUAL) and not (isinstance(found, Text) and found.value is None):
                    return found
        return None


def _sites(function: Function) -> Iterator[CallSite]:
    yield from function.sites
    for child in function.children:
        yield from _sites(child)


def _is_container(value: ast.expr | None, annotation: ast.expr | None) -> bool:
    if isinstance(value, (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp)):
        return True
    if isinstance(value, ast.Call):
        word = last_name(value.func)
        if word in _CONTAINERS:
            return True
        if word in ("Field", "PrivateAttr", "field"):
            return any(k.arg == "default_factory" and last_name(k.value) in _CONTAINERS for k in value.keywords)
    return False


def _is_plain(function: Function, name: str) -> bool:
    """A parameter that is annotated as a number, text or flag, or has a constant default."""
    arg, default = function.parameters.get(name), function.defaults.get(name)
    if isinstance(default, ast.Constant) and default.value is not None:
        return True
    return (
        arg is not None
        and isinstance(arg.annotation, ast.Name)
        and arg.annotation.id in ("str", "int", "float", "bool")
    )
