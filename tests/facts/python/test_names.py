from __future__ import annotations

import pytest
from python_tree import code, name_in, site

from crewmem_doctor.facts.python.spelling import normalise


@pytest.mark.parametrize(
    ("spelled", "public"),
    [
        ("crewai.crew.Crew", "crewai.Crew"),
        ("crewai.crew.Crew.kickoff", "crewai.Crew.kickoff"),
        ("crewai.agent.core.Agent", "crewai.Agent"),
        ("crewai.flow.flow.Flow", "crewai.flow.Flow"),
        ("crewai.Flow", "crewai.flow.Flow"),
        ("crewai.flow.flow.start", "crewai.flow.start"),
        ("crewai.flow.persist", "crewai.flow.persistence.persist"),
        ("crewai.flow.persistence.decorators.persist", "crewai.flow.persistence.persist"),
        ("crewai.memory.unified_memory.Memory", "crewai.memory.Memory"),
        ("crewai.Memory", "crewai.memory.Memory"),
        ("crewai.memory.short_term.short_term_memory.ShortTermMemory", "crewai.memory.ShortTermMemory"),
        ("crewai.memory.storage.rag_storage.RAGStorage", "crewai.memory.storage.RAGStorage"),
        ("crewai.project.crew_base.CrewBase", "crewai.project.CrewBase"),
        ("crewai.project.annotations.crew", "crewai.project.crew"),
        ("mem0.memory.main.Memory", "mem0.Memory"),
        ("mem0.Memory.from_config", "mem0.Memory.from_config"),
        ("crewai", "crewai"),
        ("crewai.utilities.paths.db_storage_path", "crewai.utilities.paths.db_storage_path"),
    ],
)
def test_internal_paths_become_public_names(spelled: str, public: str) -> None:
    assert normalise(spelled) == public


@pytest.mark.parametrize(
    "source",
    [
        "from crewai import Crew\nCrew()",
        "from crewai import Crew as C\nC()",
        "import crewai\ncrewai.Crew()",
        "import crewai as ai\nai.Crew()",
        "import crewai.crew\ncrewai.crew.Crew()",
        "from crewai.crew import Crew\nCrew()",
        "def f():\n    from crewai import Crew\n    return Crew()",
        "from crewai import *\nCrew()",
        "try:\n    from crewai import Crew\nexcept ImportError:\n    Crew = None\nCrew()",
        "from crewai import Crew\nMine = Crew\nMine()",
    ],
)
def test_ways_to_import_crew(source: str) -> None:
    assert [s.callee for s in code(source).calls] == ["crewai.Crew"]


@pytest.mark.parametrize(
    "source",
    [
        "def lazy():\n    from crewai import Agent, Crew\n    return Agent, Crew\ndef f():\n    Agent, Crew = lazy()\n    Crew()",
        "def lazy():\n    try:\n        from crewai import Crew\n        return Crew\n    except ImportError:\n        return None\nlazy()()",
        "def lazy():\n    import crewai\n    return crewai.Crew\nTeam = lazy()\nTeam()",
    ],
)
def test_classes_that_a_helper_hands_out(source: str) -> None:
    assert "crewai.Crew" in [s.callee for s in code(source).calls]


@pytest.mark.parametrize(
    "source",
    [
        "from crewai import Crew\ndef pick(own):\n    if own:\n        return Mine\n    return Crew\nclass Mine: ...\nteam = pick(1)\nteam()",
        "from crewai import Crew\ndef pair():\n    return 1, Crew\nn, team = pair()\nn()",
        "from crewai import Crew\ndef make():\n    return Crew()\nteam = make()\nteam()",
    ],
)
def test_helpers_that_hand_out_something_else(source: str) -> None:
    assert [s.callee for s in code(source).calls].count("crewai.Crew") == source.count("Crew()")


def test_packages_of_one_workspace_see_each_other() -> None:
    use = "import crewai\nfrom crews import build\nbuild()\n"
    made = "import crewai\ndef build(): ...\n"
    for home in ("libs/crews/src/crews", "libs/crews/crews"):
        base = code({f"{home}/__init__.py": made, "apps/api/src/api/main.py": use})
        assert [s.callee for s in base.calls] == [f"{home.replace('/', '.')}.build"]


