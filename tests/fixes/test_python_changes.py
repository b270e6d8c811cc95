"""Each change of code in the styles that people write, and what it refuses."""

from __future__ import annotations

import ast
import io
import random
import textwrap
import tokenize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_python import at, edited, refused

from crewmem_doctor.model.changes import Refusal
from crewmem_doctor.model.changes.code import (
    AddArgument,
    AddParameter,
    CodeChange,
    ConstantName,
    EndScope,
    MakeOnce,
    PassCaller,
    PassFlowId,
    RaiseAgain,
    RaiseInstead,
    RemoveArgument,
    RenameArgument,
    ReplaceArgument,
    ReplaceText,
    ScopeCall,
    ScopeMemory,
    SetBeforeImport,
    UnifyMemory,
    UseCaller,
    WaitForSaves,
)
from crewmem_doctor.model.location import Location

KNOWN = ("parameter user_id", "session_id of the body", "header X-User-Id", "Depends(current_user)")


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def both(before: str, change: CodeChange, after: str) -> None:
    """With either line break, and with tabs for indentation."""
    assert edited(before, change) == after
    assert edited(before, change, "\r\n") == after.replace("\n", "\r\n")


@pytest.mark.parametrize(("before", "value", "after"), [
    ('memory = Memory(storage="./memory")\n', '"./memory"', 'memory = Memory(storage="/data/crewai")\n'),
    ("memory = Memory(storage='./memory')  # here\n", "'./memory'", "memory = Memory(storage='/data/crewai')  # here\n"),
    ('x = M(storage=os.path.join(\n    "/tmp",\n    "m",\n))\n', 'os.path.join(\n    "/tmp",\n    "m",\n)', 'x = M(storage="/data/crewai")\n'),
    ("p = tempfile.mkdtemp(prefix='c')\n", "tempfile.mkdtemp(prefix='c')", "p = '/data/crewai'\n"),
    ('x = M("a" \\\n  "b")\n', '"a" \\\n  "b"', 'x = M("/data/crewai")\n'),
])
def test_a_text_for_whatever_made_it(before: str, value: str, after: str) -> None:
    both(before, ReplaceText(at(before, value), "/data/crewai"), after)


@pytest.mark.parametrize(("before", "what", "after"), [
    ('os.environ["D"] = "/tmp"  # why\n', 'os.environ["D"] = "/tmp"', 'os.environ["D"] = "/data"  # why\n'),
    ('os.environ.setdefault("D", "/tmp")\n', "os.environ.setdefault", 'os.environ.setdefault("D", "/data")\n'),
    ('os.environ.update({"A": "1", "D": f"/tmp/{x}"})\n', "os.environ.update", 'os.environ.update({"A": "1", "D": "/data"})\n'),
    ('os.environ.update(A="1", D="/tmp")\n', "os.environ.update", 'os.environ.update(A="1", D="/data")\n'),
    ('os.putenv("D", "/tmp")\n', 'os.putenv("D", "/tmp")', 'os.putenv("D", "/data")\n'),
])
def test_a_variable_that_the_code_sets(before: str, what: str, after: str) -> None:
    both(before, ReplaceText(at(before, what), "/data", "D"), after)


@pytest.mark.parametrize(("before", "scope", "after"), [
    ('m.scope(f"/user/{i}")\n', 'f"/user/{i}"', 'm.scope(f"/user/{i}/chat")\n'),
    ("m.scope(f'/user/{i}/')\n", "f'/user/{i}/'", "m.scope(f'/user/{i}/chat')\n"),
    ('m.scope(f"""/user/{i}""")\n', 'f"""/user/{i}"""', 'm.scope(f"""/user/{i}/chat""")\n'),
    ('m.recall(q, scope="/user/" + i)\n', 'scope="/user/" + i', 'm.recall(q, scope="/user/" + i + "/chat")\n'),
    ('m.scope("/user/" + i + "/")\n', '"/user/" + i + "/"', 'm.scope("/user/" + i + "/chat")\n'),
    ("m.scope(mine)\n", "mine", 'm.scope(mine + "/chat")\n'),
])
def test_a_scope_ends(before: str, scope: str, after: str) -> None:
    both(before, EndScope(at(before, scope)), after)


