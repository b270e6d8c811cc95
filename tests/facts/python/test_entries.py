"""Entry points: every framework's way of naming a handler, and the way from it to the crew."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from crewmem_doctor.facts.python import CodeFacts

Read = Callable[[Mapping[str, str]], CodeFacts]
CREW = """
from crewai import Crew

def build(topic=""):
    return Crew(agents=[], tasks=[], memory=True)
"""


def handlers(facts: CodeFacts) -> list[tuple[str, str]]:
    """(kind, label) of every entry point that reaches the crew, scripts left out."""
    (memory,) = facts.memories
    return [(r.entry.kind, r.entry.label) for r in memory.handlers if r.entry.kind != "script"]


CASES = {
    "fastapi": (
        """
from fastapi import FastAPI
from team import build
app = FastAPI()

@app.post("/chat")
async def chat(body: dict):
    return build().kickoff()
""",
        ("http", "POST /chat"),
    ),
    "fastapi application from a factory": (
        """
from fastapi import FastAPI
from team import build

def create_app():
    app = FastAPI()

    @app.get("/run")
    def run():
        return build().kickoff()

    return app
""",
        ("http", "GET /run"),
    ),
    "fastapi router with a prefix": (
        """
from fastapi import APIRouter
from team import build
router = APIRouter(prefix="/crew")

@router.post("/run")
def run():
    return build().kickoff()
""",
        ("http", "POST /crew/run"),
    ),
    "application handed in": (
        """
from team import build

def routes(app):
    @app.post("/go")
    def go():
        return build().kickoff()
""",
        ("http", "POST /go"),
    ),
    "flask": (
        """
from flask import Flask
from team import build
app = Flask(__name__)

@app.route("/chat", methods=["POST"])
def chat():
    return str(build().kickoff())
""",
        ("http", "POST /chat"),
    ),
    "flask method view": (
        """
from flask.views import MethodView
from team import build

class Chat(MethodView):
    def post(self):
        return build().kickoff()
""",
        ("http", "POST Chat.post"),
    ),
    "flask-restful": (
        """
from flask_restful import Api, Resource
from team import build
api = Api()

class Chat(Resource):
    def post(self):
        return build().kickoff()

api.add_resource(Chat, "/chat")
""",
        ("http", "POST /chat"),
    ),
    "flask rule by registration": (
        """
from flask import Flask
from team import build
app = Flask(__name__)

def chat():
    return build().kickoff()

app.add_url_rule("/chat", view_func=chat, methods=["POST"])
""",
        ("http", "POST /chat"),
    ),
    "starlette route": (
        """
from starlette.applications import Starlette
from starlette.routing import Route
from team import build

async def chat(request):
    return build().kickoff()

app = Starlette(routes=[Route("/chat", chat, methods=["POST"])])
""",
        ("http", "POST /chat"),
    ),
    "aiohttp": (
        """
from aiohttp import web
from team import build

async def chat(request):
    return build().kickoff()

app = web.Application()
app.router.add_post("/chat", chat)
""",
        ("http", "POST /chat"),
    ),
    "django function": (
        """
from django.urls import path
from team import build

def chat(request):
    return build().kickoff()

urlpatterns = [path("chat/", chat)]
""",
        ("http", "view /chat/"),
    ),
    "rest framework view": (
        """
from rest_framework.views import APIView
from team import build

class ChatView(APIView):
    def post(self, request):
        return build().kickoff()
""",
        ("http", "POST ChatView.post"),
    ),
    "rest framework function": (
        """
from rest_framework.decorators import api_view
from team import build

@api_view(["POST"])
def chat(request):
    return build().kickoff()
""",
        ("http", "view chat"),
    ),
    "channels consumer": (
        """
from channels.generic.websocket import AsyncWebsocketConsumer
from team import build

class Chat(AsyncWebsocketConsumer):
    async def receive(self, text_data):
        build().kickoff()
""",
        ("socket", "socket Chat.receive"),
    ),
    "fastapi socket": (
        """
from fastapi import FastAPI, WebSocket
from team import build
app = FastAPI()

@app.websocket("/ws")
async def chat(ws: WebSocket):
    build().kickoff()
""",
        ("socket", "WS /ws"),
    ),
    "celery": (
        """
from celery import Celery
from team import build
celery = Celery("x")

@celery.task
def run(topic):
    return build().kickoff()
""",
        ("task", "task main.run"),
    ),
    "shared task": (
        """
from celery import shared_task
from team import build

@shared_task(bind=True)
def run(self, topic):
    return build().kickoff()