def test_a_package_of_another_project_is_not_taken_for_the_one_that_is_installed() -> None:
    use = "import crewai\nfrom crews import build\nbuild()\n"
    made = "import crewai\ndef build(): ...\n"
    for others in (["one/src/crews", "two/src/crews"], ["one/tools/crews"]):
        base = code({**{f"{home}/__init__.py": made for home in others}, "three/app/main.py": use})
        assert [s.callee for s in base.calls] == ["crews.build"]


def test_a_model_called_crew_is_not_crewais() -> None:
    base = code(
        {
            "app/models.py": "class Crew: ...\nclass Memory: ...\n",
            "app/m.py": "import crewai\nfrom app.models import Crew, Memory\nCrew()\nMemory()\n",
        }
    )
    assert [s.callee for s in base.calls] == ["app.models.Crew", "app.models.Memory"]
    assert name_in(base, "app/m.py", "Crew") == "app.models.Crew"


def test_re_exports_and_stars_of_scanned_modules() -> None:
    base = code(
        {
            "lib/__init__.py": "from .base import *\nfrom .base import Crew as Team\n",
            "lib/base.py": "from crewai import Crew\n",
            "m.py": "import crewai\nfrom lib import Team\nimport lib\nTeam()\nlib.Crew()\n",
        }
    )
    assert [s.callee for s in base.calls if s.scope.module.path == "m.py"] == ["crewai.Crew", "crewai.Crew"]


def test_namespace_packages_need_no_init() -> None:
    base = code(
        {
            "src/app/agents/crew.py": "import crewai\ndef build(): ...\n",
            "src/main.py": "import app.agents.crew\napp.agents.crew.build()\n",
        }
    )
    assert [s.callee for s in base.calls] == ["src.app.agents.crew.build"]


def test_double_imports_prefer_the_scanned_file() -> None:
    base = code(
        {
            "app/crew.py": "import crewai\ndef build(): ...\n",
            "app/m.py": (
                "try:\n    from nowhere.crew import build\nexcept ImportError:\n    from crew import build\nbuild()\n"
            ),
        }
    )
    assert [s.callee for s in base.calls] == ["app.crew.build"]


def test_subclasses() -> None:
    base = code(
        {
            "m.py": (
                "from crewai import Crew\nfrom crewai.flow.flow import Flow\n"
                "class A(Crew): ...\nclass B(A): ...\nclass F(Flow[dict]): ...\n"
            )
        }
    )
    assert base.bases("m.B") == ("m.A", "crewai.Crew")
    assert base.is_a("m.F", "crewai.flow.Flow")
    assert not base.is_a("m.F", "crewai.Crew")


def test_methods_through_types() -> None:
    base = code("""
        from crewai import Crew
        from crewai.project import CrewBase, crew
        from fastapi import FastAPI
        app = FastAPI()
        @CrewBase
        class Team:
            @crew
            def crew(self): return Crew()
        class Service:
            def __init__(self, team: "Team | None" = None):
                self.team = team or Team()
            def run(self):
                return self.team.crew().kickoff()
        @app.post("/")
        def handler(): return Service().run()
    """)
    callees = {s.callee for s in base.calls}
    assert {
        "crewai.Crew",
        "crewai.Crew.kickoff",
        "main.Team.crew",
        "main.Service.run",
        "fastapi.FastAPI.post",
    } <= callees


def test_inherited_methods_of_packages() -> None:
    base = code("from crewai.flow.flow import Flow\nclass F(Flow): ...\nF().kickoff()\n")
    assert [s.callee for s in base.calls] == ["main.F", "crewai.flow.Flow.kickoff"]


def test_spelled_keeps_the_import_path() -> None:
    base = code("from crewai.memory.short_term.short_term_memory import ShortTermMemory as S\nS()\n")
    call = site(base, "crewai.memory.ShortTermMemory")
    assert base.spelled(call.node.func, call.scope) == "crewai.memory.short_term.short_term_memory.ShortTermMemory"


def test_builtins_and_the_unknown() -> None:
    base = code("import crewai\ndef f(x): x.run(); open('a'); nothing()\n")
    assert [s.callee for s in base.calls] == ["", "builtins.open", ""]