@pytest.mark.parametrize("scope", ['"/user/{}".format(i)', 'f"/user/" f"{i}"', "scope_of(i)"])
def test_a_scope_that_is_put_together_otherwise_is_refused(scope: str) -> None:
    text = f"m.scope({scope})\n"
    assert "not known" in refused(text, EndScope(at(text, scope)))


HANDLER = """
    class Body(BaseModel):
        session_id: str
        topic: str = ""
        user_key: str | None = None

    {head}
        {line}
    """


@pytest.mark.parametrize(("head", "before", "after"), [
    ("def chat(user_id: str):", "key = str(uuid4())", "key = user_id"),
    ("def chat(user_id):", "key = str(uuid4())", "key = str(user_id)"),
    ("def chat(user_id: int):", "key = uuid4().hex[:8]", "key = str(user_id)"),
    ("def chat(*, user_id: str):", 'key = f"/s/{uuid4()}"', 'key = f"/s/{user_id}"'),
    ("async def chat(body: Body):", "key = str(uuid4())", "key = str(body.session_id)"),
    ("def chat(x_user_id: str = Header(...)):", "key = str(uuid4())", "key = x_user_id"),
    ("def chat(user: str = Depends(current_user)):", "key = str(uuid4())", "key = user"),
    ("def chat(user_id: str | None = None):", "key = str(uuid4())", "key = user_id or str(uuid4())"),
    ("def chat(user_id: str = ''):", "key = str(uuid4())", "key = user_id or str(uuid4())"),
])
def test_the_callers_own_id(head: str, before: str, after: str) -> None:
    text, expected = (dedent(HANDLER).format(head=head, line=line) for line in (before, after))
    change = UseCaller(at(text, "uuid4()"), KNOWN)
    both(text, change, expected)


def test_a_variable_that_was_read_from_the_request() -> None:
    text = dedent("""
        def ask():
            data = request.get_json()
            session_id = data["session_id"]
            key = str(uuid4())
        """)
    assert edited(text, UseCaller(at(text, "uuid4()"), KNOWN)) == text.replace("str(uuid4())", "str(session_id)")
    maybe = text.replace('data["session_id"]', 'data.get("session_id")')
    assert edited(maybe, UseCaller(at(maybe, "uuid4()"), KNOWN)) == maybe.replace("= str(", "= session_id or str(")


@pytest.mark.parametrize("text", [
    "def chat(topic: str):\n    key = str(uuid4())\n",
    "def chat():\n    session_id = str(uuid4())\n    key = session_id\n",
    "def chat():\n    if x:\n        session_id = request.json['session_id']\n    key = str(uuid4())\n",
    "def chat():\n    session_id = request.json['session_id']\n    for session_id in a:\n        pass\n    key = str(uuid4())\n",
    "key = str(uuid4())\n",
])
def test_where_nobody_says_who_calls(text: str) -> None:
    assert "says who calls" in refused(text, UseCaller(at(text, "uuid4()"), KNOWN))


@pytest.mark.parametrize(("before", "after"), [
    ('n = f"Helper {uuid4().hex[:6]}"\n', 'n = "Helper"\n'),
    ("n = 'Helper-' + str(uuid4())\n", "n = 'Helper'\n"),
    ('n = "h-%s.db" % uuid4()\n', 'n = "h.db"\n'),
    ('n = f"/data/{uuid4()}/memory"\n', 'n = "/data/memory"\n'),
    ('n = os.path.join("/data", str(uuid4()))\n', 'n = os.path.join("/data")\n'),
    ("n = os.path.join(base, f'{uuid4()}', 'x')\n", None),
    ("n = str(uuid4())\n", None),
    ('n = f"{a}-{uuid4()}"\n', None),
])
def test_what_changes_goes_out_of_a_name(before: str, after: str | None) -> None:
    change = ConstantName(at(before, "uuid4()"))
    if after is None:
        assert "constant one" in refused(before, change)
    else:
        both(before, change, after)


