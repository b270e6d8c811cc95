"""Memories: where the code turns one on, and what is no memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from crewmem_doctor.facts.python import CodeFacts
from crewmem_doctor.model.expression import Fresh, FromCaller, Text, walk
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.memory import Memory

Read = Callable[[Mapping[str, str]], CodeFacts]


def only(facts: CodeFacts) -> Memory:
    (memory,) = facts.memories
    return memory


def kinds(facts: CodeFacts) -> list[str]:
    return [m.kind for m in facts.memories]


ON = {
    "imported": "from crewai import Crew\nc = Crew(agents=[], tasks=[], memory=True)\n",
    "under another name": "from crewai import Crew as C\nc = C(agents=[], tasks=[], memory=True)\n",
    "through the package": "import crewai\nc = crewai.Crew(agents=[], tasks=[], memory=True)\n",
    "by the inner module": "from crewai.crew import Crew\nc = Crew(agents=[], tasks=[], memory=True)\n",
    "by a subclass": "from crewai import Crew\n\nclass Team(Crew):\n    pass\n\nc = Team(tasks=[], memory=True)\n",
    "in a subclass": "from crewai import Crew\n\nclass Team(Crew):\n    memory: bool = True\n\nc = Team(tasks=[])\n",
    "by a dict": "from crewai import Crew\nkw = {'agents': []}\nkw['memory'] = True\nc = Crew(**kw)\n",
    "by a constant": "from crewai import Crew\nMEMORY = True\nc = Crew(agents=[], tasks=[], memory=MEMORY)\n",
}


BOUND = {
    "a flag bound before the call": "from functools import partial\nfrom crewai import Crew\nmake = partial(Crew, memory=True)\n"
    "c = make(agents=[], tasks=[])\n",
    "called where it is bound": "import functools as f\nimport crewai\nc = f.partial(crewai.Crew, memory=True)(tasks=[])\n",
    "bound again, under another name": "from functools import partial as bind\nfrom crewai import Crew\none = bind(Crew, memory=True)\n"
    "two = bind(one, verbose=True)\nthree = two\nc = three(tasks=[])\n",
    "a subclass": "from functools import partial\nfrom crewai import Crew\nclass Team(Crew):\n    pass\n"
    "make = partial(Team, memory=True)\nc = make(tasks=[])\n",
    "what the call says stands for what was bound": "from functools import partial\nfrom crewai import Crew\n"
    "make = partial(Crew, memory=False)\nc = make(tasks=[], memory=True)\n",
    "handed out by a function": "from functools import partial\nfrom crewai import Crew\ndef maker():\n"
    "    return partial(Crew, memory=True)\nmake = maker()\nc = make(tasks=[])\n",
}
ON |= BOUND


@pytest.mark.parametrize("name", ON)
def test_a_crew_with_memory(read: Read, name: str) -> None:
    memory = only(read({"crew.py": ON[name]}))
    assert (memory.kind, memory.callee, memory.level) == ("crew", "crewai.Crew", "module")
    assert isinstance(memory.enabled, Known)
    assert memory.enabled.value
    assert (memory.store.kind, memory.store.where) == ("path", None)


OFF = {
    "absent": "from crewai import Crew\nc = Crew(agents=[], tasks=[])\n",
    "false": "from crewai import Crew\nc = Crew(agents=[], tasks=[], memory=False)\n",
    "none": "from crewai import Crew\nc = Crew(agents=[], tasks=[], memory=None)\n",
    "comment": "from crewai import Crew\nc = Crew(agents=[], tasks=[],  # memory=True\n)\n",
    "an embedder alone": "from crewai import Crew\nc = Crew(agents=[], tasks=[], embedder={'provider': 'ollama'})\n",
    "an ORM model": "import crewai\nfrom models import Crew\nc = Crew(memory=True)\n",
    "a table": "import crewai\nx = {'memory': True}\n",
    "bound and never called": "from functools import partial\nfrom crewai import Crew\nmake = partial(Crew, memory=True)\n",
    "something else is bound": "from functools import partial\nfrom crewai import Crew\nfrom models import Crew as Row\n"
    "make = partial(Row, memory=True)\nc = make(tasks=[])\n",
    "the call turns off what was bound": "from functools import partial\nfrom crewai import Crew\n"
    "make = partial(Crew, memory=True)\nc = make(tasks=[], memory=False)\n",
    "a partial of the tree's own": "from crewai import Crew\ndef partial(cls, **given):\n    return lambda **more: None\n"
    "make = partial(Crew, memory=True)\nc = make(tasks=[])\n",
    "one of two": "from functools import partial\nimport sys\nfrom crewai import Crew\nif sys.argv:\n    make = partial(Crew, memory=True)\n"
    "else:\n    make = print\nc = make(tasks=[])\n",
    "a subclass of Memory beside": "from crewai import Crew, Memory\n\nclass Fast(Memory):\n    pass\n\n"
    "c = Crew(agents=[], tasks=[])\n",
}


@pytest.mark.parametrize("name", OFF)
def test_no_memory(read: Read, name: str) -> None:
    assert read({"crew.py": OFF[name], "models.py": "class Crew:\n    pass\n"}).memories == ()


def test_what_is_bound_in_another_module_and_on_an_object(read: Read) -> None:
    """The store and the key stand where they are bound, the memory where it is made."""
    facts = read(
        {
            "makers.py": """
