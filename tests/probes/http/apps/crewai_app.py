"""An application over the real CrewAI's own memory, in a store that the URL names. Plain ASGI, since no framework comes with
every release.

`/once/STORE/chat` has one memory in each worker, as a module has that says `memory = Memory()`; `/once/STORE/pid` opens it.
`/each/STORE/chat` opens one for each request.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import crewai  # noqa: F401 - before the first request, which would wait for half of it
from agent import Agent
from memories import CrewAI, OldCrewAI

Place = CrewAI if find_spec("crewai.memory.unified_memory") else OldCrewAI


def opened(store: str) -> Any:
    return Place(Path(os.environ["CREWAI_STORAGE_DIR"], store))


once = cache(opened)


def answer(path: str, body: bytes) -> dict[str, Any]:
    when, store, page = ("", *path.split("/"))[-3:]
    if page == "pid":
        if when == "once":
            once(store)
        return {"pid": os.getpid()}
    data = json.loads(body)
    return {"reply": Agent({"once": once, "each": opened}[when](store)).answer(data["user_id"], data["message"])}


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    assert scope["type"] == "http"      # which tells uvicorn that there is no lifespan
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    said = await asyncio.to_thread(answer, scope["path"], body)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(said).encode()})


opened("warm")
