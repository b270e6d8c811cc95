"""Conversations kept in Python containers, and the containers that are something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from crewmem_doctor.facts.python import CodeFacts, read_code
from crewmem_doctor.sources.discover import discover

Read = Callable[[Mapping[str, str]], CodeFacts]
APP = """
from fastapi import FastAPI
from crewai import Crew
app = FastAPI()
{definition}

@app.post("/chat")
def chat(session_id: str, text: str):
    {body}
    return Crew(agents=[], tasks=[]).kickoff()
"""


def found(facts: CodeFacts) -> list[tuple[str, int]]:
    return [(m.callee, m.at.line) for m in facts.memories if m.kind == "conversation"]


@pytest.mark.parametrize(
    ("definition", "body", "name"),
    [
        ("sessions = {}", "sessions[session_id] = text", "sessions"),
        ("sessions: dict[str, list] = {}", "sessions.setdefault(session_id, []).append(text)", "sessions"),
        (
            "from collections import defaultdict\nconversations = defaultdict(list)",
            "conversations[session_id].append(text)",
            "conversations",
        ),
        ("chat_history = []", "chat_history.append(text)", "chat_history"),
        (
            "class Event:\n    text = ''\n\nsessions = {}",
            "event: Event = Event(); sessions.setdefault(session_id, []).append(event)",
            "sessions",
        ),
        (
            "import asyncio\nchats = {}",
            "chats[session_id] = asyncio.Lock(); chats[session_id] = text",
            "chats",
        ),
        ("active_crews = {}", "active_crews[session_id] = Crew(agents=[], tasks=[])", "active_crews"),
        ("crew_session_contexts = {}", "crew_session_contexts.update({session_id: text})", "crew_session_contexts"),
    ],
)
def test_a_container_that_a_handler_fills(read: Read, definition: str, body: str, name: str) -> None:
    facts = read({"main.py": APP.format(definition=definition, body=body)})
    assert [n for n, _ in found(facts)] == [name]
    memory = next(m for m in facts.memories if m.kind == "conversation")
    assert memory.store.kind == "process"
    assert [r.entry.label for r in memory.handlers] == ["POST /chat"]


@pytest.mark.parametrize(
    ("definition", "body"),
    [
        ("jobs = {}", "jobs[session_id] = 'running'"),
        ("task_status = {}", "task_status[session_id] = 'done'"),
        ("session_locks = {}", "session_locks[session_id] = object()"),
        (
            "from fastapi import WebSocket\nsessions: dict[str, WebSocket] = {}",
            "socket: WebSocket = open_socket(); sessions[session_id] = socket",
        ),
        ("import asyncio\nconversations = {}", "conversations[session_id] = asyncio.Queue()"),
        ("import httpx\nsessions = []", "client = httpx.AsyncClient(); sessions.append(client)"),
        ("chats_seen = {}", "chats_seen[session_id] = True"),
        ("message_counts = {}", "message_counts[session_id] = 1"),
        ("message_buffer = {}", "message_buffer.setdefault(session_id, []).append(text)"),
        ("sessions = {}", "len(sessions)"),
        ("sessions = {'a': 1}", "sessions['a']"),
        ("messages = ['hello', 'bye']", "messages[0]"),
        ("crews = {}", "crews[session_id] = 'queued'"),
        ("memory = {}", "memory = {}; memory[session_id] = text"),
        ("sessions = {}", "sessions['last'] = text"),
        (
            "import sqlite3\nsessions = {}",
            "sessions[session_id] = text; sqlite3.connect('x').execute('insert into messages')",
        ),
    ],
)
def test_what_is_no_conversation(read: Read, definition: str, body: str) -> None:
    assert found(read({"main.py": APP.format(definition=definition, body=body)})) == []


READ_THROUGH = """
import psycopg
from crewai import Crew
from fastapi import FastAPI
app = FastAPI()
sessions: dict[str, list[str]] = {{}}

