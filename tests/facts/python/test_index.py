from __future__ import annotations

import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_tree import code, entries, function, site

from crewmem_doctor.facts.python.index import Assignment, Class, Function
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.python import parse


def test_hits_and_whatever_reaches_them_are_parsed() -> None:
    base = code(
        {
            "app/crew.py": "from crewai import Crew\ndef build(): return Crew()\n",
            "app/service.py": "from .crew import build\n",
            "app/routes/chat.py": "from app import (\n    other,\n    service,\n)\n",
            "app/other.py": "print('nothing here')\n",
            "lib/unrelated.py": "import service_bus\n",
        }
    )
    assert list(base.modules) == ["app/crew.py", "app/routes/chat.py", "app/service.py"]


def test_a_module_that_only_names_the_word_is_no_importer() -> None:
    base = code({"crew_x.py": "import crewai\n", "a.py": "text = 'import crew_x'\ncrew_x = 1\n"})
    assert list(base.modules) == ["crew_x.py"]


def test_tools_of_crewai_pull_in_no_importers() -> None:
    base = code({"t.py": "from crewai.tools import BaseTool\n", "a.py": "import t\n"})
    assert list(base.modules) == ["t.py"]


def test_imported_modules_are_parsed_on_demand() -> None:
    base = code({"m.py": "from crewai import Crew\nfrom conf import ON\nCrew(memory=ON)\n", "conf.py": "ON = True\n"})
    assert list(base.modules) == ["m.py"]
    call = site(base, "crewai.Crew")
    assert base.truth(base.evaluate(call.argument("memory"), call.scope)).value is True  # type: ignore[union-attr]
    assert base.is_loaded("conf.py")


def test_relative_and_root_relative_imports_find_the_near_file() -> None:
    files = {
        f"{part}/{name}": text
        for part in ("one", "two")
        for name, text in {
            "app/crew.py": "import crewai\ndef build(): ...\n",
            "app/main.py": "from app.crew import build\nbuild()\n",
        }.items()
    }
    base = code(files)
    assert sorted(s.callee for s in base.calls) == ["one.app.crew.build", "two.app.crew.build"]


def test_installed_packages_win_over_files_of_the_same_name() -> None:
    base = code({"app/m.py": "import crewai, redis\nredis.Redis()\n", "app/redis.py": "import crewai\n"})
    assert [s.callee for s in base.calls] == ["redis.Redis"]


def test_what_cannot_be_parsed_is_a_gap() -> None:
    base = code({"bad.py": "import crewai\nprint 'python 2'\n", "good.py": "import crewai\n"})
    assert list(base.modules) == ["good.py"]
    assert [(g.path, g.line, g.kind) for g in base.gaps] == [("bad.py", 2, "parse")]


def test_definitions() -> None:
    base = code("import crewai\nX = 1\nclass A:\n    y = 2\n    def f(self): self.z = 1\ndef g(): ...\n")
    assert isinstance(base.definition("main.A"), Class)
    assert isinstance(base.definition("main.A.f"), Function)
    assert isinstance(base.definition("main.g"), Function)
    for name in ("main.X", "main.A.y", "main.A.z"):
        assert isinstance(base.definition(name), Assignment)
    assert base.definition("main.nothing") is None


def test_columns_count_code_points_and_a_call_begins_at_its_last_word() -> None:
    base = code("import crewai\nnäme = ('é', crewai.Crew().kickoff())\n")
    call = site(base, "crewai.Crew.kickoff")
    assert (call.location.line, call.location.column, call.location.end_column) == (2, 28, 35)
    assert base.location(call.node, call.scope.module).column == 28


def test_name_location_points_behind_def() -> None:
    base = code("import crewai\nasync def chat(): ...\n")
    found = base.name_location(function(base, "chat"))
    assert (found.line, found.column, found.end_column) == (2, 11, 15)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 400,
        "x = " + "-" * 5000 + "1",
        "x = a" + ".b" * 3000,
        "x = " + "+".join(["'a'"] * 3000),
        "\x00",
        "x = f" + "()" * 900,
        "if a:\n pass\n" + "elif a:\n pass\n" * 900,
        "x = 1e999999 + '\\d'",
    ],
)
def test_deep_and_odd_sources_never_raise(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        base = code(f"import crewai\n{text}\ncrewai.Crew(x=x)\n")
        for call in base.calls:
            base.evaluate(call.node, call.scope)


def test_parse_reports_the_line() -> None:
    assert parse("x = 1\ny = (\n", "a.py") == Gap(
        "a.py", 2, "parse", "not Python of this interpreter: '(' was never closed"
    )


WORDS = st.sampled_from(
    ["self", "x", "y", "Crew", "crewai", "os", "request", "app", "state", "kw", "f", "C", "environ"]
)


LEAVES = ("W", "'a'", "1", "None", "__file__", "{}", "W.W")
NODES = (
    "W(E)",
    "(E).W(E, x=E)",
    "(E or E)",
    "(E + E)",
    "(E / E)",
    "(E if E else E)",
    "(E)[E]",
    "{'a': E, **E}",
    "[E for x in E]",
    "(lambda y: E)",
    "(E % (E,))",
    "(E == E)",
    "'{} {x}'.format(E, x=E)",
    "(y := E)",
    "f'{E}-{E}'",
    "W.W.W",
)
STATEMENTS = (
    "W = E",
    "W.W = E",
    "W['k'] = E",
    "x += E",
    "if E:\n    W = E\nelse:\n    W = E",
    "from crewai import *",
    "def f(x, y=E, **kw):\n    global C\n    C = x\n    return E",
    "for W in E:\n    E",
    "from . import x",
    "class C(W):\n    y = E\n    def f(self, x=E):\n        self.x = E\n        return self.y",
    "import crewai.memory as x",
)


@st.composite
def modules(draw: st.DrawFn) -> str:
    """Statements whose every W is a word and every E an expression."""
    budget = 60

    def fill(template: str, depth: int) -> str:
        nonlocal budget
        parts = []
        for char, after in zip(template, template[1:] + " ", strict=True):
            budget -= 1
            if char == "W":
                parts.append(draw(WORDS))
            elif char == "E" and not after.isalpha():
                leaf = depth > 3 or budget < 0
                parts.append(fill(draw(st.sampled_from(LEAVES if leaf else LEAVES + NODES)), depth + 1))
            else:
                parts.append(char)
        return "".join(parts)

    return "\n".join(fill(s, 0) for s in draw(st.lists(st.sampled_from(STATEMENTS), max_size=8)))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(modules(), modules())
def test_any_code_can_be_asked_anything(one: str, other: str) -> None:
    base = code(
        {"a.py": f"import crewai, os\nfrom b import *\n{one}", "b.py": f"from a import *\nimport crewai\n{other}"}
    )
    known = entries(base, "f")
    for call in base.calls:
        base.truth(base.evaluate(call.node, call.scope))
        base.type_of(call.node, call.scope)
        base.chains(call, known)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_module_or_a_gap(text: str) -> None:
    code({"a.py": text + "\n#crewai"})


def test_a_route_that_only_reads_app_state_is_reached() -> None:
    base = code(
        {
            "app/main.py": "from crewai import Crew\ndef start(app): app.state.team = Crew()\n",
            "app/routes.py": (
                "def chat(request): return team_of(request)\ndef team_of(request): return request.app.state.team\n"
            ),
            "app/late.py": "from .routes import team_of\n",
        }
    )
    assert list(base.modules) == ["app/late.py", "app/main.py", "app/routes.py"]
