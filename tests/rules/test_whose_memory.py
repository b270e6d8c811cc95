"""CM404 to CM408 on the many ways in which code keeps users apart, or does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from crewmem_doctor import examine
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.settings import Settings

Tree = Callable[[Mapping[str, str | bytes]], Path]
START = """from crewai import Agent, Crew, Memory, Task
from fastapi import Depends, FastAPI, Request

app = FastAPI()
memory = Memory(storage="/data/memory")


def crew(text, memory):
    helper = Agent(role="Helper", goal="Help", backstory="Helps")
    return Crew(agents=[helper], tasks=[Task(description=text, expected_output="Text", agent=helper)], memory=memory)

"""


def findings(tree: Tree, rule: str, code: str, release: str = "1.15.30") -> list[Finding]:
    report = examine(tree({"main.py": code, "requirements.txt": f"crewai=={release}\nfastapi\n"}), Settings())
    assert not [gap for gap in report.gaps if "remembers at all" not in gap.why]
    return [f for f in report.findings if f.rule == rule]


APART = {
    "a scope in the handler": """
@app.post("/chat")
def chat(text: str, user_id: str):
    return crew(text, memory.scope(f"/user/{user_id}/chat")).kickoff()
""",
    "a scope made by a function": """
def mine(user):
    return memory.scope("/user/" + user + "/chat")

@app.post("/chat")
def chat(text: str, user_id: str):
    return crew(text, mine(user_id)).kickoff()
""",
    "a dependency": """
def mine(user_id: str):
    return memory.scope(f"/user/{user_id}/chat")

@app.post("/chat")
def chat(text: str, user_id: str, own=Depends(mine)):
    return crew(text, own).kickoff()
""",
    "app state": """
app.state.memory = memory

@app.post("/chat")
def chat(request: Request, text: str, user_id: str):
    request.app.state.memory.remember(text, scope=f"/user/{user_id}/chat")
    return request.app.state.memory.recall(text, scope=f"/user/{user_id}/chat")
""",
    "a class for each user": """
class Mine:
    def __init__(self, user):
        self.kept = memory.scope(f"/user/{user}/chat")

    def answer(self, text):
        return crew(text, self.kept).kickoff()

@app.post("/chat")
def chat(text: str, user_id: str):
    return Mine(user_id).answer(text)
""",
    "an id that was looked up": """
from app.users import find

@app.post("/chat")
def chat(text: str, user_id: str):
    return crew(text, memory.scope(f"/user/{find(user_id).key}/chat")).kickoff()
""",
    "a root scope": """
@app.post("/chat")
def chat(text: str, user_id: str):
    return crew(text, Memory(root_scope=f"/user/{user_id}/chat")).kickoff()
""",
    "private records": """
@app.post("/chat")
def chat(text: str, user_id: str):
    memory.remember(text, private=True, source=user_id)
    return memory.recall(text, source=user_id)
""",
}


@pytest.mark.parametrize("how", APART)
def test_users_that_are_kept_apart(tree: Tree, how: str) -> None:
    assert not findings(tree, "CM405", START + APART[how])


TOGETHER = {
    "a service that was handed the memory": (
        "return service.answer(text)",
        """
class Service:
    def __init__(self, memory):
        self.memory = memory

    def answer(self, text):
        return crew(text, self.memory).kickoff()

service = Service(memory)

@app.post("/chat")
def chat(text: str, user_id: str):
    return service.answer(text)
""",
    ),
    "a constant scope": (
        "crew(text, memory.scope",
        """
@app.post("/chat")
def chat(text: str, user_id: str):
    return crew(text, memory.scope("/chat")).kickoff()
""",
    ),
    "an id in the inputs alone": (
        "crew(text, memory)",
        """
@app.post("/chat")
def chat(text: str, user_id: str):
    return crew(text, memory).kickoff(inputs={"user_id": user_id})
""",
    ),
    "built in the handler": (
        ".kickoff()",
        """
@app.post("/chat")
def chat(text: str, user_id: str):
    helper = Agent(role="Helper", goal="Help", backstory="Helps")
    task = Task(description=text, expected_output="Text", agent=helper)
    team = Crew(agents=[helper], tasks=[task], memory=True)
    return team.kickoff()