def load(sid):
    if sid not in sessions:
        with psycopg.connect("db") as c:
            sessions[sid] = [row[0] for row in c.execute("select text from turns where sid = %s", (sid,))]
    return sessions[sid]

def keep(sid, text):
    load(sid).append(text)
    {write}

@app.post("/chat")
def chat(sid: str, text: str):
    keep(sid, text)
    return Crew(agents=[], tasks=[]).kickoff()
"""
INSERT = """with psycopg.connect("db") as c:
        c.execute("insert into turns values (%s, %s)", (sid, text))"""


@pytest.mark.parametrize(("write", "lost"), [(INSERT, False), ("pass", True), ("print('kept', text)", True)])
def test_a_dict_filled_from_a_table_that_its_caller_writes(read: Read, write: str, lost: bool) -> None:
    assert bool(found(read({"main.py": READ_THROUGH.format(write=write)}))) is lost


def test_a_dict_on_an_object_made_once(read: Read) -> None:
    facts = read(
        {
            "history.py": """
class History:
    def __init__(self):
        self.sessions = {}

    def add(self, session_id, text):
        self.sessions.setdefault(session_id, []).append(text)
""",
            "main.py": APP.format(
                definition="from history import History\nhistory = History()", body="history.add(session_id, text)"
            ),
        }
    )
    assert found(facts) == [("History.sessions", 4)]


SERVICE = """
from crewai import Crew
{before}
class Chats:
{head}
    def add(self, session_id, text):
        self.sessions.setdefault(session_id, []).append(text)
{after}
"""
INIT = "    def __init__(self):\n        self.sessions = {}\n"
INSTANCE = """    _one = None
    @classmethod
    def instance(cls):
        if cls._one is None:
            cls._one = cls()
        return cls._one
"""
NEW = """    _one = None
    def __new__(cls):
        if cls._one is None:
            cls._one = super().__new__(cls)
            cls._one.sessions = {}
        return cls._one
"""
PROVIDED = """
from dependency_injector import containers, providers
class Container(containers.DeclarativeContainer):
    chats = providers.Singleton(Chats)
