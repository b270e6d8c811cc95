from __future__ import annotations

from typing import Any

import pytest
from python_tree import argument, code, value

from crewmem_doctor.model.expression import (
    Build,
    Choice,
    Concat,
    EnvVar,
    Expr,
    Fresh,
    FromCaller,
    Items,
    Joined,
    Opaque,
    Place,
    Table,
    Text,
)
from crewmem_doctor.model.known import Known, Unknown


def plain(expr: Expr | None) -> Any:
    """The value without places, short enough to compare."""
    if isinstance(expr, Text):
        return expr.value
    if isinstance(expr, EnvVar):
        return ("env", expr.name, plain(expr.default))
    if isinstance(expr, Place):
        return (expr.kind, expr.path) if expr.kind == "source" else expr.kind
    if isinstance(expr, Fresh):
        return ("fresh", expr.nature)
    if isinstance(expr, FromCaller):
        return f"<{expr.what}>"
    if isinstance(expr, (Concat, Joined)):
        return (type(expr).__name__.lower(), *map(plain, expr.parts))
    if isinstance(expr, Choice):
        return ("or" if expr.fallback else "choice", *map(plain, expr.options))
    if isinstance(expr, Table):
        return {**{k: plain(v) for k, v in expr.items}, **({"…": True} if expr.open else {})}
    if isinstance(expr, Items):
        return [plain(i) for i in expr.items]
    if isinstance(expr, Build):
        return (expr.callee, *map(plain, expr.args), {k: plain(v) for k, v in expr.kwargs})
    return "?" if isinstance(expr, Opaque) else None


@pytest.mark.parametrize(
    ("expression", "before", "expected"),
    [
        ("X", "X = 1\nX = 2", 2),
        ("X", "if a:\n    X = 1\nelse:\n    X = 2", ("choice", 1, 2)),
        ("X", "X = 1\nif a:\n    X = 2", ("choice", 1, 2)),
        ("X", "X = 1\nif a:\n    X = 2\n    raise SystemExit", 1),
        ("X", "try:\n    X = 1\nexcept OSError:\n    X = 2", ("choice", 1, 2)),
        ("X", "X = Y = 'a'", "a"),
        ("X", "X, Y = 'a', 'b'", "a"),
        ("X", "X = 'a'\nX += 'b'", "ab"),
        ("A.x", "class A:\n    x = 3", 3),
        ("A().x", "class A:\n    def __init__(self):\n        self.x = 4", 4),
        ("A(5).x", "class A:\n    def __init__(self, x):\n        self.x = x", 5),
        ("A().x", "class A:\n    @property\n    def x(self):\n        return 6", 6),
        ("f()", "def f():\n    return 'r'", "r"),
        ("f('p')", "def f(x, y='d'):\n    return x + y", "pd"),
        ("f(1)", "def f(x):\n    return f(x)", "?"),
        ("d['k']", "d = {'k': 1}", 1),
        ("d['k']", "d = {}\nd['k'] = 2", 2),
        ("d", "d = dict(a=1)\nd.update(b=2)\nd.update({'c': 3})", {"a": 1, "b": 2, "c": 3}),
        ("{**d, 'b': 2}", "d = {'a': 1}", {"a": 1, "b": 2}),
        ("d", "d = {'a': 1}\nd[nothing] = 2", {"a": 1, "…": True}),
        ("d.get('m', True)", "d = load()", ("or", "?", True)),
        ("d.get('m', True)", "d = {'m': False}", False),
        ("getattr(s, 'm', True)", "s = load()", ("or", "?", True)),
        ("a or 'b'", "a = None", "b"),
        ("'x' if True else 'y'", "", "x"),
        ("not ON", "ON = True", False),
        ("[*A, 'b']", "A = ['a']", [["a"], "b"]),
        ("A + ['b']", "A = ['a']", ["a", "b"]),
    ],
)
def test_code_is_followed(expression: str, before: str, expected: object) -> None:
    assert plain(value(expression, before)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("f'a{1}b'", "a1b"),
        ("'%s-%d' % ('a', 2)", "a-2"),
        ("'{}/{x}'.format('a', x='b')", "a/b"),
        ("'-'.join(['a', 'b'])", "a-b"),
        ("'A'.lower()", "a"),
        ("str(1)", "1"),
        ("int('4')", 4),
        ("'abcdef'[:2]", "ab"),
        ("-1", -1),
        ('f\'crew-{os.getenv("E", "dev")}\'', ("concat", "crew-", ("env", "E", "dev"))),
    ],
)
def test_text(expression: str, expected: object) -> None:
    assert plain(value(expression, "import os")) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Path('/data') / 'x'", "/data/x"),
        ("os.path.join('a', '/b')", "/b"),
        ("Path.cwd() / '.crewai'", ("joined", "cwd", ".crewai")),
        ("Path(__file__).parent", ("source", "pkg/sub")),
        ("Path(__file__).resolve().parent.parent / 'd'", ("joined", ("source", "pkg"), "d")),
        ("os.path.join(os.path.dirname(os.path.abspath(__file__)), 'd')", ("joined", ("source", "pkg/sub"), "d")),
        ("Path(__file__).parents", "?"),
        ("os.path.abspath('./memory')", ("joined", "cwd", "memory")),
        ("os.path.expanduser('~/m')", ("joined", "home", "m")),
        ("Path.home() / 'm'", ("joined", "home", "m")),
        ("Path('~/m').expanduser()", ("joined", "home", "m")),
        ("str(Path(os.environ['D']) / 'm')", ("joined", ("env", "D", None), "m")),
        ("tempfile.mkdtemp()", "temporary"),
        ("os.path.join(tempfile.gettempdir(), 'a')", ("joined", "tempdir", "a")),
        ("tempfile.mkdtemp(dir='/data')", ("joined", "/data", ("fresh", "random"))),
        ("Path('a', 'b').as_posix()", "a/b"),
        ("Path('a').joinpath('b').absolute()", ("joined", "cwd", "a/b")),
        ("os.getcwd()", "cwd"),
        ("tempfile.TemporaryDirectory().name", "temporary"),
        ("db_storage_path()", "data"),
    ],
)
def test_paths(expression: str, expected: object) -> None:
    before = (
        "from pathlib import Path\nimport os, tempfile\nfrom crewai import Crew\n"
        "from crewai.utilities.paths import db_storage_path\n"
    )
    assert plain(argument(code({"pkg/sub/m.py": f"{before}Crew(x={expression})"}))) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("os.getenv('A')", ("env", "A", None)),
        ("os.environ['A']", ("env", "A", None)),
        ("os.environ.get('A', 'd')", ("env", "A", "d")),
        ("os.getenv('A', 'True') == 'True'", ("env", "A", True)),
        ("os.getenv('A', '').lower() in ('1', 'true')", ("env", "A", False)),
        ("os.getenv('A') != 'false'", ("env", "A", True)),
        ("bool(int(os.getenv('A', '0')))", ("env", "A", "0")),
        ("settings.memory", ("env", "MEMORY", True)),
        ("settings.flag", ("env", "MY_FLAG", False)),
        ("get().dir", ("env", "APP_DIR", None)),
        ("config('A', default=False)", ("env", "A", False)),
        ("truthy('A', default=True)", ("env", "A", True)),
    ],
)
def test_environment(expression: str, expected: object) -> None:
    before = """
        import os
        from decouple import config
        from pydantic import Field
        from pydantic_settings import BaseSettings
        class Settings(BaseSettings):
            memory: bool = True
            flag: bool = Field(default=False, env="MY_FLAG")
        class Prefixed(BaseSettings):
            model_config = SettingsConfigDict(env_prefix="app_")
            dir: str
        settings = Settings()
        def get(): return Prefixed()
        def truthy(name, default=False):
            return os.getenv(name, str(default)).lower() in {"1", "true", "yes"}
    """
    assert plain(value(expression, before)) == expected