""",
        ("task", "task main.run"),
    ),
    "rq": (
        """
from redis import Redis
from rq import Queue
from team import build
q = Queue(connection=Redis())

def work(topic):
    return build().kickoff()

def enqueue(topic):
    q.enqueue(work, topic)
""",
        ("task", "task main.work"),
    ),
    "apscheduler": (
        """
from apscheduler.schedulers.background import BackgroundScheduler
from team import build
scheduler = BackgroundScheduler()

def nightly():
    build().kickoff()

scheduler.add_job(nightly, "cron")
""",
        ("task", "job main.nightly"),
    ),
    "streamlit": (
        """
import streamlit as st
from team import build

if st.button("go"):
    st.write(build().kickoff())
""",
        ("ui", "streamlit main.py"),
    ),
    "gradio": (
        """
import gradio as gr
from team import build

def answer(message, history):
    return build().kickoff()

gr.ChatInterface(fn=answer).launch()
""",
        ("ui", "gradio answer"),
    ),
    "chainlit": (
        """
import chainlit as cl
from team import build

@cl.on_message
async def main(message):
    build().kickoff()
""",
        ("ui", "chainlit on_message"),
    ),
    "lambda": (
        """
from team import build

def lambda_handler(event, context):
    return build().kickoff()
""",
        ("function", "lambda lambda_handler"),
    ),
    "cloud function": (
        """
import functions_framework
from team import build

@functions_framework.http
def run(request):
    return build().kickoff()
""",
        ("function", "functions_framework run"),
    ),
    "mcp tool": (
        """
from mcp.server.fastmcp import FastMCP
from team import build
mcp = FastMCP("x")

@mcp.tool()
def research(topic: str):
    return build().kickoff()
""",
        ("function", "mcp tool research"),
    ),
    "telegram": (
        """
from telegram.ext import Application, MessageHandler, filters
from team import build

async def reply(update, context):
    build().kickoff()

app = Application.builder().build()
app.add_handler(MessageHandler(filters.TEXT, reply))
""",
        ("bot", "telegram reply"),
    ),
    "discord": (
        """
import discord
from team import build

class Bot(discord.Client):
    async def on_message(self, message):
        build().kickoff()
""",
        ("bot", "discord on_message"),
    ),
    "slack": (
        """
from slack_bolt import App
from team import build
app = App()

@app.event("app_mention")
def mention(event, say):
    say(build().kickoff())
""",
        ("bot", "slack mention"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_handler_reaches_the_crew_of_another_module(read: Read, name: str) -> None:
    source, expected = CASES[name]
    assert expected in handlers(read({"team.py": CREW, "main.py": source}))


def test_a_script_is_an_entry_point_of_its_own_kind(read: Read) -> None:
    facts = read(
        {"team.py": CREW, "main.py": "from team import build\n\nif __name__ == '__main__':\n    build().kickoff()\n"}
    )
    (memory,) = facts.memories
    assert {r.entry.kind for r in memory.handlers} == {"script"}


def test_nothing_is_served_where_the_handler_does_not_touch_the_crew(read: Read) -> None:
    facts = read(
        {
            "team.py": CREW,
            "main.py": """
from fastapi import FastAPI
import team
app = FastAPI()

@app.get("/health")
def health():
    return "ok"
""",
        }
    )
    assert handlers(facts) == []


@pytest.mark.parametrize(
    "source",
    [
        # A mock of HTTP calls, a client's call and CrewAI's own @task are no handlers.
        "import requests\nfrom team import build\n\ndef f():\n    requests.get('/x', build)\n",
        "from crewai.project import task\nfrom team import build\n\n@task\ndef t():\n    return build()\n",
    ],
)
def test_what_only_looks_like_a_handler(read: Read, source: str) -> None:
    assert handlers(read({"team.py": CREW, "main.py": source})) == []


IDENTITY = {
    "parameter user_id": ("user_id: str", "return build().kickoff()"),
    "header X-User-Id": ("request: Request", "request.headers['X-User-Id']; return build().kickoff()"),
    "header x-guest-id": ("x_guest_id: Annotated[str, Header()]", "return build().kickoff()"),
    "header X-Customer": ("request: Request", "request.headers['X-Customer']; return build().kickoff()"),
    "session_id of the body": ("body: Body", "return build().kickoff()"),
    "Depends(get_current_user)": ("user=Depends(get_current_user)", "return build().kickoff()"),
    "session_id of the request": ("body: dict", "body.get('session_id'); return build().kickoff()"),
}


@pytest.mark.parametrize("expected", IDENTITY)
def test_what_a_handler_knows_of_its_caller(read: Read, expected: str) -> None:
    parameters, body = IDENTITY[expected]
    facts = read(
        {
            "team.py": CREW,
            "main.py": f"""
