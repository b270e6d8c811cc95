"""What a handler takes, as a probe needs to know it: all of it, or nothing."""

from __future__ import annotations

import textwrap

import pytest

from crewmem_doctor.facts.python.entries.request import request_fields
from crewmem_doctor.facts.python.survey import Survey
from crewmem_doctor.model.memory import RequestField

from .python_tree import code, function

HEAD = """
from typing import Annotated, Optional
from uuid import UUID
import json
from fastapi import Body, Cookie, Depends, FastAPI, Form, Header, Query, Request, UploadFile, BackgroundTasks
from flask import request as _request
from pydantic import BaseModel, Field
import crewai
app = FastAPI()

class Base(BaseModel):
    session_id: str

class Chat(Base):
    message: str = Field(..., min_length=1)
    user_id: UUID | None = None
    top_k: int = Field(default=3)
    tags: list[str] = Field(default_factory=list)
    alias_of: Optional[str] = Field(None, alias="aliasOf")
    model_config = {"extra": "forbid"}
    _hidden: str = ""

"""
F = RequestField
CHAT = [F("session_id", "json"), F("message", "json"), F("user_id", "json", False, "uuid"), F("top_k", "json", False, "other"),
        F("tags", "json", False, "other"), F("aliasOf", "json", False)]
CASES: dict[str, tuple[str, str, list[RequestField] | None]] = {
    "a model": ("body: Chat, tasks: BackgroundTasks, request: Request, user=Depends(dict)", "pass", CHAT),
    "a model in Annotated": ("body: Annotated[Chat, Body()]", "pass", CHAT),
    "two models": ("a: Base, b: Base", "pass", [F("session_id", "json", inside="a"), F("session_id", "json", inside="b")]),
    "an embedded model": ("a: Base = Body(..., embed=True)", "pass", [F("session_id", "json", inside="a")]),
    "a form model": ("a: Annotated[Base, Form()]", "pass", [F("session_id", "form")]),
    "scalars": ("q: str, limit: int = 3, sid: 'str' = ''", "pass", [F("q", "query"), F("limit", "query", False, "other"), F("sid", "query", False)]),
    "the path": ("chat_id: str, q: Optional[str] = None", "pass", [F("chat_id", "path"), F("q", "query", False)]),
    "markers": ("x_user_id: str = Header(), t: str = Form(...), c: str = Cookie(None), v: Annotated[str, Query(alias='V')] = 'x', h: str = Header(alias='X-H')",
                "pass", [F("X-User-Id".lower(), "header"), F("t", "form"), F("c", "cookie", False), F("V", "query", False), F("X-H", "header")]),
    "a file": ("f: UploadFile", "pass", [F("f", "query", True, "other")]),
    "one value of a body": ("message: str = Body(...)", "pass", None),
    "something of a decorator's": ("agent", "pass", None),
    "looked up": ("", 'data = _request.get_json() or {}\n    data["message"]; data.get("user_id", ""); _request.headers.get("X-Session-Id"); row = {}; row["x"]',
                  []),
    "looked up in the request": ("request: Request", 'data = await request.json()\n    data["message"]; data.get("user_id"); request.headers["X-Session-Id"]; '
                                 'request.query_params.get("q"); request.headers.get("Authorization"); request.cookies["c"]',
                                 [F("message", "json"), F("user_id", "json", False), F("X-Session-Id", "header"), F("q", "query", False)]),
    "loaded": ("request", 'data = json.loads(request.body)\n    data["message"]', [F("message", "json")]),
    "validated": ("request: Request", "data = await request.json()\n    Base(**data); Base.model_validate(data)", [F("session_id", "json")]),
    "required somewhere": ("request: Request", 'd = await request.json()\n    d.get("a"); d["a"]', [F("a", "json")]),
}


@pytest.mark.parametrize("case", CASES)
def test_fields(case: str) -> None:
    parameters, body, expected = CASES[case]
    text = f'{HEAD}\n@app.post("/chat/{{chat_id}}")\nasync def chat({parameters}):\n    {body}\n'
    base = code(textwrap.dedent(text))
    found = request_fields(Survey(base), function(base, "chat"), "/chat/{chat_id}")
    assert (None if found is None else sorted(found, key=str)) == (None if expected is None else sorted(expected, key=str))


def test_flask_takes_its_request_from_the_module() -> None:
    base = code("""
from flask import Flask, request
import crewai
app = Flask(__name__)

@app.post("/chat/<chat_id>")
def chat(chat_id):
    data = request.get_json(force=True)
    return data["message"], request.json.get("user"), request.form["f"], request.args.get("a"), request.get_json()["sid"]
""")
    found = request_fields(Survey(base), function(base, "chat"), "/chat/<chat_id>")
    assert found is not None
    assert {(f.name, f.place, f.required) for f in found} == {
        ("chat_id", "path", True), ("message", "json", True), ("user", "json", False), ("f", "form", True), ("a", "query", False), ("sid", "json", True)}