container = Container()
"""


@pytest.mark.parametrize(
    ("before", "head", "after", "use"),
    [
        ("", "    sessions = {}\n", "", "chats.Chats()"),
        ("", INIT + INSTANCE, "", "chats.Chats.instance()"),
        ("", NEW, "", "chats.Chats()"),
        ("from tools import singleton\n@singleton", INIT, "", "chats.Chats()"),
        ("", INIT, "REGISTRY = {'chats': Chats()}\n", "chats.REGISTRY['chats']"),
        ("", INIT, "REGISTRY = {'chats': Chats()}\n", "chats.REGISTRY.get(session_id)"),
        ("", INIT, PROVIDED, "chats.container.chats()"),
        (
            "from dataclasses import dataclass, field\n@dataclass",
            "    sessions: dict = field(default_factory=dict)\n",
            "one = Chats()\n",
            "chats.one",
        ),
    ],
)
def test_a_dict_that_lives_with_a_class_or_its_only_object(
    read: Read, before: str, head: str, after: str, use: str
) -> None:
    main = APP.format(definition="import chats", body=f"{use}.add(session_id, text)")
    facts = read({"chats.py": SERVICE.format(before=before, head=head, after=after), "main.py": main})
    assert [n for n, _ in found(facts)] == ["Chats.sessions"]


@pytest.mark.parametrize(
    ("before", "head"),
    [
        ("from pydantic import BaseModel", "    sessions: dict = {}\n"),
        ("from dataclasses import dataclass, field\n@dataclass", "    sessions: dict = field(default_factory=dict)\n"),
        ("", INIT),
    ],
)
def test_a_dict_of_each_object(read: Read, before: str, head: str) -> None:
    service = SERVICE.format(before=before, head=head, after="")
    if "pydantic" in before:
        service = service.replace("class Chats:", "class Chats(BaseModel):")
    main = APP.format(definition="import chats", body="chats.Chats().add(session_id, text)")
    assert found(read({"chats.py": service, "main.py": main})) == []


def test_a_dict_on_an_object_of_the_request(read: Read) -> None:
    facts = read(
        {
            "history.py": "class History:\n    def __init__(self):\n        self.sessions = {}\n\n"
            "    def add(self, key, text):\n        self.sessions[key] = text\n",
            "main.py": APP.format(definition="from history import History", body="History().add(session_id, text)"),
        }
    )
    assert found(facts) == []


def test_a_container_in_another_module(read: Read) -> None:
    facts = read(
        {
            "state.py": "conversations = {}\n",
            "main.py": APP.format(
                definition="from state import conversations", body="conversations[session_id] = text"
            ),
        }
    )
    assert found(facts) == [("conversations", 1)]


def test_a_container_of_a_module_of_the_same_package(read: Read) -> None:
    views = APP.format(definition="from . import state", body="state.conversations.setdefault(session_id, [])")
    facts = read({"bot/__init__.py": "", "bot/state.py": "conversations = {}\n", "bot/views.py": views})
    assert found(facts) == [("conversations", 1)]


def test_app_state(read: Read) -> None:
    facts = read(
        {"main.py": APP.format(definition="app.state.sessions = {}", body="app.state.sessions[session_id] = text")}
    )
    assert [n for n, _ in found(facts)] == ["app.state.sessions"]


@pytest.mark.parametrize("place", ["extensions", "config"])
def test_what_a_flask_application_keeps(read: Read, place: str) -> None:
    factory = (
        "from flask import Flask\nfrom chat import pages\n\ndef create_app():\n    app = Flask(__name__)\n"
        f"    app.{place}['conversations'] = {{}}\n    app.register_blueprint(pages)\n    return app\n"
    )
    route = (
        "from flask import Blueprint, current_app, request\nfrom crewai import Crew\npages = Blueprint('chat', __name__)\n\n"
        "@pages.post('/chat')\ndef chat():\n    {}\n    return Crew(agents=[], tasks=[]).kickoff()\n"
    )
    kept = f"current_app.{place}['conversations']"
    for body in (
        f"{kept}.setdefault(request.json['id'], []).append(1)",
        f"chats = {kept}; chats[request.json['id']] = 1",
    ):
        facts = read({"site.py": factory, "chat.py": route.format(body)})
        assert [n for n, _ in found(facts)] == [f'app.{place}["conversations"]']
    for body in (f"{kept}.get(request.json['id'])", f"current_app.{place}['colours'][request.json['id']] = 1"):
        assert found(read({"site.py": factory, "chat.py": route.format(body)})) == []


def test_an_entry_under_a_name_of_its_own(read: Read) -> None:
    deques = "from collections import defaultdict, deque\nturns = defaultdict(lambda: deque(maxlen=9))"
    facts = read({"main.py": APP.format(definition=deques, body="log = turns[session_id]; log.append(text)")})
    assert [n for n, _ in found(facts)] == ["turns"]
    states = "sessions = {}\ndef open_session(key): sessions[key] = {'log': []}"
    facts = read({"main.py": APP.format(definition=states, body="one = sessions[session_id]; one['log'].append(text)")})
    assert [n for n, _ in found(facts)] == ["sessions"]
    for body in ("log = turns[session_id]; print(log)", "log = []; log.append(turns[session_id])"):
        assert found(read({"main.py": APP.format(definition=deques, body=body)})) == []


RUNS = "from crewai import Flow\nclass Chat(Flow): ...\nactive_flows: dict[str, Chat] = {}"


@pytest.mark.parametrize(
    ("body", "lost"),
    [
        ("flow = Chat(); active_flows[session_id] = flow; flow.kickoff(); del active_flows[session_id]", False),
        (
            "try:\n        active_flows[session_id] = Chat()\n        active_flows[session_id].kickoff()\n"
            "    finally:\n        active_flows.pop(session_id, None)",
            False,
        ),
        (
            "active_flows[session_id] = Chat()\n    if session_id in active_flows:\n        del active_flows[session_id]",
            False,
        ),
        ("active_flows[session_id] = Chat()", True),
        ("active_flows[session_id] = Chat()\n    if text == 'bye':\n        del active_flows[session_id]", True),
        (
            "try:\n        active_flows[session_id] = Chat()\n    except Exception:\n        del active_flows[session_id]",
            True,
        ),
    ],
)
def test_flows_that_run_just_now(read: Read, body: str, lost: bool) -> None:
    facts = read({"main.py": APP.format(definition=RUNS, body=body)})
    assert [n for n, _ in found(facts)] == (["active_flows"] if lost else [])


THREADS = """
{imports}