import functools
import crewai

memory_of = functools.partial(crewai.Memory, storage="/tmp/notes")
""",
            "desk.py": """
import functools
from makers import memory_of


class Desk:
    def __init__(self, crew_class):
        self.make = functools.partial(memory_of, root_scope="/desk")

    def open(self):
        return self.make(read_only=False)
""",
        }
    )
    memory = only(facts)
    assert (memory.kind, memory.at.path, memory.inside) == ("memory", "desk.py", "Desk.open")
    assert memory.store.at is not None
    assert (memory.store.at.path, memory.store.at.line) == ("makers.py", 5)
    assert [(s.name, s.at.line) for s in memory.sinks] == [("root_scope", 8)]
    (call,) = [c for c in facts.code.calls if c.callee == "crewai.Memory"]
    assert [a.name for a in call.arguments] == ["storage", "root_scope", "read_only"]


SWITCH = """
import os
from crewai import Crew
ON = os.getenv("MEMORY", "{default}") == "true"
c = Crew(tasks=[], memory=ON)
"""


def test_a_setting_decides(read: Read) -> None:
    source = SWITCH.format(default="true")
    on = only(read({"crew.py": source}))
    assert on.enabled == Known(True, on.enabled.at, "medium")
    assert on.reads == ("MEMORY",)


def test_a_setting_that_is_off_by_default_leaves_it_open(read: Read) -> None:
    source = SWITCH.format(default="false")
    assert isinstance(only(read({"crew.py": source})).enabled, Unknown)


def test_arguments_that_cannot_be_followed_are_a_gap(read: Read) -> None:
    facts = read({"crew.py": "from crewai import Crew\n\ndef build(**kw):\n    return Crew(**kw)\n"})
    assert facts.memories == ()
    assert [g.kind for g in facts.gaps] == ["dynamic"]


def test_a_memory_object_given_to_a_crew_is_one_memory(read: Read) -> None:
    facts = read(
        {
            "crew.py": """
from crewai import Crew, Memory
memory = Memory(storage="./data", root_scope="/support")

def build():
    return Crew(agents=[], tasks=[], memory=memory)
"""
        }
    )
    memory = only(facts)
    assert (memory.kind, memory.level, len(memory.used_by)) == ("memory", "module", 1)
    assert memory.store.where is not None
    assert [(s.name, s.value.value) for s in memory.sinks if isinstance(s.value, Text)] == [("root_scope", "/support")]


def test_a_memory_from_a_factory_in_another_module(read: Read) -> None:
    facts = read(
        {
            "config.py": "from crewai import Memory\n\ndef create_memory():\n    return Memory(storage='./data')\n",
            "app.py": "from crewai import Crew\nfrom config import create_memory\nmemory = create_memory()\n"
            "crew = Crew(agents=[], tasks=[], memory=memory)\n",
        }
    )
    assert kinds(facts) == ["memory"]


def test_legacy_objects_are_memories_of_their_own(read: Read) -> None:
    facts = read(
        {
            "crew.py": """
from crewai import Crew
from crewai.memory import EntityMemory, LongTermMemory, ShortTermMemory
from crewai.memory.storage.ltm_sqlite_storage import LTMSQLiteStorage

