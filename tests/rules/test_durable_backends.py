"""Memory on a server is nobody's 1xx to 3xx, however it gets there; a server that memory never uses changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from crewmem_doctor import examine
from crewmem_doctor.rules import _trees
from crewmem_doctor.settings import Settings

TEAM = '''

def build_crew(topic: str) -> Crew:
    writer = Agent(role="Writer", goal="Write", backstory="Writes")
    task = Task(description="Write", expected_output="Text", agent=writer)
    return Crew(agents=[writer], tasks=[task], memory=memory)
'''
IMPORTS = "import os\n\nfrom crewai import Agent, Crew, Memory, Task\n"
METHODS = ("search", "delete", "update", "get_record", "list_records", "get_scope_info", "list_scopes", "list_categories", "count", "reset")


def crew(imports: str, memory: str) -> str:
    return f"{IMPORTS}{imports}\n\nmemory = {memory}\n{TEAM}"


def backend(imports: str, opened: str, save: str, read: str = "[]") -> dict[str, str]:
    """A StorageBackend of the tree's own, in a module of its own."""
    methods = "".join(f"    def {name}(self, *args, **options):\n        return {read}\n\n" for name in METHODS)
    text = f"{imports}\n\n\nclass Store:\n    def __init__(self):\n        {opened}\n\n    def save(self, records):\n        {save}\n\n{methods}"
    return {"app/crew.py": crew("from app.store import Store\n", "Memory(storage=Store())"), "app/store.py": text}


def flow(imports: str, given: str) -> dict[str, str]:
    return {"app/crew.py": "from crewai.flow.flow import Flow, start\nfrom crewai.flow.persistence import persist\n"
            f"import os\n{imports}\n\n@persist({given})\nclass Intake(Flow):\n    @start()\n    def ask(self):\n        return 1\n",
            "app/main.py": _trees.API.replace("build_crew", "Intake").replace("Intake(topic).kickoff()", 'Intake().kickoff(inputs={"id": topic})')}


def mem0(config: str) -> dict[str, str]:
    return {"app/crew.py": "", "app/main.py": f'''import os
from fastapi import FastAPI
from crewai import Agent
from mem0 import Memory

app = FastAPI()
memory = Memory.from_config({config})
helper = Agent(role="Helper", goal="Help", backstory="Helps")


@app.post("/chat")
def chat(user_id: str, message: str):
    memory.add(message, user_id=user_id)
    return memory.search(message, user_id=user_id)
'''}


