"""What is secret in a scanned tree is in no output of any format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SECRETS = ("hunter2", "s3cr3t-broker", "sk-live-4711", "tok-en-99", "p%40ssw0rd")
TREE = {
    "requirements.txt": "--extra-index-url https://bot:tok-en-99@packages.example.com/simple\ncrewai==1.15.30\nredis\n",
    ".env": "OPENAI_API_KEY=sk-live-4711\nDB_PASSWORD=hunter2\n",
    "app.py": '''
import os
from crewai import Agent, Crew, Memory, Task
from fastapi import FastAPI
app = FastAPI()
os.environ["OPENAI_API_KEY"] = "sk-live-4711"
memory = Memory(storage="postgresql://crew:hunter2@db/memory")
other = Memory(storage=f"redis://:{os.environ['DB_PASSWORD']}@redis:6379/0")
@app.post("/chat")
def chat(text: str):
    return Crew(agents=[], tasks=[], memory=memory).kickoff()
@app.post("/talk")
def talk(text: str):
    return Crew(agents=[], tasks=[], memory=other).kickoff()
''',
    "Dockerfile": "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
                  "ENV REDIS_URL=redis://:p%40ssw0rd@redis:6379/0\nCMD uvicorn app:app --workers 4\n",
    "compose.yaml": "services:\n  api:\n    build: .\n    env_file: .env\n    environment:\n"
                    "      CREWAI_MEMORY_BACKEND: redis\n      REDIS_URL: redis://:s3cr3t-broker@redis:6379/0\n"
                    "      CREWAI_STORAGE_DIR: postgresql://crew:${DB_PASSWORD}@db/memory\n"
                    "  redis:\n    image: redis:7\n    command: redis-server --requirepass s3cr3t-broker\n",
}


@pytest.mark.parametrize("words", [["--format", "json"], ["--format", "sarif"], ["--format", "concise"], ["--format", "rich"], ["--verbose"],
                                   ["--format", "rich", "--strict"]])
def test_no_secret_leaves(words: list[str], doctor: Callable[..., Any], tree: Callable[..., Path]) -> None:
    outcome = doctor("scan", ".", *words, cwd=tree(TREE), env={"FORCE_COLOR": "1", "COLUMNS": "200"})
    assert outcome.status in (1, 2), outcome.errors
    said = outcome.out.decode("utf-8", "replace") + outcome.errors
    assert [secret for secret in SECRETS if secret in said] == []