from typing import Annotated
from fastapi import Depends, FastAPI, Header, Request
from pydantic import BaseModel
from team import build
app = FastAPI()

class Body(BaseModel):
    session_id: str
    text: str

def get_current_user(): ...

@app.post("/chat")
def chat({parameters}):
    {body}
""",
        }
    )
    (memory,) = facts.memories
    (reach,) = [r for r in memory.handlers if r.entry.kind == "http"]
    assert reach.entry.identity == (expected,)


def test_a_database_session_and_a_prompt_are_no_identity(read: Read) -> None:
    facts = read(
        {
            "team.py": CREW,
            "main.py": """
from fastapi import Depends, FastAPI, Header
from team import build
app = FastAPI()

def get_db(): ...

@app.post("/chat")
def chat(user_query: str, x_request_id: str = Header(), x_company_name: str = Header(), session=Depends(get_db)):
    return build().kickoff()
""",
        }
    )
    (memory,) = facts.memories
    assert [r.entry.identity for r in memory.handlers if r.entry.kind == "http"] == [()]


HUEY = "from huey import RedisHuey\nfrom team import build\nhuey = RedisHuey()\n\n@huey.task()\ndef work(x):\n    build()\n"


@pytest.mark.parametrize(
    ("tasks", "queued"),
    [
        (HUEY, True),
        (HUEY.replace("huey", "celery").replace("RedisHuey", "Celery"), False),
        (HUEY.replace("@huey.task()\n", ""), False),
    ],
)
def test_a_plain_call_of_a_huey_task_queues_it(read: Read, tasks: str, queued: bool) -> None:
    web = "from flask import Flask\nfrom tasks import work\napp = Flask(__name__)\n\n@app.post('/w')\ndef w():\n    work(1)\n"
    (memory,) = read({"team.py": CREW, "tasks.py": tasks, "web.py": web}).memories
    assert {r.entry.label: r.queued for r in memory.handlers if r.entry.kind == "http"} == {"POST /w": queued}


@pytest.mark.parametrize(
    "queue", ["from rq import Queue\nq = Queue('crews')\n", "from brokers import Broker\nq = Broker()\n"]
)
@pytest.mark.parametrize("named", ["'team.build'", "build"])
def test_a_job_that_is_named_for_a_queue_is_run_by_its_worker(read: Read, queue: str, named: str) -> None:
    loaded = "from team import build\n" if named == "build" else ""
    web = f"from flask import Flask\nfrom background import q\n{loaded}app = Flask(__name__)\n\n" + (
        f"@app.post('/start')\ndef start():\n    return q.enqueue({named}, 'x').id\n"
    )
    (memory,) = read({"team.py": CREW, "background.py": queue, "web.py": web}).memories
    found = {r.entry.label: r.queued for r in memory.handlers}
    if "rq" in queue:
        assert found == {"POST /start": True, "task team.build": False}
    elif named != "build":
        assert found == {"POST /start": True}


def test_the_prefix_of_an_included_router_stands_in_the_label(read: Read) -> None:
    facts = read(
        {
            "team.py": CREW,
            "routes.py": """
from fastapi import APIRouter
from team import build
router = APIRouter()

@router.post("/run")
def run():
    return build().kickoff()
""",
            "main.py": "from fastapi import FastAPI\nfrom routes import router\napp = FastAPI()\n"
            "app.include_router(router, prefix='/api')\n",
        }
    )
    assert handlers(facts) == [("http", "POST /api/run")]


@pytest.mark.parametrize(
    ("field", "known"),
    [("customer_name", False), ("patient_name", False), ("customer_id", True), ("customer_email", True), ("user_name", True)],
)
def test_a_name_is_whom_a_request_is_about_and_an_id_is_who_sends_it(read: Read, field: str, known: bool) -> None:
    source = (
        "from fastapi import FastAPI\nfrom pydantic import BaseModel\nfrom team import build\n\napp = FastAPI()\n\n\n"
        f"class Letter(BaseModel):\n    text: str\n    {field}: str\n\n\n"
        "@app.post('/letter')\ndef letter(body: Letter):\n    return build(body.text).kickoff()\n"
    )
    (memory,) = read({"team.py": CREW, "main.py": source}).memories
    (reach,) = [r for r in memory.handlers if r.entry.kind == "http"]
    assert bool(reach.entry.identity) == known