crew = Crew(
    agents=[], tasks=[], memory=True,
    long_term_memory=LongTermMemory(storage=LTMSQLiteStorage(db_path="/data/ltm.db")),
    short_term_memory=ShortTermMemory(), entity_memory=EntityMemory(),
)
"""
        }
    )
    # Nothing is left for the crew itself.
    assert sorted(kinds(facts)) == ["entity", "long_term", "short_term"]
    assert all(m.used_by for m in facts.memories)


def test_a_legacy_object_that_only_an_agent_is_given_is_never_written(read: Read) -> None:
    head = "from crewai import Agent, Crew\nfrom crewai.memory import ShortTermMemory\ndef memory():\n    return ShortTermMemory()\n"
    agent = "a = Agent(role='x', goal='y', backstory='z', memory=memory())\n"
    found = only(read({"app.py": head + agent + "c = Crew(agents=[a], tasks=[])\n"}))
    assert (found.kind, found.store.kind) == ("short_term", "unknown")
    crew = "m = memory()\na = Agent(role='x', goal='y', backstory='z', memory=m)\n"
    crew += "c = Crew(agents=[a], tasks=[], memory=True, short_term_memory=m)\n"
    given = next(m for m in read({"app.py": head + crew}).memories if m.kind == "short_term")
    assert given.store.kind == "path"


def test_what_is_not_passed_stays_the_crews_own(read: Read) -> None:
    facts = read(
        {
            "crew.py": """
from crewai import Crew
from crewai.memory import LongTermMemory
crew = Crew(agents=[], tasks=[], memory=True, long_term_memory=LongTermMemory())
"""
        }
    )
    assert sorted(kinds(facts)) == ["crew", "long_term"]


def test_agents_with_memory(read: Read) -> None:
    facts = read(
        {
            "agents.py": "from crewai import Agent\na = Agent(role='r', goal='g', backstory='b', memory=True)\n"
            "b = Agent(role='r', goal='g', backstory='b', memory=False)\n"
        }
    )
    memory = only(facts)
    assert (memory.kind, memory.callee, memory.at.line) == ("agent", "crewai.Agent", 2)


YAML = "writer:\n  role: >\n    {topic} writer\n  memory: true\nreader:\n  role: Reader\n"


def test_memory_in_agents_yaml_counts_where_an_agent_reads_it(read: Read) -> None:
    facts = read(
        {
            "src/app/config/agents.yaml": YAML,
            "src/app/crew.py": """
from crewai import Agent, Crew
from crewai.project import CrewBase, agent, crew

@CrewBase
class Team:
    @agent
    def writer(self):
        return Agent(config=self.agents_config["writer"])

    @agent
    def reader(self):
        return Agent(config=self.agents_config["reader"])

    @crew
    def crew(self):
        return Crew(agents=self.agents, tasks=self.tasks)
""",
        }
    )
    memory = only(facts)
    assert (memory.kind, memory.at.path, memory.at.line) == ("agent", "src/app/config/agents.yaml", 4)


def test_agents_yaml_that_nobody_reads_is_nothing(read: Read) -> None:
    assert read({"config/agents.yaml": YAML, "crew.py": "from crewai import Crew\nc = Crew(tasks=[])\n"}).memories == ()


FLOW = """
from crewai.flow.flow import Flow, start
from crewai.flow.persistence import persist{more}

{decorator}
class Chat(Flow):
    @start()
    def begin(self):
        {body}

def run(user):
    Chat({arguments}).kickoff(inputs={{"id": user}})
"""


def test_a_persisted_flow(read: Read) -> None:
    memory = only(read({"flow.py": FLOW.format(more="", decorator="@persist()", body="pass", arguments="")}))
    assert (memory.kind, memory.at.line, memory.level) == ("flow", 5, "module")
    assert [s.name for s in memory.sinks] == ["flow_id"]


def test_persistence_given_to_the_constructor(read: Read) -> None:
    memory = only(
        read(
            {
                "flow.py": FLOW.format(
                    more=", SQLiteFlowPersistence",
                    decorator="",
                    body="pass",
                    arguments="persistence=SQLiteFlowPersistence('/data/flow.db')",
                )
            }
        )
    )
    assert memory.kind == "flow"
    assert memory.store.where == Text("/data/flow.db", getattr(memory.store.where, "at", None))


PERSISTENCE = """
{head}
from crewai.flow.persistence.base import FlowPersistence
class Store(FlowPersistence):
    def __init__(self):
        {opened}
    def init_db(self): ...
    def save_state(self, flow_uuid, method_name, state_data):
        {saved}
    def load_state(self, flow_uuid):
        return None
store = Store()
def step(session_id, text):
    {use}