NAMED = """def chat(request, team):
    run = uuid4().hex[:6]
    print(run)
    return Crew(name=NAME, memory=True)
"""


@pytest.mark.parametrize(("name", "after"), [
    ('f"chat-{run}"', '"chat"'), ("'chat-' + run", "'chat'"), ('"chat-%s" % run', '"chat"'), ("f'{run[:4]}_chat'", "'chat'"),
    ("run", None), ('f"{run}-{run}"', None), ('f"{team}-{run}"', None),
])
def test_what_changes_has_a_name_of_its_own(name: str, after: str | None) -> None:
    text = NAMED.replace("NAME", name)
    change = ConstantName(at(text, "uuid4()"), at(text, f"name={name}"))
    if after is None:
        assert "constant one" in refused(text, change)
    else:
        both(text, change, NAMED.replace("NAME", after))


def test_the_same_name_in_another_function_is_another_value() -> None:
    text = "def team(run):\n    return Crew(name=f'chat-{run}')\n\n\ndef chat():\n    run = uuid4()\n    return team(run)\n"
    assert "constant one" in refused(text, ConstantName(at(text, "uuid4()"), at(text, "name=f'chat-{run}'")))


@pytest.mark.parametrize(("before", "after"), [
    ('{"message": m}', '{"id": user_id, "message": m}'),
    ("{}", '{"id": user_id}'),
    ("given", '{**given, "id": user_id}'),
    ('{\n        "message": m,  # it\n    }', '{\n        "id": user_id,\n        "message": m,  # it\n    }'),
])
def test_the_flow_is_told_which_one_it_is(before: str, after: str) -> None:
    text = f"def chat(user_id: str, m, given):\n    return Chat().kickoff(inputs={before})\n"
    both(text, PassFlowId(at(text, "kickoff"), KNOWN), text.replace(f"={before}", f"={after}"))


def test_a_flow_without_inputs() -> None:
    text = "def chat(user_id: str):\n    return Chat().kickoff()\n"
    both(text, PassFlowId(at(text, "kickoff"), KNOWN), text.replace("kickoff()", 'kickoff(inputs={"id": user_id})'))
    maybe = text.replace("user_id: str", "user_id=None")
    assert "may be missing" in refused(maybe, PassFlowId(at(maybe, "kickoff"), KNOWN))


def test_a_scope_in_the_handler() -> None:
    text = dedent("""
        import crewai
        from mem0 import Memory

        def chat(user_id: str):
            return crewai.Crew(agents=[], memory=True, embedder={"provider": "ollama"})
        """)
    both(text, ScopeMemory(at(text, "memory=True"), KNOWN), dedent("""
        import crewai
        from mem0 import Memory
        from crewai.memory import Memory as CrewMemory

        memory = CrewMemory(embedder={"provider": "ollama"})

        def chat(user_id: str):
            return crewai.Crew(agents=[], memory=memory.scope(f"/user/{user_id}/chat"), embedder={"provider": "ollama"})
        """))
    both(text, ScopeMemory(at(text, "memory=True"), KNOWN, variable=""), dedent("""
        import crewai
        from mem0 import Memory
        from crewai.memory import Memory as CrewMemory

        def chat(user_id: str):
            return crewai.Crew(agents=[], memory=CrewMemory(embedder={"provider": "ollama"}).scope(f"/user/{user_id}/chat"), embedder={"provider": "ollama"})
        """))
    late = text.replace('{"provider": "ollama"}', "embedder_for(user_id)")
    assert "embedder" in refused(late, ScopeMemory(at(late, "memory=True"), KNOWN))


def test_a_memory_object_and_its_calls() -> None:
    text = dedent("""
        def chat(user_id: str):
            memory.remember(text, scope="/notes/")
            memory.recall(
                query,
                limit=3,
            )
            return Crew(memory=memory)
        """)
    both(text, ScopeMemory(at(text, "memory=memory"), KNOWN), text.replace("=memory)", '=memory.scope(f"/user/{user_id}/chat"))'))
    both(text, ScopeCall(at(text, "memory.remember"), KNOWN), text.replace('"/notes/"', 'f"/user/{user_id}/notes"'))
    both(text, ScopeCall(at(text, "memory.recall"), KNOWN), text.replace(
        "limit=3,\n", 'limit=3,\n        scope=f"/user/{user_id}/chat",\n'))


