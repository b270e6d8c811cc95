"""A Starlette application over the real CrewAI's own memory."""

from __future__ import annotations

import os

from agent import agent
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def pid(request: Request) -> JSONResponse:
    return JSONResponse({"pid": os.getpid()})


async def chat(request: Request) -> JSONResponse:
    data = await request.json()
    kind = request.path_params["kind"]
    return JSONResponse({"reply": await run_in_threadpool(agent(kind).answer, data["user_id"], data["message"])})


agent("crewai")     # before the first request, which would wait for half of CrewAI to be imported
app = Starlette(routes=[Route("/pid", pid), Route("/{kind}/chat", chat, methods=["POST"])])
