"""Stores: RAM, a path or a server, and unknown wherever it could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from crewmem_doctor.facts.python import CodeFacts
from crewmem_doctor.model.expression import EnvVar, Place, Text, walk
from crewmem_doctor.model.memory import Store

Read = Callable[[Mapping[str, str]], CodeFacts]
IMPORTS = """
import os, tempfile, sqlite3, chromadb, lancedb, redis, requests
from chromadb.config import Settings
from qdrant_client import QdrantClient
from crewai import Crew, Memory
from crewai.memory import ExternalMemory, LongTermMemory, ShortTermMemory
from crewai.memory.storage.interface import Storage
from crewai.memory.storage.lancedb_storage import LanceDBStorage
from crewai.memory.storage.ltm_sqlite_storage import LTMSQLiteStorage
from crewai.memory.storage.mem0_storage import Mem0Storage
from crewai.memory.storage.rag_storage import RAGStorage
"""


def store_of(read: Read, source: str) -> Store:
    return next(m for m in read({"app.py": IMPORTS + source}).memories if m.kind not in ("crew", "third_party")).store


@pytest.mark.parametrize(
    ("source", "kind", "engine", "where"),
    [
        ("m = Memory()", "path", "default", None),
        ("m = Memory(storage='lancedb')", "path", "lancedb", None),
        ("m = Memory(storage='qdrant-edge')", "path", "qdrant-edge", None),
        ("m = Memory(storage='./store')", "path", "default", "./store"),
        ("m = Memory(storage='redis://cache:6379')", "path", "default", "redis://cache:6379"),
        ("m = Memory(storage=LanceDBStorage(path='/data/m'))", "path", "lancedb", "/data/m"),
        ("m = Memory(storage=LanceDBStorage('memory://x'))", "process", "lancedb", "memory://x"),
        ("m = LongTermMemory(storage=LTMSQLiteStorage(db_path=':memory:'))", "process", "sqlite", ":memory:"),
        ("m = LongTermMemory(path='/data/l.db')", "path", "default", "/data/l.db"),
        ("m = ShortTermMemory(storage=RAGStorage(type='short_term', path='./memory/'))", "path", "chroma", "./memory/"),
        (
            "m = ExternalMemory(storage=Mem0Storage(type='external', config={'config': {'api_key': 'k'}}))",
            "server",
            "remote",
            "https://api.mem0.ai",
        ),
    ],
)
def test_crewais_own_storages(read: Read, source: str, kind: str, engine: str, where: str | None) -> None:
    store = store_of(read, source + "\n")
    text = store.where.value if isinstance(store.where, Text) else None
    assert (store.kind, store.engine, text) == (kind, engine, where)


@pytest.mark.parametrize(
    ("source", "provider"),
    [
        ("m = ShortTermMemory(storage=RAGStorage(type='x', path='r', embedder_config=OLLAMA))", "ollama"),
        ("store = RAGStorage('x', True, OLLAMA, None, 'r')\nm = ShortTermMemory(storage=store)", "ollama"),
        ("m = ShortTermMemory(storage=RAGStorage(type='x', path='r', embedder_config=OLLAMA), embedder_config=COHERE)", "ollama"),
        ("m = ShortTermMemory(path='r', embedder_config=OLLAMA)", "ollama"),
        ("m = ShortTermMemory(storage=RAGStorage(type='x', path='r'), embedder_config=OLLAMA)", None),
        ("m = ShortTermMemory(storage=RAGStorage(type='x', path='r', embedder_config=None))", None),
    ],
)
def test_a_vector_storage_embeds_with_what_it_was_built_with(read: Read, source: str, provider: str | None) -> None:
    """Ran 1.9.3: the embedder of the memory around it is not even looked at."""
    told = "OLLAMA = {'provider': 'ollama'}\nCOHERE = {'provider': 'cohere'}\n"
    memory = next(m for m in read({"app.py": IMPORTS + told + source + "\n"}).memories if m.kind == "short_term")
    found = memory.embedder.provider if memory.embedder is not None else None
    assert (found.value if isinstance(found, Text) else found) == provider
    assert memory.store.where is not None


def test_a_path_from_the_environment_keeps_its_variable(read: Read) -> None:
    store = store_of(read, "m = Memory(storage=os.path.join(os.getenv('DATA', '/data'), 'mem'))\n")
    assert any(isinstance(e, EnvVar) and e.name == "DATA" for e in walk(store.where))


def test_a_temporary_directory(read: Read) -> None:
    store = store_of(read, "m = Memory(storage=tempfile.mkdtemp())\n")
    assert isinstance(store.where, Place)
    assert store.where.kind == "temporary"


CLASS = """
class Mine(Storage):
    def __init__(self{parameters}):
        {init}

    def save(self, value, metadata=None):
        {save}

    def search(self, query, **kw):
        return []