@pytest.mark.parametrize(("before", "after"), [
    ("def team():", "def team(user_id: str):"),
    ("def team(topic):", "def team(topic, user_id):"),
    ("def team(topic: str) -> Crew:", "def team(topic: str, user_id: str) -> Crew:"),
    ("def team(topic: str = 'x'):", "def team(topic: str = 'x', *, user_id: str):"),
    ("def team(topic, *, other=1):", "def team(topic, *, other=1, user_id):"),
    ("def team(*topics: str):", "def team(*topics: str, user_id: str):"),
    ("async def team(\n    topic: str,\n):", "async def team(\n    topic: str, user_id: str,\n):"),
])
def test_one_more_parameter(before: str, after: str) -> None:
    text = f"{before}\n    return Crew(memory=True)\n"
    both(text, AddParameter(at(text, "memory=True"), "user_id"), text.replace(before, after))


@pytest.mark.parametrize("head", ["@crew\ndef team(x):", "def team(x, **rest):", "def team(user_id):"])
def test_a_function_that_others_call_keeps_its_parameters(head: str) -> None:
    text = f"{head}\n    return Crew(memory=True)\n"
    assert "team" in refused(text, AddParameter(at(text, "memory=True"), "user_id"))


def test_the_id_is_passed_on() -> None:
    text = "def chat(user_id: str, **rest):\n    team(\n        topic,\n    )\n    other(**rest)\n"
    both(text, PassCaller(at(text, "team"), KNOWN, "user_id"), text.replace("        topic,\n", "        topic,\n        user_id=user_id,\n"))
    assert "from a dict" in refused(text, PassCaller(at(text, "other"), KNOWN))


HANDLED = (
    ("    except Exception as e:\n        logger.error(e)\n", "    except Exception as e:\n        logger.error(e)\n        raise\n"),
    ("    except Exception:\n        pass  # why\n", "    except Exception:\n        logger.exception(\"memory failed\")\n        raise  # why\n"),
    ("    except (A, B):\n        print('x')\n        db.rollback()\n        return None\n",
     "    except (A, B):\n        print('x')\n        db.rollback()\n        raise\n"),
    ("    except Exception:\n        ...\n", "    except Exception:\n        logger.exception(\"memory failed\")\n        raise\n"),
    ("    except Exception:\n        answer = None\n        ok = False\n",
     "    except Exception:\n        logger.exception(\"memory failed\")\n        raise\n"),
)


@pytest.mark.parametrize(("before", "after"), HANDLED)
@pytest.mark.parametrize("indent", ["    ", "\t", "  "])
def test_a_handler_raises_again(before: str, after: str, indent: str) -> None:
    head = "logger = logging.getLogger(__name__)\n\n\ndef f():\n    try:\n        m.remember(x)\n"
    old, new = ((head + text + "    return 1\n").replace("    ", indent) for text in (before, after))
    both(old, RaiseAgain(at(old, before.replace("    ", indent).split("\n")[0].strip()[:-1])), new)


@pytest.mark.parametrize(("imports", "logs", "added"), [
    ("from loguru import logger\n", "logger", ""),
    ("import logging\n", "logging.getLogger(__name__)", ""),
    ("import logging as l\n", "l.getLogger(__name__)", ""),
    ("import structlog\n\nlog = structlog.get_logger()\n", "log", ""),
    ("import os\n", "logging.getLogger(__name__)", "import logging\n"),
    ("'''Doc.'''\n\nfrom __future__ import annotations\n\nimport os\n", "logging.getLogger(__name__)", "import logging\n"),
])
def test_it_logs_as_the_module_does(imports: str, logs: str, added: str) -> None:
    body = "\n\ntry:\n    m.save(x)\nexcept Exception:\n    pass\n"
    done = edited(imports + body, RaiseAgain(at(imports + body, "except Exception")))
    where = imports.rindex("import ") if added else 0
    assert done == imports[:where] + added + imports[where:] + body.replace("pass", f'{logs}.exception("memory failed")\n    raise')


