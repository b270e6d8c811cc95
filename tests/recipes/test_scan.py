"""An application that copied a recipe is judged as what it is, and one that only looks like it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "recipes"
MAIN = """\
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import BaseModel

from app.crew import answer, storage


@asynccontextmanager
async def lifespan(_: FastAPI):
    storage.check()
    yield


app = FastAPI(lifespan=lifespan)


class Question(BaseModel):
    user_id: str
    text: str


@app.post("/chat")
def chat(question: Question):
    return {"answer": answer(question.user_id, question.text)}
"""
HELPER = """\
    helper = Agent(role="helper", goal="help", backstory="helps")
    task = Task(description="Answer {question}", expected_output="an answer", agent=helper)
"""
CREW = """\
import os

from crewai import Agent, Crew, Task
from crewai.memory import Memory

from app.FILE import CLASS

storage = CLASS(os.environ["URL"])
memory = Memory(storage=storage)


def answer(user_id: str, question: str) -> str:
""" + HELPER + """\
    crew = Crew(agents=[helper], tasks=[task], memory=memory.scope(f"/user/{user_id}/chat"))
    return str(crew.kickoff(inputs={"question": question}))
"""
FACTORY = """\
import os

from crewai import Agent, Crew, Task
from crewai.memory.storage.factory import set_memory_storage_factory

from app.FILE import CLASS

storage = CLASS(os.environ["URL"])
set_memory_storage_factory(lambda spec: storage if spec == "lancedb" else None)


def answer(user_id: str, question: str) -> str:
""" + HELPER + """\
    crew = Crew(agents=[helper], tasks=[task], memory=True)
    return str(crew.kickoff(inputs={"question": question}))
"""
FLOW = """\
import os

from crewai.flow.flow import Flow, start
from crewai.flow.persistence import persist

from app.FILE import CLASS

storage = CLASS(os.environ["URL"])


@persist(storage)
class Conversation(Flow):
    @start()
    def hear(self):
        return self.state


def answer(user_id: str, question: str) -> str:
    return str(Conversation().kickoff(inputs={"id": user_id, "question": question}))
"""
LEGACY = """\
import os

from crewai import Agent, Crew, Task
from crewai.memory.external.external_memory import ExternalMemory

from app.FILE import CLASS

storage = CLASS(os.environ["URL"], owner="check")


def answer(user_id: str, question: str) -> str:
    memory = ExternalMemory(storage=CLASS(os.environ["URL"], owner=user_id))
""" + HELPER + """\
    crew = Crew(agents=[helper], tasks=[task], memory=False, external_memory=memory)
    return str(crew.kickoff(inputs={"question": question}))
"""
COMPOSE = """\
services:
  api:
    build: .
    deploy: {replicas: 3}
    environment:
      URL: SERVER
      OPENAI_API_KEY: ${OPENAI_API_KEY}
  worker:
    build: .
    command: python -c "from app.crew import answer; answer('1', 'q')"
    environment:
      URL: SERVER
      OPENAI_API_KEY: ${OPENAI_API_KEY}
  db:
    image: pgvector/pgvector:pg17
    volumes: ["records:/var/lib/postgresql/data"]
  cache:
    image: valkey/valkey:8
    command: valkey-server --appendonly yes
    volumes: ["cache:/data"]
volumes:
  records:
  cache:
"""
DOCKERFILE = """\
FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN pip install -r requirements.txt
CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0", "--workers", "4"]
"""
POSTGRES, VALKEY = "postgresql://app@db:5432/app", "redis://cache:6379/1"
CASES = {
    "postgres": (CREW, "postgres_storage", "PostgresStorage", POSTGRES, "1.15.30"),
    "postgres-1.12": (CREW, "postgres_storage", "PostgresStorage", POSTGRES, "1.12.2"),
    "redis": (CREW, "redis_storage", "RedisStorage", VALKEY, "1.15.30"),
    "factory": (FACTORY, "postgres_storage", "PostgresStorage", POSTGRES, "1.15.30"),
    "redis-factory": (FACTORY, "redis_storage", "RedisStorage", VALKEY, "1.14.7"),
    "flow": (FLOW, "postgres_flow_persistence", "PostgresFlowPersistence", POSTGRES, "1.15.30"),
    "flow-1.9": (FLOW, "postgres_flow_persistence", "PostgresFlowPersistence", POSTGRES, "1.9.3"),
    "legacy": (LEGACY, "postgres_external_storage", "PostgresExternalStorage", POSTGRES, "1.9.3"),
}
KEPT = ("request", "worker", "restart", "redeploy", "replica", "node")


def application(crew: str, file: str, name: str, server: str, release: str, code: str) -> dict[str, str]:
    return {
        "app/__init__.py": "",
        "app/main.py": MAIN,
        "app/crew.py": crew.replace("FILE", file).replace("CLASS", name),
        f"app/{file}.py": code,
        "compose.yaml": COMPOSE.replace("SERVER", server),
        "Dockerfile": DOCKERFILE,
        "requirements.txt": f"crewai=={release}\nfastapi\nuvicorn\nredis\npsycopg[binary]\n",
    }


@pytest.mark.parametrize("case", CASES)
def test_an_application_with_the_recipe_keeps_everything(case: str, tree: Callable[[Mapping[str, str]], Path],
                                                          doctor: Callable[..., Any]) -> None:
    crew, file, name, server, release = CASES[case]
    code = (RECIPES / f"{file}.py").read_text(encoding="utf-8")
    report = doctor("scan", tree(application(crew, file, name, server, release, code)), "--format", "json").report
    ours = [m for m in report["memories"] if m["path"] == "app/crew.py"]
    assert ours
    assert {m["store"]["kind"] for m in ours} == {"server"}
    rows = [row for row in report["survival"] if row["service"] == "compose:api"]
    assert rows
    assert {row[event] for row in rows for event in KEPT} <= {"kept"}, rows
    louder = [f for f in report["findings"] if f["severity"] != "note"]
    # With memory=True one store serves everybody, which the scan rightly says.
    assert [f for f in louder if not (crew is FACTORY and f["rule"] == "CM405")] == []
    assert not report["not_seen"]


ONE_HOST = """\
import os