m = ExternalMemory(storage=Mine({arguments}))
"""


@pytest.mark.parametrize(
    ("parameters", "init", "save", "arguments", "kind"),
    [
        ("", "self.items = []", "self.items.append(value)", "", "process"),
        ("", "self.items = {}", "self.items[len(self.items)] = value", "", "process"),
        ("", "self.r = redis.Redis()", "self.r.set('k', value)", "", "server"),
        ("", "self.items = []", "requests.post('http://store/api', json=value)", "", "server"),
        ("", "self.db = sqlite3.connect('/data/x.db')", "self.db.execute('insert')", "", "path"),
        ("", "self.db = sqlite3.connect(':memory:')", "self.db.execute('insert')", "", "process"),
        (", client", "self.client = client", "self.client.put(value)", "redis.Redis()", "server"),
        (", client", "self.client = client", "self.client.put(value)", "make()", "unknown"),
        ("", "self.c = chromadb.EphemeralClient()", "self.c.add(value)", "", "process"),
        ("", "self.c = chromadb.Client(Settings(persist_directory='/d'))", "self.c.add(value)", "", "process"),
        ("", "self.c = chromadb.Client(Settings(is_persistent=True))", "self.c.add(value)", "", "path"),
        ("", "self.c = chromadb.Client(Settings(is_persistent=flag()))", "self.c.add(value)", "", "unknown"),
        ("", "self.c = chromadb.Client(Settings(chroma_db_impl='x+y'))", "self.c.add(value)", "", "path"),
        ("", "self.c = chromadb.Client(made())", "self.c.add(value)", "", "unknown"),
        ("", "s = Settings(); s.is_persistent = True; self.c = chromadb.Client(s)", "self.c.add(value)", "", "unknown"),
        ("", "self.q = QdrantClient(':memory:')", "self.q.upsert(value)", "", "process"),
        ("", "self.q = QdrantClient(url='http://q:6333')", "self.q.upsert(value)", "", "server"),
        (
            ", path='/data/mine.json'",
            "self.path = path; self.items = []",
            "open(self.path, 'w').write(value)",
            "",
            "path",
        ),
    ],
)
def test_a_storage_of_the_project(read: Read, parameters: str, init: str, save: str, arguments: str, kind: str) -> None:
    source = CLASS.format(parameters=parameters, init=init, save=save, arguments=arguments)
    assert store_of(read, source).kind == kind


def test_a_storage_that_only_looks_like_ram_through_its_base(read: Read) -> None:
    source = """
class Base(Storage):
    def __init__(self):
        self.r = redis.Redis()
        self.cache = {}

class Mine(Base):
    def save(self, value, metadata=None):
        self.r.set("k", value)

m = ExternalMemory(storage=Mine())
"""
    assert store_of(read, source).kind == "server"


@pytest.mark.parametrize(
    ("config", "kind", "where"),
    [
        ("", "path", "/tmp/qdrant"),
        ("{'vector_store': {'provider': 'qdrant', 'config': {'path': '/data/q'}}}", "path", "/data/q"),
        ("{'vector_store': {'provider': 'qdrant', 'config': {'host': 'q', 'port': 6333}}}", "server", "q"),
        ("{'vector_store': {'provider': 'pgvector', 'config': {'dbname': 'm', 'host': 'db'}}}", "server", "db"),
        ("{'llm': {'provider': 'openai'}}", "path", "/tmp/qdrant"),
    ],
)
def test_mem0(read: Read, config: str, kind: str, where: str) -> None:
    call = f"Memory.from_config({config})" if config else "Memory()"
    facts = read({"app.py": f"import crewai\nfrom mem0 import Memory\nm = {call}\n"})
    store = facts.memories[0].store
    assert (store.kind, getattr(store.where, "value", None)) == (kind, where)


def test_a_factory_decides_over_every_default_store(read: Read) -> None:
    facts = read(
        {
            "app.py": """
import psycopg
from crewai import Crew
from crewai.memory.storage.factory import set_memory_storage_factory

class Backend:
    def __init__(self):
        self.db = psycopg.connect("postgresql://db/x")

    def save(self, records):
        self.db.execute("insert")

set_memory_storage_factory(lambda name: Backend())
crew = Crew(agents=[], tasks=[], memory=True)
"""
        }
    )
    assert [m.store.kind for m in facts.memories] == ["server"]


def test_a_factory_that_cannot_be_read_leaves_it_open(read: Read) -> None:
    facts = read(
        {
            "app.py": """
from somewhere import make
from crewai import Crew
from crewai.memory.storage.factory import set_memory_storage_factory
set_memory_storage_factory(make)
crew = Crew(agents=[], tasks=[], memory=True)
"""
        }
    )
    assert [m.store.kind for m in facts.memories] == ["unknown"]


@pytest.mark.parametrize(
    ("body", "kind", "engine"),
    [
        ("    def _initialize_app(self):\n        self.app = chromadb.EphemeralClient()\n", "process", "chroma"),
        ("    def _initialize_app(self):\n        self.app = chromadb.HttpClient(host='chroma')\n", "server", "chroma"),
        (
            "    rows = {}\n    def save(self, value, metadata):\n        self.rows[value] = metadata\n"
            "    def search(self, query, limit=3):\n        return list(self.rows)\n",
            "process",
            "python",
        ),
        (
            "    recent = []\n    def save(self, value, metadata):\n        self.recent.append(value)\n"
            "        super().save(value, metadata)\n"
            "    def search(self, query, limit=3):\n        return super().search(query)\n",
            "path",
            "chroma",
        ),
        ("    def _embed(self, text):\n        return requests.post('http://models/embed').json()\n", "path", "chroma"),
    ],
)
def test_a_subclass_that_keeps_its_records_elsewhere(read: Read, body: str, kind: str, engine: str) -> None:
    store = store_of(read, f"class Own(RAGStorage):\n{body}\nm = ShortTermMemory(storage=Own(type='short_term'))\n")
    assert (store.kind, store.engine) == (kind, engine)