def test_suppress_becomes_a_handler() -> None:
    text = "import logging\n\n\ndef f():\n    with contextlib.suppress(A, B):  # why\n        m.save(x)\n    return 1\n"
    done = edited(text, RaiseAgain(Location("m.py", 5, 5, 5, 9)))
    assert done == ("import logging\n\n\ndef f():\n    try:  # why\n        m.save(x)\n    except (A, B):\n"
                    '        logging.getLogger(__name__).exception("memory failed")\n        raise\n    return 1\n')


@pytest.mark.parametrize("body", ["    if retry:\n        again()\n", "    return None\n    log(x)\n", "    raise_it = 1; log()\n"])
def test_a_handler_that_does_more_is_refused(body: str) -> None:
    text = f"def f():\n  try:\n    g()\n  except E:\n{body}"
    assert "m.py" in refused(text, RaiseAgain(at(text, "except E")))


def test_a_loop_goes_on() -> None:
    text = "while True:\n    try:\n        m.save(x)\n    except E:\n        continue\n"
    assert "loop" in refused(text, RaiseAgain(at(text, "except E")))


def test_a_variable_still_decides() -> None:
    text = 'm = Memory(storage=os.getenv("STORE", "./m"))\n'
    change = ReplaceText(at(text, 'storage=os.getenv("STORE", "./m")'), "/data/m")
    both(text, change, text.replace('"./m"', '"/data/m"'))
    bare = 'm = Memory(storage=os.environ["STORE"] + "/m")\n'
    assert "set it there" in refused(bare, ReplaceText(at(bare, 'storage=os.environ["STORE"] + "/m"'), "/data/m"))


@pytest.mark.parametrize("head", ["def chat(user: User = Depends(current_user)):", "def chat(user):", "def chat(user: User):"])
def test_an_object_is_no_id(head: str) -> None:
    text = f"{head}\n    key = str(uuid4())\n"
    assert "says who calls" in refused(text, UseCaller(at(text, "uuid4()"), ("parameter user", "Depends(current_user)")))


def test_a_branch_stops() -> None:
    text = "if url:\n    m = Memory(storage=P(url))\nelse:\n    m = Memory()\n"
    both(text, RaiseInstead(at(text, "Memory()"), "URL is not set"), text.replace("m = Memory()", 'raise RuntimeError("URL is not set")'))
    text = "m = P(url) if url else Memory()\n"
    assert "let it stop" in refused(text, RaiseInstead(at(text, "Memory()"), "x"))


@pytest.mark.parametrize(("before", "after"), [
    ('import os\nfrom crewai import Crew\n\nos.environ["D"] = "/d"  # so\n\nx = 1\n',
     'import os\n\nos.environ["D"] = "/d"  # so\n\nfrom crewai import Crew\n\nx = 1\n'),
    ('from crewai import Crew\nimport os\n\nos.environ["D"] = (\n    "/d"\n)\n',
     'import os\n\nos.environ["D"] = (\n    "/d"\n)\n\nfrom crewai import Crew\n'),
])
def test_a_setting_comes_before_the_import(before: str, after: str) -> None:
    statement = before[before.index("os.environ"):]
    statement = statement[:statement.index("  #")] if "  #" in statement else statement.rstrip("\n")
    change = SetBeforeImport(at(before, statement), at(before, "from crewai import Crew"))
    both(before, change, after)


@pytest.mark.parametrize(("text", "why"), [
    ('from crewai import Crew\nBASE = "/d"\nos.environ["D"] = BASE\n', "BASE"),
    ('from crewai import Crew\ndef f():\n    os.environ["D"] = BASE\n', "by itself"),
])
def test_a_setting_that_cannot_come_first(text: str, why: str) -> None:
    text = "import os\n" + text
    change = SetBeforeImport(at(text, 'os.environ["D"] = BASE'), at(text, "from crewai import Crew"))
    assert why in refused(text, change)


