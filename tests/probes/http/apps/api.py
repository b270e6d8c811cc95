"""A FastAPI application, as one would write it for a chat."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from agent import agent
from fastapi import FastAPI, Header
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

app = FastAPI()


class Said(BaseModel):
    message: str
    user_id: str
    session_id: str | None = None
    temperature: float = 0.2


@app.get("/pid")
def pid() -> dict[str, int]:
    return {"pid": os.getpid()}


@app.post("/chat")
def chat(said: Said) -> dict[str, object]:
    return {"result": {"text": agent("module").answer(said.user_id, said.message)}, "tokens": 12}


@app.post("/{kind}/chat", include_in_schema=False)
def any_chat(kind: str, said: Said) -> dict[str, str]:
    return {"reply": agent(kind).answer(said.user_id, said.message)}


def pieces(user: str, message: str) -> Iterator[str]:
    text = agent("module").answer(user, message)
    for at in range(0, len(text), 3):
        yield text[at:at + 3]


@app.post("/stream", include_in_schema=False)
def stream(said: Said) -> StreamingResponse:
    events = (f"event: token\ndata: {json.dumps({'delta': {'content': piece}})}\n\n" for piece in pieces(said.user_id, said.message))
    return StreamingResponse((*events, "data: [DONE]\n\n"), media_type="text/event-stream")


@app.post("/lines", include_in_schema=False)
def lines(said: Said) -> StreamingResponse:
    return StreamingResponse((json.dumps({"piece": piece}) + "\n" for piece in pieces(said.user_id, said.message)),
                             media_type="application/x-ndjson")


@app.post("/header", include_in_schema=False)
def header(said: dict[str, str], x_user_id: str = Header()) -> dict[str, str]:
    return {"reply": agent("module").answer(x_user_id, said["message"])}
