"""Settings in code: what is read, what is set and when, and the servers that code starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from crewmem_doctor.facts.python import CodeFacts
from crewmem_doctor.model.expression import Text
from crewmem_doctor.model.known import Known

Read = Callable[[Mapping[str, str]], CodeFacts]


def test_reads(read: Read) -> None:
    facts = read(
        {
            "app.py": """
import os
from os import getenv
from crewai import Memory
A = os.getenv("A")
B = getenv("B", "b")
C = os.environ["C"]
D = os.environ.get("D", "d")
memory = Memory(storage=C)
"""
        }
    )
    reads = {r.name: r for r in facts.code.env_reads}
    assert [(n, reads[n].required, reads[n].memory) for n in "ABCD"] == [
        ("A", False, False),
        ("B", False, False),
        ("C", True, True),
        ("D", False, False),
    ]
    assert reads["B"].default == Text("b", getattr(reads["B"].default, "at", None))


def test_writes(read: Read) -> None:
    facts = read(
        {
            "app.py": """
import os
import crewai
os.environ["A"] = "/data"
os.environ.setdefault("B", "b")
os.environ.update({"C": "c"})

def later():
    os.environ["D"] = "d"

if __name__ == "__main__":
    os.environ["E"] = "e"
"""
        }
    )
    found = {w.name: (w.weak, w.at_import) for w in facts.code.env_writes}
    assert found == {
        "A": (False, True),
        "B": (True, True),
        "C": (False, True),
        "D": (False, False),
        "E": (False, False),
    }


def test_dotenv(read: Read) -> None:
    facts = read({"app.py": "from dotenv import load_dotenv\nload_dotenv()\nimport crewai\n"})
    assert [at.line for at in facts.code.dotenv_loads] == [2]


@pytest.mark.parametrize(
    ("source", "server", "target", "workers", "variable"),
    [
        ("import uvicorn\nuvicorn.run('main:app', workers=4)\n", "uvicorn", "main:app", 4, ""),
        (
            "import uvicorn\nfrom fastapi import FastAPI\napp = FastAPI()\nuvicorn.run(app)\n",
            "uvicorn",
            "main:app",
            None,
            "",
        ),
        (
            "import os, uvicorn\nuvicorn.run('main:app', workers=int(os.getenv('WORKERS', '2')))\n",
            "uvicorn",
            "main:app",
            2,
            "WORKERS",
        ),
        ("from flask import Flask\napp = Flask(__name__)\napp.run(debug=True)\n", "flask", "main:app", None, ""),
    ],
)
def test_servers_in_code(read: Read, source: str, server: str, target: str, workers: int | None, variable: str) -> None:
    (run,) = read({"main.py": "import crewai\n" + source}).code.server_runs
    found = run.workers.value if isinstance(run.workers, Known) else None
    assert (run.server, run.target, found, run.workers_env) == (server, target, workers, variable)


def test_modules_know_what_they_import(read: Read) -> None:
    facts = read(
        {
            "app/__init__.py": "",
            "app/crew.py": "from crewai import Crew\n",
            "app/main.py": "from app.crew import Crew\n\ndef f():\n    from app import late\n",
            "app/late.py": "import crewai\n",
            "app/main_old.py": "import crewai\n",
        }
    )
    module = facts.code.module("app/main.py")
    assert module is not None
    assert module.imports == ("app/crew.py",)
    assert "app/late.py" in module.lazy_imports
    assert [m.path for m in facts.code.modules if m.archived] == ["app/main_old.py"]


@pytest.mark.parametrize(
    "source",
    [
        "from crewai import Crew\nCrew(memory=",
        "from crewai import Crew\nCrew(*a, **b)(**c)\n",
        "import crewai\nx = (lambda: x)()\n",
        "from crewai import *\nCrew(memory=True)\n",
        "from crewai import Crew\nclass Crew(Crew):\n    pass\nCrew(memory=Crew)\n",
        "from crewai import Crew\ndef f():\n    return f()\nCrew(memory=f())\n",
        "\x00from crewai import Crew\n",
    ],
)
def test_any_source_is_survived(read: Read, source: str) -> None:
    read({"app.py": source})


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("for name, value in KEYS.items(): os.environ[name] = value", ["*"]),
        ("os.environ.update(load())", ["*"]),
        ("os.environ.update(A='1')", ["A"]),
        ("os.environ.update({'A': '1', 'B': '2'})", ["A", "B"]),
    ],
)
def test_a_computed_name_may_be_any_variable(read: Read, line: str, names: list[str]) -> None:
    facts = read({"app.py": f"import os\nfrom crewai import Crew\nfrom keys import KEYS, load\n{line}\n"})
    assert [w.name for w in facts.code.env_writes] == names


def test_a_call_of_a_subclass_is_marked(read: Read) -> None:
    source = """
from crewai import Crew, Memory
class Fast(Memory):
    backend: str = ""
Fast(backend="redis")
Crew(agents=[], tasks=[])
"""
    calls = read({"app.py": source}).code.calls
    assert {(c.callee, c.inherited) for c in calls} == {("crewai.Memory", True), ("crewai.Crew", False)}