@pytest.mark.parametrize(("before", "after"), [
    ("    agent.kickoff(x)  # go\n", "    agent.kickoff(x)  # go\n    mem.drain_writes()\n"),
    ("    out = await agent.kickoff(\n        x,\n    )\n", "    out = await agent.kickoff(\n        x,\n    )\n    mem.drain_writes()\n"),
    ("    return str(agent.kickoff(x))\n", "    answer = str(agent.kickoff(x))\n    mem.drain_writes()\n    return answer\n"),
])
def test_it_waits_for_the_saves(before: str, after: str) -> None:
    head = "mem = Memory()\nagent = Agent(memory=mem)\n\n\nasync def run(x):\n"
    both(head + before, WaitForSaves(at(head + before, "agent.kickoff"), at(head + before, "Memory")), head + after)


def test_a_memory_without_a_name_cannot_be_waited_for() -> None:
    text = "agent = Agent(memory=Memory())\nagent.kickoff(x)\n"
    assert "has no name" in refused(text, WaitForSaves(at(text, "agent.kickoff"), at(text, "Memory")))


def test_made_once() -> None:
    text = dedent("""
        from x import Memory, Ram

        @app.post("/")
        def chat(topic):
            mine = Memory(
                storage=Ram(),
            )
            return mine
        """)
    both(text, MakeOnce(place(text, "Memory(")), dedent("""
        from x import Memory, Ram

        memory = Memory(
            storage=Ram(),
        )

        @app.post("/")
        def chat(topic):
            mine = memory
            return mine
        """))
    bound = text.replace("Ram(),", "Ram(topic),")
    assert "only known in the request" in refused(bound, MakeOnce(place(bound, "Memory(")))


OLD = "from crewai import Crew\nfrom crewai.memory import EntityMemory, LongTermMemory\n"
NEW = "from crewai import Crew\nfrom crewai.memory import Memory\n"


@pytest.mark.parametrize(("before", "after"), [
    (OLD + "c = Crew(memory=True, long_term_memory=LongTermMemory(), entity_memory=EntityMemory())\n",
     "from crewai import Crew\nc = Crew(memory=True)\n"),
    (OLD + "h = LongTermMemory(storage={'path': '/d/h.db'})\nc = Crew(memory=h, entity_memory=EntityMemory())\n",
     NEW + "h = Memory(storage='/d/h')\nc = Crew(memory=h)\n"),
    (OLD + "h = LongTermMemory(path=\"/d/h\")\n\nc = Crew(agents=[], long_term_memory=h)\nE: EntityMemory = None\n",
     NEW + "\nc = Crew(agents=[], memory=True)\nE: Memory = None\n"),
    ("from crewai.memory import (\n    EntityMemory,\n    LongTermMemory,\n)\nx = 1\n", "x = 1\n"),
])
def test_the_older_classes_become_the_one(before: str, after: str) -> None:
    names = [n for n in ast.walk(ast.parse(before)) if isinstance(n, ast.alias) and n.name.endswith("Memory")]
    places = tuple(Location("m.py", n.lineno, n.col_offset + 1, n.lineno, (n.end_col_offset or 0) + 1) for n in names)
    both(before, UnifyMemory(places[0], places), after)


@pytest.mark.parametrize("use", ["h = LongTermMemory()\nh.save('x')", "for m in (LongTermMemory(),):\n    pass", "class M(LongTermMemory):\n    pass",
                                 "Crew(memory=True, long_term_memory=LongTermMemory(), **more)",
                                 "Crew(memory=True, long_term_memory=LongTermMemory(storage=Postgres(url)))"])
def test_older_classes_that_are_used_otherwise_are_refused(use: str) -> None:
    text = f"from crewai.memory import LongTermMemory\n{use}\n"
    assert "m.py" in refused(text, UnifyMemory(Location("m.py", 1, 27, 1, 41)))


def test_an_object_where_it_belongs() -> None:
    text = "Crew(\n    memory=history,  # mine\n)\n"
    both(text, RenameArgument(at(text, "memory=history"), "long_term_memory", "memory=True"), text.replace(
        "memory=history", "memory=True,\n    long_term_memory=history"))
    both("Crew(memory=history)\n", RenameArgument(at("Crew(memory=history)\n", "memory=history"), "entity_memory", "memory=True"),
         "Crew(memory=True, entity_memory=history)\n")