"""
RAM = {"head": "", "opened": "self.states = {}", "saved": "self.states[flow_uuid] = state_data"}
SQL = {
    "head": "import psycopg",
    "opened": "self.db = psycopg.connect('postgresql://db/app')",
    "saved": "self.db.execute('insert into states values (%s)', (state_data,))",
}


def test_a_persistence_that_the_code_calls_by_itself(read: Read) -> None:
    use = "store.save_state(session_id, 'step', {'text': text})"
    memory = only(read({"app.py": PERSISTENCE.format(use=use, **RAM)}))
    assert (memory.kind, memory.store.kind, memory.at.line) == ("flow", "process", 12)
    assert only(read({"app.py": PERSISTENCE.format(use=use, **SQL)})).store.kind == "server"


def test_a_persistence_that_nobody_saves_into_or_that_a_flow_has_is_none_of_its_own(read: Read) -> None:
    assert kinds(read({"app.py": PERSISTENCE.format(use="return store", **RAM)})) == []
    flow = (
        "\nfrom crewai.flow.flow import Flow\nfrom crewai.flow.persistence import persist\n"
        "@persist(store)\nclass Chat(Flow): ...\nChat().kickoff()\n"
    )
    use = "store.save_state(session_id, 'step', {'text': text})"
    assert kinds(read({"app.py": PERSISTENCE.format(use=use, **RAM) + flow})) == ["flow"]


def test_a_flows_own_memory_counts_only_where_it_is_used(read: Read) -> None:
    plain = FLOW.format(more="", decorator="", body="pass", arguments="")
    used = FLOW.format(more="", decorator="", body="self.remember('x')", arguments="")
    assert read({"flow.py": plain}).memories == ()
    assert only(read({"flow.py": used})).kind == "memory"


def test_checkpoints(read: Read) -> None:
    memory = only(read({"crew.py": "from crewai import Crew\nc = Crew(agents=[], tasks=[], checkpoint=True)\n"}))
    assert (memory.kind, memory.store.where) == ("checkpoint", Text("./.checkpoints"))


ROUTE = """
from uuid import uuid4
from fastapi import FastAPI
from crewai import Agent, Crew
app = FastAPI()

@app.post("/chat")
def chat(user_id: str):
    session = str(uuid4())
    a = Agent(role=f"agent {session}", goal="g", backstory="b")
    crew = Crew(name=user_id, agents=[a], tasks=[], memory=True)
    return crew.kickoff()
"""


def test_keys_of_a_crew(read: Read) -> None:
    memory = next(m for m in read({"main.py": ROUTE}).memories if m.kind == "crew")
    found = {s.name: s.value for s in memory.sinks}
    assert any(isinstance(e, Fresh) for e in walk(found["agent_role"]))
    assert any(isinstance(e, FromCaller) for e in walk(found["crew_name"]))
    assert memory.built_per_request


def test_scopes_of_a_memory(read: Read) -> None:
    memory = only(
        read(
            {
                "app.py": """
from crewai import Memory
memory = Memory()

def note(user, text):
    memory.scope(f"/user/{user}").remember(text)
    memory.remember(text, scope="/all", source=user)
"""
            }
        )
    )
    assert sorted(s.name for s in memory.sinks) == ["scope", "scope", "source"]


def test_a_view_of_a_memory_given_to_a_crew_is_that_memory(read: Read) -> None:
    memory = only(
        read(
            {
                "app.py": """
from crewai import Agent, Crew, Memory
memory = Memory(storage="/data/memory")

def build(user):
    a = Agent(role="r", goal="g", backstory="b", memory=memory.slice(scopes=["/team", f"/user/{user}"]))
    return Crew(agents=[a], tasks=[], memory=memory.scope(f"/user/{user}/chat"))
"""
            }
        )
    )
    assert [s.name for s in memory.sinks] == ["scope", "scope", "scope"]
    assert len(memory.used_by) == 2


def test_mem0_and_its_keys(read: Read) -> None:
    memory = only(
        read(
            {
                "app.py": """
import crewai
from mem0 import Memory
m = Memory()

def note(user, text):
    m.add(text, user_id=user)