from crewai import Agent, Crew, Task
from crewai.memory import Memory

memory = Memory()
storage = memory


def answer(user_id: str, question: str) -> str:
""" + HELPER + """\
    crew = Crew(agents=[helper], tasks=[task], memory=Memory().scope(f"/user/{user_id}/chat"))
    return str(crew.kickoff(inputs={"question": question}))
"""


def test_the_compose_file_of_one_host_is_durable_shared_and_locked(tree: Callable[[Mapping[str, str]], Path],
                                                                  doctor: Callable[..., Any]) -> None:
    page = (RECIPES / "one_host.md").read_text(encoding="utf-8")
    compose = page.split("```yaml\n")[1].split("```")[0]
    files = application(ONE_HOST, "unused", "Unused", "", "1.15.30", "")
    tasks = "from celery import Celery\n\nfrom app.crew import answer\n\napp = Celery('app')\n\n\n@app.task\ndef run(user_id, text):\n    return answer(user_id, text)\n"
    report = doctor("scan", tree({**files, "compose.yaml": compose, "app/tasks.py": tasks,
                                  "requirements.txt": "crewai==1.15.30\nfastapi\nuvicorn\ncelery\nredis\n"}), "--format", "json").report
    assert {s["id"] for s in report["services"]} >= {"compose:api", "compose:worker"}
    rows = [row for row in report["survival"] if row["service"] in ("compose:api", "compose:worker")]
    assert rows
    assert {row[event] for row in rows for event in ("restart", "redeploy")} == {"kept"}
    # The page says of stale workers what is left to do.
    loud = {f["rule"] for f in report["findings"] if f["severity"] != "note"} - {"CM306", "CM504"}
    assert not loud, [f["message"] for f in report["findings"] if f["rule"] in loud]
    without = compose.replace("      REDIS_URL: redis://locks:6379/0\n", "")
    assert "CM304" in {f["rule"] for f in doctor("scan", tree({**files, "compose.yaml": without, "app/tasks.py": tasks}),
                                                  "--format", "json").report["findings"]}


LOOK_ALIKE = '''\
"""Memory in PostgreSQL, one day."""

import psycopg  # noqa: F401


class CLASS:
    def __init__(self, url, owner=""):
        self.url = url
        self._records = {}

    def check(self):
        return True

    def save(self, records, metadata=None):
        for record in records:
            self._records[record.id] = record

    def search(self, query_embedding, scope_prefix=None, categories=None, metadata_filter=None, limit=10, min_score=0.0):
        return [(record, 1.0) for record in self._records.values()][:limit]

    def delete(self, **conditions):
        self._records.clear()

    def update(self, record):
        self._records[record.id] = record

    def get_record(self, record_id):
        return self._records.get(record_id)

    def list_records(self, scope_prefix=None, limit=200, offset=0):
        return list(self._records.values())

    def count(self, scope_prefix=None):
        return len(self._records)

    def reset(self, scope_prefix=None):
        self._records.clear()
'''
IN_A_DICT = {
    "memory": (CREW, "postgres_storage", "PostgresStorage", "1.15.30", LOOK_ALIKE),
    "redis": (CREW, "redis_storage", "RedisStorage", "1.15.30", LOOK_ALIKE.replace("psycopg", "redis")),
    "legacy": (LEGACY, "postgres_external_storage", "PostgresExternalStorage", "1.9.3",
               "from crewai.memory.storage.interface import Storage\n\n" + LOOK_ALIKE.replace("class CLASS:", "class CLASS(Storage):")),
}


@pytest.mark.parametrize("case", IN_A_DICT)
def test_a_look_alike_that_fills_a_dict_is_in_ram(case: str, tree: Callable[[Mapping[str, str]], Path],
                                                  doctor: Callable[..., Any]) -> None:
    crew, file, name, release, code = IN_A_DICT[case]
    report = doctor("scan", tree(application(crew, file, name, POSTGRES, release, code.replace("CLASS", name))), "--format", "json").report
    rules = {f["rule"] for f in report["findings"]}
    assert "CM101" in rules
    lost = [row for row in report["survival"] if row["service"] == "compose:api"]
    assert lost
    assert {row["redeploy"] for row in lost} == {"lost"}