def test_what_nobody_can_write_is_said() -> None:
    assert refused("x = 1\n", Refusal("see docs/recipes")) == "see docs/recipes"


# Whatever the formatting.

SOURCE = '''"""Doc."""

import os
from crewai import Agent, Crew, Task

LIMIT = 3


@app.post("/chat")
def chat(topic: str, user_id: str):
    writer = Agent(role="Writer", goal='Write', backstory="Writes")
    try:
        crew = Crew(agents=[writer], tasks=[Task(description=topic, agent=writer)], verbose=True, memory=True)
        return crew.kickoff(inputs={"topic": topic})
    except Exception:
        pass


def last(values):
    return [v for v in values if v][-LIMIT:]
'''
BREAKS = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT)
CHANGES = {
    "AddArgument": lambda t: AddArgument(place(t, "Crew("), "embedder", "None"),
    "RemoveArgument": lambda t: RemoveArgument(at(t, "verbose=True")),
    "ReplaceArgument": lambda t: ReplaceArgument(at(t, "verbose=True"), "name", '"team"'),
    "ScopeMemory": lambda t: ScopeMemory(at(t, "memory=True"), KNOWN),
    "PassFlowId": lambda t: PassFlowId(at(t, "crew.kickoff"), KNOWN),
    "RaiseAgain": lambda t: RaiseAgain(at(t, "except Exception")),
}


def place(text: str, call: str) -> Location:
    """The name of the call, which is the last of that text."""
    start = text.rindex(call)
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    return Location("m.py", line, column, line, column + len(call) - 1)


def formatted(seed: int) -> str:
    """SOURCE with other line breaks, comments, empty lines, quotes and continuations."""
    chance = random.Random(seed)
    out: list[str] = []
    tokens = list(tokenize.generate_tokens(io.StringIO(SOURCE).readline))
    depth = 0
    previous = tokens[0]
    for token in tokens:
        text = token.string
        begins = token.start[0] != previous.end[0] or previous.type in BREAKS
        gap = " " * (token.start[1] - (0 if begins else previous.end[1])) if text.strip() else ""
        depth -= token.type == tokenize.OP and text in ")]}"
        if depth and previous.string in ("(", ",", "[", "{") and not chance.randrange(4):
            gap = chance.choice(["\n        ", "  # é 😀\n      ", "\n\n  ", " \\\n "])
        if token.type == tokenize.NEWLINE and not depth and not chance.randrange(4):
            text = chance.choice(["  # done\n", "\n\n", "\n# note\n"])
        if token.type == tokenize.STRING and text.startswith('"W') and chance.randrange(2):
            text = text.replace('"', "'")
        depth += token.type == tokenize.OP and text in ("(", "[", "{")
        if token.type in (tokenize.INDENT, tokenize.DEDENT):
            text, gap = "", ""
        out.append(gap + text)
        previous = token
    return "".join(out)


@given(st.integers(0, 10**9), st.sampled_from(sorted(CHANGES)), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_the_formatting_only_what_is_meant_changes(seed: int, name: str, newline: str) -> None:
    text = formatted(seed)
    old = ast.parse(text)
    change = CHANGES[name](text)
    done = edited(text, change, newline).replace("\r\n", "\n")
    new = ast.parse(done)
    assert done != text
    dumps = [ast.dump(statement) for statement in new.body]
    for statement in old.body:
        if not (isinstance(statement, ast.FunctionDef) and statement.name == "chat"):
            assert ast.dump(statement) in dumps
    span = next(s for s in old.body if isinstance(s, ast.FunctionDef) and s.name == "chat")
    outside = [line for number, line in enumerate(text.split("\n"), 1) if not span.lineno <= number <= (span.end_lineno or 0)]
    left = iter(done.split("\n"))
    assert all(line in left for line in outside[:span.lineno - 1])
    assert done.endswith("\n".join(outside[span.lineno - 1:]))