@pytest.mark.parametrize(
    ("expression", "known", "confidence"),
    [
        ("True", True, "high"),
        ("0", False, "high"),
        ("os.getenv('A', 'True') == 'True'", True, "medium"),
        ("os.getenv('A', 'False').lower() == 'false'", True, "medium"),
        ("os.getenv('A', 'false')", False, "medium"),
        ("load().get('memory', True)", True, "medium"),
        ("not os.getenv('A', '')", True, "medium"),
        ("True and ON", True, "medium"),
        ("ON and False", False, "high"),
        ("Crew()", True, "high"),
        ("os.environ['A']", None, ""),
        ("load()", None, ""),
        ("getattr(load(), 'enable', False)", False, "medium"),
    ],
)
def test_truth_is_what_an_unset_environment_gives(expression: str, known: bool | None, confidence: str) -> None:
    base = code(f"import os\nfrom crewai import Crew\nON = os.getenv('ON', '1')\nCrew(x={expression})")
    answer = base.truth(argument(base))
    if known is None:
        assert isinstance(answer, Unknown)
    else:
        assert isinstance(answer, Known)
        assert (answer.value, answer.confidence) == (known, confidence)


def test_a_flag_that_turns_memory_on_is_the_flag() -> None:
    base = code("""
        import os
        from crewai import Crew
        def build():
            kw = {"agents": []}
            if os.getenv("MEM", "false") == "true":
                kw["memory"] = True
            return Crew(**kw)
    """)
    call = next(s for s in base.calls if s.callee == "crewai.Crew")
    assert plain(base.evaluate(call.node, call.scope)) == (
        "crewai.Crew",
        {"agents": [], "memory": ("env", "MEM", False)},
    )


def test_keyword_arguments_that_cannot_be_seen() -> None:
    base = code("from crewai import Crew\nCrew(a=1, **load())")
    call = next(s for s in base.calls if s.callee == "crewai.Crew")
    assert plain(base.evaluate(call.node, call.scope)) == ("crewai.Crew", {"a": 1, "**": "?"})