class Thread:
    def __init__(self, key):
        {made}

    def say(self, text):
        {said}
"""


@pytest.mark.parametrize(
    ("imports", "made", "said", "lost"),
    [
        ("", "self.messages = []", "self.messages.append(text)", True),
        (
            "from langchain_community.chat_message_histories import PostgresChatMessageHistory",
            "self.log = PostgresChatMessageHistory('postgresql://db/app', session_id=key)",
            "self.log.add_user_message(text)",
            False,
        ),
        (
            "from langgraph.checkpoint.redis import RedisSaver",
            "self.saver = RedisSaver('redis://cache')",
            "return self.saver.get(text)",
            False,
        ),
        (
            "from langchain_community.chat_message_histories import ChatMessageHistory",
            "self.log = ChatMessageHistory()",
            "self.log.add_user_message(text)",
            True,
        ),
        (
            "import sqlite3",
            "self.db = sqlite3.connect('chats.db')",
            "self.db.execute('insert into messages values (?)', (text,))",
            False,
        ),
    ],
)
def test_entries_that_keep_themselves(read: Read, imports: str, made: str, said: str, lost: bool) -> None:
    main = APP.format(
        definition="from threads import Thread\nchats = {}",
        body="if session_id not in chats: chats[session_id] = Thread(session_id)\n    chats[session_id].say(text)",
    )
    facts = read({"threads.py": THREADS.format(imports=imports, made=made, said=said), "main.py": main})
    assert [n for n, _ in found(facts)] == (["chats"] if lost else [])


def test_a_cached_factory_of_crews(read: Read) -> None:
    definition = (
        "from functools import lru_cache\n@lru_cache(maxsize=100)\ndef crew_for(session_id):\n"
        "    return Crew(agents=[], tasks=[])"
    )
    assert [n for n, _ in found(read({"main.py": APP.format(definition=definition, body="crew_for(session_id)")}))] == [
        "crew_for"
    ]


def test_a_script_serves_nobody(read: Read) -> None:
    facts = read(
        {
            "main.py": "from crewai import Crew\nhistory = []\n\ndef loop():\n    history.append(input())\n\n"
            "if __name__ == '__main__':\n    loop()\n"
        }
    )
    assert found(facts) == []


def test_the_module_level_of_a_streamlit_script_does_not_last(read: Read) -> None:
    facts = read(
        {
            "app.py": "import streamlit as st\nfrom crewai import Crew\nmessages = []\n\ndef say(text):\n"
            "    messages.append(text)\n\nst.title('x')\nsay(st.chat_input())\n"
        }
    )
    assert found(facts) == []


@pytest.mark.parametrize(("imports", "names"), [("import os", []), ("from crews.team import team", ["sessions"])])
def test_a_script_of_another_application(
    tree: Callable[[Mapping[str, str]], Path], imports: str, names: list[str]
) -> None:
    """What a service starts is parsed; its conversations count only where it leads to CrewAI."""
    app = APP.format(definition="sessions = {}", body="sessions[session_id] = text")
    app = app.replace("from crewai import Crew", imports)
    files = {
        "chat/server.py": app.replace("Crew(agents=[], tasks=[]).kickoff()", "text"),
        "crews/__init__.py": "",
        "crews/team.py": "from crewai import Crew\nteam = Crew(agents=[], tasks=[])\n",
    }
    facts = read_code(discover(tree(files)), ["chat/server.py"])
    assert [n for n, _ in found(facts)] == names