"""
            }
        )
    )
    assert (memory.kind, memory.callee, memory.store.kind) == ("third_party", "mem0.Memory", "path")
    assert [s.name for s in memory.sinks] == ["user_id"]


@pytest.mark.parametrize(
    "call",
    [
        "loop.run_in_executor(None, partial(m.add, text, user_id=user))",
        "asyncio.to_thread(m.search, text, user_id=user)",
        "pool.submit(m.get_all, user_id=user)",
        "anyio.to_thread.run_sync(partial(m.add, text, user_id=user))",
    ],
)
def test_a_client_asked_in_another_thread_is_given_its_key_all_the_same(read: Read, call: str) -> None:
    source = (
        "import anyio, asyncio\nfrom functools import partial\nimport crewai\nfrom mem0 import Memory\nm = Memory()\n"
        f"m.search('ping', user_id='check')\n\nasync def note(user, text, loop, pool):\n    await {call}\n"
    )
    sinks = only(read({"app.py": source})).sinks
    assert [s.name for s in sinks] == ["user_id", "user_id"]
    assert [isinstance(s.value, Text) for s in sinks] == [True, False]


def test_what_is_handed_on_beside_a_client_is_no_key_of_it(read: Read) -> None:
    source = (
        "import asyncio\nimport crewai\nfrom mem0 import Memory\nm = Memory()\n\n"
        "async def note(user, text, audit):\n    await asyncio.to_thread(audit.add, text, user_id=user)\n"
    )
    assert only(read({"app.py": source})).sinks == ()


def test_a_vector_database_is_a_memory_only_where_the_code_calls_it_one(read: Read) -> None:
    documents = (
        "import crewai\nimport chromadb\n\nclass DocumentIndex:\n    def __init__(self):\n"
        "        self.c = chromadb.PersistentClient(path='./db')\n"
    )
    remembering = documents.replace("DocumentIndex", "ConversationMemory")
    assert read({"store.py": documents}).memories == ()
    assert kinds(read({"store.py": remembering})) == ["third_party"]


def test_models_and_embedder(read: Read) -> None:
    memory = only(
        read(
            {
                "crew.py": """
from crewai import Agent, Crew, LLM
from langchain_anthropic import ChatAnthropic
a = Agent(role="r", goal="g", backstory="b", llm=LLM(model="gemini/gemini-2.0-flash"))
b = Agent(role="r", goal="g", backstory="b", llm=ChatAnthropic(model="claude-3"))
c = Agent(role="r", goal="g", backstory="b", llm="groq/llama3")
crew = Crew(agents=[a, b, c], tasks=[], memory=True,
            embedder={"provider": "ollama", "config": {"model": "x", "api_key": "k"}})
"""
            }
        )
    )
    assert [m for m, _ in memory.llms] == ["gemini/gemini-2.0-flash", "anthropic/claude-3", "groq/llama3"]
    assert memory.embedder is not None
    assert isinstance(memory.embedder.provider, Text)
    assert (memory.embedder.provider.value, memory.embedder.has_key) == ("ollama", True)


def test_no_embedder_is_none(read: Read) -> None:
    assert only(read({"crew.py": "from crewai import Crew\nc = Crew(tasks=[], memory=True)\n"})).embedder is None


@pytest.mark.parametrize(
    ("build", "use", "builds"),
    [
        ("", "Crew(tasks=[], memory=True).kickoff()", True),
        ("crew = Crew(tasks=[], memory=True)", "crew.kickoff()", False),
        (
            "from functools import lru_cache\n@lru_cache\ndef get():\n    return Crew(tasks=[], memory=True)",
            "get().kickoff()",
            False,
        ),
    ],
)
def test_built_for_each_request_or_once(read: Read, build: str, use: str, builds: bool) -> None:
    memory = only(
        read(
            {
                "main.py": f"from fastapi import FastAPI\nfrom crewai import Crew\napp = FastAPI()\n{build}\n\n"
                f"@app.post('/chat')\ndef chat():\n    return {use}\n"
            }
        )
    )
    (reach,) = [r for r in memory.handlers if r.entry.kind == "http"]
    assert reach.builds is builds
    assert memory.kept_in_object is not builds


def test_the_call_that_makes_a_memory_points_at_it(read: Read) -> None:
    facts = read({"crew.py": "from crewai import Crew\nc = Crew(tasks=[], memory=True)\nc.kickoff(inputs={'id': 1})\n"})
    by_name = {c.callee: c for c in facts.code.calls}
    assert by_name["crewai.Crew"].memory == facts.memories[0].at
    inputs = by_name["crewai.Crew.kickoff"].argument("inputs")
    assert inputs is not None
    assert inputs.at.line == 3


def test_imports_keep_the_path_that_the_source_spells(read: Read) -> None:
    facts = read(
        {
            "crew.py": """
try:
    from crewai.memory.storage.rag_storage import RAGStorage
except ImportError:
    RAGStorage = None

def late():
    from crewai.memory import LongTermMemory