URL = 'os.environ["DATABASE_URL"]'
ON_SERVERS: Mapping[str, Mapping[str, str]] = {
    "psycopg": backend("import os\nimport psycopg", f"self.db = psycopg.connect({URL})", 'self.db.execute("INSERT INTO m VALUES (%s)", records)'),
    "a pool of psycopg": backend("import os\nfrom psycopg_pool import ConnectionPool", f"self.pool = ConnectionPool({URL})",
                                 'with self.pool.connection() as db:\n            db.execute("INSERT INTO m VALUES (%s)", records)'),
    "redis": backend("import os\nimport redis", f"self.redis = redis.Redis.from_url({URL})", 'self.redis.hset("m", mapping={r.id: r.json() for r in records})'),
    "SQLAlchemy": backend("import os\nfrom sqlalchemy import create_engine, text", f"self.engine = create_engine({URL})",
                          'with self.engine.begin() as db:\n            db.execute(text("INSERT INTO m VALUES (:r)"), records)'),
    "pymongo": backend("import os\nfrom pymongo import MongoClient", f'self.records = MongoClient({URL})["crew"]["m"]', "self.records.insert_many(records)"),
    "boto3": backend("import boto3", 'self.table = boto3.resource("dynamodb").Table("m")', "self.table.put_item(Item=records[0])"),
    "an HTTP client": backend("import os\nimport httpx", f"self.http = httpx.Client(base_url={URL})", 'self.http.post("/records", json=records)'),
    "a client made for each call": backend("import os\nimport requests", f"self.url = {URL}", 'requests.post(self.url, json=records, timeout=5)'),
    "qdrant": backend("import os\nfrom qdrant_client import QdrantClient", f"self.client = QdrantClient(url={URL})", 'self.client.upsert("m", records)'),
    "the package for Postgres": {"app/crew.py": crew("from crewai_memory_postgres import PostgresMemoryBackend",
                                                     f"Memory(storage=PostgresMemoryBackend({URL}, dimensions=3072))")},
    "the package for MongoDB": {"app/crew.py": crew("from crewai_mongodb_memory import MongoDBStorageBackend",
                                                    f"Memory(storage=MongoDBStorageBackend({URL}))")},
    "the package for DynamoDB": {"app/crew.py": crew("from crewai_memory_dynamodb import DynamoDBMemoryBackend",
                                                     'Memory(storage=DynamoDBMemoryBackend(table="m"))')},
    "Honcho": {"app/crew.py": crew("from honcho_crewai import HonchoMemoryStorage", 'Memory(storage=HonchoMemoryStorage(peer_id="p"))')},
    "a factory for every memory": {
        "app/__init__.py": "", "app/crew.py": IMPORTS.replace("Memory, ", "") + "from crewai.memory.storage.factory import set_memory_storage_factory\n"
        f"from crewai_memory_postgres import PostgresMemoryBackend\n\nset_memory_storage_factory(lambda *args: PostgresMemoryBackend({URL}))\n"
        + TEAM.replace("memory=memory", "memory=True")},
    "mem0 on Qdrant": mem0('{"vector_store": {"provider": "qdrant", "config": {"url": os.environ["QDRANT_URL"]}}}'),
    "mem0 on pgvector": mem0('{"vector_store": {"provider": "pgvector", "config": {"host": os.environ["PGHOST"], "dbname": "m"}}}'),
    "mem0's platform": {**mem0("{}"), "app/main.py": mem0("{}")["app/main.py"].replace("Memory.from_config({})", "MemoryClient()").replace(
        "import Memory", "import MemoryClient")},
    "flows in SQL": flow("from crewai_persistence_sql import SQLFlowPersistence", f"SQLFlowPersistence({URL})"),
    "flows in MongoDB": flow("from crewai_persistence_mongodb import MongoDBFlowPersistence", f"MongoDBFlowPersistence({URL})"),
    "flows in a class of the tree": {
        **flow("from app.states import States", "States()"), "app/states.py": f'''import os

import redis
from crewai.flow.persistence.base import FlowPersistence


class States(FlowPersistence):
    def init_db(self):
        self.redis = redis.Redis.from_url({URL})

    def save_state(self, flow_uuid, method_name, state_data):
        self.redis.set(flow_uuid, str(state_data))

    def load_state(self, flow_uuid):
        return self.redis.get(flow_uuid)
'''},
}
FALSE_FRIENDS: Mapping[str, Mapping[str, str]] = {
    "a backend that keeps a dict": backend("import redis", "self.records = {}", "self.records.update({r.id: r for r in records})", "list(self.records)"),
    "a Redis that is only imported": {"app/crew.py": _trees.CREW.replace("from crewai", "import redis\n\nCACHE = redis.Redis()\n\nfrom crewai", 1)},
    "a vector store of a tool": {"app/crew.py": _trees.CREW.replace(
        "from crewai", 'from qdrant_client import QdrantClient\n\nDOCUMENTS = QdrantClient(url="http://qdrant:6333")\n\nfrom crewai', 1)},
    "flows in SQLite by that package": flow("from crewai_persistence_sql import SQLFlowPersistence", 'SQLFlowPersistence("sqlite:///flows.db")'),
    "mem0 without a store": mem0("{}"),
}
EXPECTED = dict(zip(FALSE_FRIENDS, ("CM101", "CM201", "CM201", "CM105", "CM103"), strict=True))
DEPLOYED = "services:\n  api:\n    build: .\n    deploy: {replicas: 3}\n    environment: [DATABASE_URL, QDRANT_URL, PGHOST, OPENAI_API_KEY, MEM0_API_KEY]\n"
SERVERS = "  redis: {image: redis:7, volumes: ['r:/data']}\n  db: {image: postgres:17, volumes: ['p:/var/lib/postgresql/data']}\nvolumes: {r: , p: }\n"


def stored(files: Mapping[str, str], root: Path) -> tuple[list[str], set[str]]:
    """What the groups 1xx to 3xx say, and the kinds of store that the service's memories have."""
    for name, text in {**_trees.service(DEPLOYED + SERVERS), **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    report = examine(root, Settings())
    return [f.rule for f in report.findings if f.rule[2] in "123"], {run.memory.store.kind for run in report.project.runs}


@pytest.mark.parametrize("files", ON_SERVERS.values(), ids=ON_SERVERS)
def test_memory_on_a_server_is_kept_by_it(files: Mapping[str, str], tmp_path: Path) -> None:
    found, kinds = stored(files, tmp_path)
    assert found == []
    # SQLAlchemy's URL comes from the environment, and may name a file.
    assert kinds in ({"server"}, {"unknown"} if "create_engine" in str(files) else {"server"})


@pytest.mark.parametrize(("files", "rule"), [(FALSE_FRIENDS[name], rule) for name, rule in EXPECTED.items()], ids=EXPECTED)
def test_a_server_that_memory_never_uses_keeps_nothing(files: Mapping[str, str], rule: str, tmp_path: Path) -> None:
    found, _ = stored(files, tmp_path)
    assert rule in found
    assert "CM107" not in found
