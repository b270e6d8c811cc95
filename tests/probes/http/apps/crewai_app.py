"""A Starlette application over the real CrewAI's own memory, in a store that the URL names.

`once` has one memory in each worker, as a module has that says `memory = Memory()`; GET opens it. `each` opens one for
each request.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from agent import Agent
from memories import CrewAI
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def opened(store: str) -> CrewAI:
    return CrewAI(Path(os.environ["CREWAI_STORAGE_DIR"], store))


once = cache(opened)


async def pid(request: Request) -> JSONResponse:
    return JSONResponse({"pid": os.getpid()})


async def first(request: Request) -> JSONResponse:
    await run_in_threadpool(once, request.path_params["store"])
    return await pid(request)


async def chat(request: Request) -> JSONResponse:
    data = await request.json()
    place = {"once": once, "each": opened}[request.path_params["when"]]
    memory = await run_in_threadpool(place, request.path_params["store"])
    return JSONResponse({"reply": await run_in_threadpool(Agent(memory).answer, data["user_id"], data["message"])})


opened("warm")      # before the first request, which would wait for half of CrewAI to be imported
app = Starlette(routes=[
    Route("/pid", pid), Route("/once/{store}/pid", first), Route("/{when}/{store}/chat", chat, methods=["POST"])])