""",
    ),
}


@pytest.mark.parametrize("how", TOGETHER)
def test_users_that_share_one_memory(tree: Tree, how: str) -> None:
    line, code = TOGETHER[how]
    (finding,) = findings(tree, "CM405", START + code)
    text = (START + code).splitlines()[finding.at.line - 1]
    assert line in text
    assert any(step.note.startswith("memory is turned on") or "is built here" in step.note for step in finding.because)


UNKNOWN_CALLERS = {
    "nobody": "text: str",
    "a company that is asked about": "text: str, company_name: str",
    "a service": "text: str, users=Depends(get_user_service)",
    "a session of the database": "text: str, db=Depends(get_session)",
}


@pytest.mark.parametrize("who", UNKNOWN_CALLERS)
def test_a_handler_that_knows_nobody_is_not_asked_to_keep_users_apart(tree: Tree, who: str) -> None:
    code = f"""
def get_user_service(): ...

def get_session(): ...

@app.post("/chat")
def chat({UNKNOWN_CALLERS[who]}):
    return crew(text, memory).kickoff()
"""
    assert not findings(tree, "CM405", START + code)


def test_a_flows_own_memory_with_a_scope(tree: Tree) -> None:
    flow = """
from crewai.flow.flow import Flow, start

class Chat(Flow):
    @start()
    def answer(self):
        self.remember(self.state["text"]{scope})
        return self.recall(self.state["text"]{scope})

@app.post("/flow")
def run(text: str, user_id: str):
    return Chat().kickoff(inputs={{"text": text, "user": user_id}})
"""
    apart = flow.format(scope=""", scope=f"/user/{self.state['user']}/chat\"""")
    assert not findings(tree, "CM405", START.replace("memory = Memory", "other = Memory") + apart)
    assert findings(tree, "CM405", START.replace("memory = Memory", "other = Memory") + flow.format(scope=""))


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ('f"/user/{user_id}"', True),
        ('f"/user/{user_id}/"', True),
        ('"/user/" + user_id', True),
        ('"/user/{}".format(user_id)', True),
        ("user_id", True),
        ('f"/user/{user_id}/chat"', False),
        ('f"/user/{uuid.UUID(user_id)}"', False),
        ('f"/user/{uuid.uuid5(uuid.NAMESPACE_DNS, user_id)}"', False),
        ('f"/user/{hashlib.sha256(user_id.encode()).hexdigest()[:16]}"', False),
        ('f"/user/{user_id or uuid.uuid4()}"', False),
        ('"/support"', False),
    ],
)
def test_scopes_that_begin_alike(tree: Tree, scope: str, found: bool) -> None:
    code = f"""
import hashlib
import uuid

@app.post("/chat")
def chat(text: str, user_id: str):
    return memory.recall(text, scope={scope})
"""
    assert bool(findings(tree, "CM408", START + code)) == found


FLOW = """from crewai.flow.flow import Flow, start
from crewai.flow.persistence import persist


@persist()
class Chat(Flow):
    @start()
    def answer(self):
        return "text"


"""


@pytest.mark.parametrize(
    ("start", "found"),
    [
        ("Chat().kickoff()", True),
        ("Chat().kickoff(inputs={'text': text})", True),
        ("Chat().kickoff(inputs={'id': key})", False),
        ("Chat().kickoff(inputs=dict(id=key, text=text))", False),
        ("Chat().kickoff(inputs=request)", False),
        ("Chat().kickoff(inputs={'text': text, **request})", False),
        ("Chat().kickoff(restore_from_state_id=key)", False),
        ("Chat(id=key).kickoff()", False),
        ("Chat.from_pending(key).resume('yes')", False),
        ("Chat().handle_turn(text, session_id=key)", False),
    ],
)
def test_how_a_flow_is_started(tree: Tree, start: str, found: bool) -> None:
    code = f"{FLOW}def run(text, key, request):\n    return {start}\n"
    assert bool(findings(tree, "CM404", code)) == found


def test_a_flow_that_is_given_its_id_by_hand(tree: Tree) -> None:
    code = f"{FLOW}def run(key):\n    chat = Chat()\n    chat.state['id'] = key\n    return chat.kickoff()\n"
    assert not findings(tree, "CM404", code)


@pytest.mark.parametrize("release", ["1.9.3", "0.130.0"])
def test_an_agents_flag_means_nothing_before_1_10(tree: Tree, release: str) -> None:
    code = START.replace('backstory="Helps"', 'backstory="Helps", memory=True')
    assert findings(tree, "CM406", code + "\nteam = crew('x', True)\n")
    assert not findings(tree, "CM406", code.replace("Memory, ", "").replace("memory = Memory", "# "), release)