"""
        }
    )
    found = {i.name: (i.guarded, i.level) for i in facts.code.imports}
    assert found == {
        "crewai.memory.storage.rag_storage.RAGStorage": (True, "module"),
        "crewai.memory.LongTermMemory": (False, "function"),
    }


def test_without_crewai_there_is_no_memory(read: Read) -> None:
    facts = read({"app.py": "from mem0 import Memory\nm = Memory()\n"})
    assert (facts.memories, facts.code.uses_crewai) == ((), False)


def test_a_detectors_fault_is_a_gap(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("a fault of our own")

    monkeypatch.setattr("crewmem_doctor.facts.python.crews.enabled_by", fails)
    facts = read({"app.py": "from crewai import Crew, Memory\nm = Memory()\nc = Crew(tasks=[], memory=True)\n"})
    assert kinds(facts) == ["memory"]
    assert [(g.path, g.line, g.kind) for g in facts.gaps] == [("app.py", 3, "crash")]


DESK = """
from dataclasses import dataclass, field
from attrs import define, Factory
from crewai import Memory
from fastapi import FastAPI
from pydantic import BaseModel, Field
app = FastAPI()

{desk}
{made}
@app.post("/ask")
def ask(text: str):
    return {used}.memory.recall(text)
"""
FIELDS = {
    "a dataclass": "@dataclass\nclass Desk:\n    memory: Memory = field(default_factory=Memory)\n",
    "a model": "class Desk(BaseModel):\n    memory: Memory = Field(default_factory=lambda: Memory(storage='/d'))\n",
    "attrs": "@define\nclass Desk:\n    memory: Memory = Factory(factory=Memory)\n",
    "a class attribute": "class Desk:\n    memory = Memory()\n",
}


@pytest.mark.parametrize("name", FIELDS)
def test_what_a_field_makes_is_made_with_each_object(read: Read, name: str) -> None:
    once = only(read({"a.py": DESK.format(desk=FIELDS[name], made="desk = Desk()", used="desk")}))
    anew = only(read({"a.py": DESK.format(desk=FIELDS[name], made="", used="Desk()")}))
    field = name != "a class attribute"
    assert (once.level, anew.level) == (("function", "function") if field else ("class", "class"))
    assert [(r.entry.label, r.builds) for r in once.handlers if r.entry.kind != "script"] == [("POST /ask", False)]
    assert [(r.entry.label, r.builds) for r in anew.handlers if r.entry.kind != "script"] == [("POST /ask", field)]
    # Only an object that the module makes has one when a process forks.
    assert (once.made_at_import, anew.made_at_import) == ((("a.py",), ()) if field else ((), ()))


def test_a_lambda_makes_it_when_it_is_called(read: Read) -> None:
    code = "from crewai import Memory\n{}\n\ndef f():\n    return make().recall('x')\n"
    assert only(read({"a.py": code.format("make = lambda: Memory()")})).level == "function"
    assert only(read({"a.py": code.format("MADE = Memory()\nmake = lambda: MADE")})).level == "module"


STAGE = """
import os, sys
from crewai import Memory
from settings import settings

def memory(name):
    if {test}:
        return Memory(storage="/tmp/tests"){other}
    return Memory(storage="/data")
"""


@pytest.mark.parametrize(
    ("test", "on"),
    [
        ("os.environ.get('APP_ENV') == 'test'", False),
        ("settings.environment in ('test', 'ci')", False),
        ("settings.TESTING", False),
        ("'pytest' in sys.modules", False),
        ("settings.TESTING and name", False),
        ("not (settings.TESTING is False)", True),
        ("os.environ.get('APP_ENV', 'test') == 'test'", True),
        ("settings.environment in ('test', 'production')", True),
        ("settings.environment != 'test'", True),
        ("settings.TESTING or name", True),
        ("test_connection()", True),
        ("name == 'test'", True),
    ],
)
def test_a_memory_that_only_tests_open_is_not_on(read: Read, test: str, on: bool) -> None:
    memories = read({"a.py": STAGE.format(test=test, other="")}).memories
    assert next(m.enabled for m in memories if isinstance(m.store.where, Text)) == Known(on)
    assert memories[-1].enabled == Known(True)


def test_the_other_arm_of_such_a_test(read: Read) -> None:
    code = STAGE.format(test="not settings.TESTING", other="\n    else:\n        return Memory(storage='/tmp/x')")
    facts = read({"a.py": code})
    assert [m.enabled for m in facts.memories] == [Known(True), Known(False), Known(True)]
