"""A Starlette application over the real CrewAI's own memory."""

from __future__ import annotations

import os

from agent import Agent
from memories import chosen
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

agent = Agent(chosen())


async def pid(request: Request) -> JSONResponse:
    return JSONResponse({"pid": os.getpid()})


async def chat(request: Request) -> JSONResponse:
    data = await request.json()
    return JSONResponse({"reply": await run_in_threadpool(agent.answer, data["user_id"], data["message"])})


app = Starlette(routes=[Route("/pid", pid), Route("/chat", chat, methods=["POST"])])