@pytest.mark.parametrize(
    ("expression", "nature"),
    [
        ("str(uuid.uuid4())", "random"),
        ("uuid4().hex[:8]", "random"),
        ("secrets.token_hex(4)", "random"),
        ("random.randint(1, 2)", "random"),
        ("time.time()", "time"),
        ("datetime.now().strftime('%Y')", "time"),
        ("datetime.utcnow().isoformat()", "time"),
        ("os.getpid()", "process"),
        ("socket.gethostname()", "host"),
        ("ulid.new().str", "random"),
    ],
)
def test_fresh_values(expression: str, nature: str) -> None:
    before = (
        "import uuid, secrets, random, time, os, socket, ulid\nfrom uuid import uuid4\nfrom datetime import datetime"
    )
    found = value(expression, before)
    assert isinstance(found, Fresh)
    assert (found.nature, found.per_process) == (nature, True)


def test_fresh_in_a_function_is_fresh_for_each_call() -> None:
    found = argument(
        code("import uuid\nfrom crewai import Crew\ndef f():\n    n = f'crew-{uuid.uuid4()}'\n    return Crew(x=n)")
    )
    assert plain(found) == ("concat", "crew-", ("fresh", "random"))
    assert isinstance(found, Concat)
    assert found.parts[1] == Fresh("uuid4()", "random", found.parts[1].at, per_process=False)


REQUEST = """
    from fastapi import FastAPI, Header, Request, Depends
    from flask import request as flask_request
    from pydantic import BaseModel
    from crewai import Crew
    import uuid
    app = FastAPI()
    class Chat(BaseModel):
        session_id: str
    def user(x_user: str = Header(...)): return x_user
    def run(sid, other="d"): return Crew(x={})
    @app.post("/{{room}}")
    async def chat(body: Chat, room: str, request: Request, who=Depends(user)):
        data = await request.json()
        return run({})
"""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("body.session_id", "<session_id of the request body>"),
        ("room", "<room of the request>"),
        ("data['id']", "<id of the request body>"),
        ("data.get('id') or str(uuid.uuid4())", ("or", "<id of the request body>", ("fresh", "random"))),
        ("request.headers.get('X-Id')", "<header X-Id>"),
        ("request.query_params['q']", "<q of the query>"),
        ("flask_request.json['id']", "<id of the request body>"),
        ("flask_request.args.get('id', 'x')", ("or", "<id of the query>", "x")),
        ("who", "<header x-user>"),
        ("'constant'", "constant"),
    ],
)
def test_request_data_through_a_call(expression: str, expected: object) -> None:
    assert plain(argument(code(REQUEST.format("sid", expression)))) == expected


def test_parameters_follow_all_callers() -> None:
    source = "from crewai import Crew\ndef f(n, m=3): return Crew(x={})\nf('a')\nf(n='b', m=4)"
    assert plain(argument(code(source.format("n")))) == ("choice", "a", "b")
    assert plain(argument(code(source.format("m")))) == ("choice", 3, 4)


@pytest.mark.parametrize(
    "use",
    [
        "Thread(target=f, args=('v',)).start()",
        "Thread(target=f, kwargs={'n': 'v'})",
        "partial(f, 'v')",
        "pool.submit(f, 'v')",
        "f.delay('v')",
        "f.apply_async(kwargs={'n': 'v'})",
        "asyncio.to_thread(f, n='v')",
        "f(**{'n': 'v'})",
        "(lambda: f('v'))()",
    ],
)
def test_arguments_of_functions_that_are_handed_on(use: str) -> None:
    source = f"from crewai import Crew\ndef f(n='d'): return Crew(x=n)\ndef g(): {use}\n"
    found = plain(argument(code(source)))
    assert found == "v"


def test_session_state_is_followed_to_what_is_stored() -> None:
    found = value(
        "st.session_state.sid",
        "import streamlit as st, uuid\nif 'sid' not in st.session_state:\n    st.session_state.sid = str(uuid.uuid4())",
    )
    assert plain(found) == ("fresh", "random")


def test_dataclass_defaults_and_arguments() -> None:
    before = (
        "from dataclasses import dataclass, field\n@dataclass\nclass C:\n"
        "    a: str = 'd'\n    b: list = field(default_factory=list)"
    )
    assert plain(value("C().a", before)) == "d"
    assert plain(value("C(a='e').a", before)) == "e"
    assert plain(value("C().b", before)) == []


SHARED = """
from crewai import Crew
class Bot:
    store = "/data/bot"
    def crew(self):
        return Crew(x=self.store)
class Support(Bot):
    store = "/tmp/support"
class Plain(Bot): ...
{}
"""


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("Support()", "/tmp/support"),
        ("Bot()", "/data/bot"),
        ("Plain()", "/data/bot"),
        ("Support()\nPlain()", ("choice", "/data/bot", "/tmp/support")),
        ("", ("choice", "/data/bot", "/tmp/support")),
    ],
)
def test_what_a_subclass_sets_anew(made: str, expected: object) -> None:
    assert plain(argument(code(SHARED.format(made)))) == expected
