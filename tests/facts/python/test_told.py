"""Which ids that were made anew the caller is told, in the styles of several frameworks."""

from __future__ import annotations

import textwrap

import pytest

from .conftest import Read

FASTAPI = """
    from uuid import uuid4
    from crewai import Memory
    from fastapi import FastAPI, Response
    from pydantic import BaseModel

    app = FastAPI()
    memory = Memory(storage="/data/memory")

    class Begun(BaseModel):
        thread: str

    def begin(first: str) -> str:
        thread = uuid4().hex
        memory.scope(f"/thread/{thread}/chat").remember(first)
        return thread

    @app.post("/threads")
    def create(first: str) -> Begun:
        return Begun(thread=begin(first))

    @app.post("/threads/{thread}")
    def more(thread: str, text: str) -> str:
        memory.scope(f"/thread/{thread}/chat").remember(text)
        return "ok"
    """
COOKIE = """
    import secrets
    from crewai import Memory
    from fastapi import Cookie, FastAPI, Response

    app = FastAPI()
    memory = Memory(storage="/data/memory")

    @app.post("/start")
    def start(text: str, response: Response):
        visitor = secrets.token_hex(8)
        memory.remember(text, scope=f"/visitor/{visitor}/chat")
        response.set_cookie("visitor", visitor)

    @app.post("/say")
    def say(text: str, visitor: str = Cookie()):
        memory.remember(text, scope=f"/visitor/{visitor}/chat")
    """
SPLIT = """
    from uuid import uuid4
    from crewai import Memory
    from flask import Flask, jsonify, request

    app = Flask(__name__)
    memory = Memory(storage="/data/memory")

    @app.post("/chat")
    def chat():
        known = memory.recall(request.json["text"], scope=f"/user/{request.json['user']}/chat")
        drawer = uuid4()
        kept = memory.remember(request.json["text"], scope=f"/user/{drawer}/chat")
        return jsonify(answer=str(known), kept=kept.id)
    """


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param(FASTAPI, ["uuid4()"], id="a helper makes it, the handler's model says it"),
        pytest.param(COOKIE, ["secrets.token_hex(8)"], id="a cookie"),
        pytest.param(COOKIE.replace('response.set_cookie("visitor", visitor)', "pass"), [], id="nobody is told"),
        pytest.param(SPLIT, [], id="written under one key and read under another"),
        pytest.param(
            FASTAPI.replace("thread=begin(first)", "thread='x'").replace("return thread", "return first"),
            [],
            id="the helper's answer is another",
        ),
    ],
)
def test_told(read: Read, code: str, told: list[str]) -> None:
    facts = read({"main.py": textwrap.dedent(code)})
    lines = textwrap.dedent(code).splitlines()
    assert [lines[at.line - 1][at.column - 1 : at.end_column - 1] for at in facts.code.told] == told
