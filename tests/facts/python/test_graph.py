from __future__ import annotations

import pytest
from python_tree import code, entries, site

CREW = "from crewai import Crew\ndef build(): return Crew(memory=True)\n"


def ways(files: dict[str, str] | str, *names: str, callee: str = "crewai.Crew") -> list[tuple[str, bool, list[str]]]:
    base = code(files)
    chains = base.chains(site(base, callee), entries(base, *(names or ("handler",))))
    return [(c.entry.label, c.builds, [s.note for s in c.steps]) for c in chains]


@pytest.mark.parametrize(
    "body",
    [
        "return build()",
        "return Crew(memory=True)",
        "return asyncio.run(build())",
        "tasks.add_task(build, 1)",
        "await asyncio.to_thread(build)",
        "loop.run_in_executor(None, build)",
        "threading.Thread(target=build).start()",
        "loop.call_soon(lambda: build())",
        "functools.partial(build)()",
        "build.delay(1)",
        "build.apply_async()",
        "queue.enqueue(build, 1)",
        "queue.enqueue('app.crew.build', 1)",
        "celery.send_task('app.crew.build')",
        "from app.crew import build as b\n    return b()",
        "def inner(): return build()\n    return inner()",
        "return [build() for _ in range(2)]",
        "return {'a': build}['a']()",
    ],
)
def test_ways_to_a_function(body: str) -> None:
    main = f"from app.crew import build\nfrom crewai import Crew\nasync def handler(tasks):\n    {body}\n"
    base = code({"app/crew.py": CREW, "app/main.py": main})
    goal = [s for s in base.calls if s.callee == "crewai.Crew"]
    found = [c for s in goal for c in base.chains(s, entries(base, "handler"))]
    assert found
    assert all(c.builds and len(c.steps) <= 2 for c in found)


def test_through_modules_and_methods() -> None:
    files = {
        "app/crew.py": (
            "from crewai import Crew\nclass Team:\n    def create_crew(self): return Crew()\n"
            "    def run(self): return self.create_crew().kickoff()\n"
        ),
        "app/service.py": (
            "from .crew import Team\nclass Service:\n    def __init__(self): self.team = Team()\n"
            "    def ask(self): return self.team.run()\n"
        ),
        "app/main.py": "from app.service import Service\ndef handler(): return Service().ask()\n",
    }
    assert ways(files) == [("handler", True, ["calls ask()", "calls run()", "calls create_crew()"])]


def test_crew_base() -> None:
    files = {
        "crew.py": (
            "from crewai import Agent, Crew\n"
            "from crewai.project import CrewBase, agent, crew\n@CrewBase\nclass Team:\n"
            "    @agent\n    def a(self): return Agent(memory=True)\n"
            "    @crew\n    def crew(self): return Crew(agents=self.agents)\n"
        ),
        "main.py": "from crew import Team\ndef handler(): return Team().crew().kickoff(inputs={})\n",
    }
    assert ways(files) == [("handler", True, ["calls crew()"])]
    assert ways(files, callee="crewai.Agent") == [("handler", True, ["calls crew()", "collects a()"])]


def test_flow_methods_run_when_the_flow_is_kicked_off() -> None:
    source = (
        "from crewai import Crew\n"
        "from crewai.flow.flow import Flow, start\n"
        "class F(Flow):\n    @start()\n"
        "    def first(self): return Crew()\n"
        "def handler(): return F().kickoff()\n"
    )
    assert ways(source) == [("handler", True, ["calls F.kickoff()"])]


@pytest.mark.parametrize(
    "source",
    [
        "crew = build()\ndef handler(): return crew.kickoff()",
        (
            "class S:\n"
            "    def __init__(self): self.crew = build()\n"
            "    def ask(self): return self.crew.kickoff()\n"
            "s = S()\ndef handler(): return s.ask()"
        ),
        (
            "_c = None\ndef get():\n"
            "    global _c\n    if _c is None:\n"
            "        _c = build()\n    return _c\n"
            "def handler(): return get().kickoff()"
        ),
        "@lru_cache\ndef get(): return build()\ndef handler(): return get().kickoff()",
        "def startup(): app.state.crew = build()\ndef handler(request): return request.app.state.crew.kickoff()",
        "CREWS = {'a': build()}\ndef handler(): return CREWS['a'].kickoff()",
        (
            "CREWS = {}\ndef get(k):\n"
            "    if k not in CREWS:\n"
            "        CREWS[k] = build()\n"
            "    return CREWS[k]\n"
            "def handler(): return get(1)"
        ),
        "class S:\n    crew = build()\n    def ask(self): return self.crew\ndef handler(): return S().ask()",
        "@lru_cache\ndef get(): return build()\ndef handler(crew=Depends(get)): return crew.kickoff()",
    ],
)
def test_an_object_made_once_is_used_not_built(source: str) -> None:
    found = ways({"crew.py": CREW, "main.py": f"from crew import build\n{source}\n"})
    assert [(label, builds) for label, builds, _ in found] == [("handler", False)]


def test_a_singleton_of_another_module() -> None:
    files = {
        "crew.py": CREW,
        "deps.py": "from crew import build\nteam = build()\n",
        "main.py": "from deps import team as t\ndef handler(): return t.kickoff()\n",
    }
    assert ways(files) == [("handler", False, ["uses team", "calls build()"])]


def test_dependency_injection() -> None:
    source = (
        "from typing import Annotated\nfrom fastapi import Depends\n"
        "from crewai import Crew\nclass S:\n    def __init__(self): self.c = Crew()\ndef get(): return S()\n"
        "Dep = Annotated[S, Depends(get)]\ndef one(s: S = Depends(get)): ...\ndef two(s: Dep): ...\n"
        "def three(s: Annotated[S, Depends(get)]): ...\ndef four(s: S = Depends()): ...\ndef five(s: S): ...\n"
    )
    found = ways(source, "one", "two", "three", "four", "five")
    assert sorted(label for label, _, _ in found) == ["four", "one", "three", "two"]


def test_a_dependency_under_a_name_of_its_own_in_another_module() -> None:
    files = {
        "deps.py": "import typing as t\nfrom fastapi import Depends\nfrom crewai import Crew\n"
        "def get(): return Crew()\nTheCrew = t.Annotated[Crew, Depends(get)]\nOther = t.Annotated[int, Depends(int)]\n",
        "main.py": "from deps import Other, TheCrew\ndef handler(crew: TheCrew): ...\ndef other(number: Other): ...\n",
    }
    assert [label for label, _, _ in ways(files, "handler", "other")] == ["handler"]


@pytest.mark.parametrize("marker", ["FromDishka[S]", "Injected[S]", "Annotated[S, Inject]", "list[S]"])
def test_an_object_that_a_container_hands_over(marker: str) -> None:
    source = (
        "from typing import Annotated\nfrom dishka import FromDishka\nfrom wireup import Injected\n"
        "from aioinject import Inject\nfrom crewai import Crew\n"
        "class S:\n    def go(self): return Crew()\nclass T:\n    def go(self): return 1\n"
        f"def handler(s: {marker}): return s.go()\n"
    )
    assert [label for label, _, _ in ways(source)] == ([] if marker == "list[S]" else ["handler"])


def test_a_distinctive_method_of_an_unknown_object_is_followed_and_a_common_one_not() -> None:
    source = (
        "from crewai import Crew\nclass S:\n    def {0}(self): return Crew()\ndef handler(thing): return thing.{0}()\n"
    )
    assert ways(source.format("build_support_crew")) == [("handler", True, ["calls build_support_crew()"])]
    assert ways(source.format("run")) == []


def test_one_chain_for_each_entry_the_building_and_shortest_first() -> None:
    source = (
        "from crewai import Crew\ndef build(): return Crew()\ndef far(): return build()\nkept = build()\n"
        "def one(): return build()\n"
        "def two(): return far()\n"
        "def three(): return kept\n"
        "def four(): return (kept, far())\n"
    )
    assert [(label, builds, len(steps)) for label, builds, steps in ways(source, "one", "two", "three", "four")] == [
        ("one", True, 1),
        ("two", True, 2),
        ("three", False, 2),
        ("four", True, 2),
    ]


def test_a_script_is_its_modules_body() -> None:
    base = code(

            "import streamlit as st\n"
            "from crewai import Crew\n"
            "def build(): return Crew()\n"
            "if st.button('Go'):\n    build()\n"

    )
    body = base.modules["main.py"].body
    entry = next(iter(entries(base, "build").values()))
    found = base.chains(site(base, "crewai.Crew"), {body: entry})
    assert [(c.builds, [s.at.line for s in c.steps]) for c in found] == [(True, [5])]


def test_steps_stand_at_the_calls() -> None:
    base = code({"crew.py": CREW, "main.py": "from crew import build\ndef handler():\n    return build()\n"})
    chain = base.chains(site(base, "crewai.Crew"), entries(base, "handler"))[0]
    assert [str(s.at) for s in chain.steps] == ["main.py:3"]
    assert [f.qualname for f in chain.functions] == ["handler", "build"]


def test_recursion_ends() -> None:
    assert ways(
        "from crewai import Crew\ndef a(): return b()\ndef b():\n    a()\n    return Crew()\ndef handler(): a()\n"
    ) == [("handler", True, ["calls a()", "calls b()"])]


def test_overridden_methods_are_reached_through_the_base() -> None:
    source = (
        "from crewai import Crew\nclass Base:\n"
        "    def run(self): return self.make()\n"
        "    def make(self): raise NotImplementedError\n"
        "class Mine(Base):\n    def make(self): return Crew()\ndef handler(): return Mine().run()\n"
    )
    assert ways(source) == [("handler", True, ["calls run()", "calls make()"])]


FLAGGED = """from crewai import Crew
class Chat:
    def __init__(self):
        self.ready = False
    def prepare(self):
        if self.ready:
            return
        crew = Crew(memory=True)
        self.crew = crew
        self.ready = True
    def answer(self, text):
        self.prepare()
        return self.crew.kickoff()
"""


@pytest.mark.parametrize("guard", ["self.ready", "hasattr(self, 'crew') and self.crew"])
def test_an_object_that_builds_its_crew_once(guard: str) -> None:
    """It is built for each request only where the object itself is."""
    chat = FLAGGED.replace("if self.ready:", f"if {guard}:")
    kept = (
        "from app.chat import Chat\nclass Bot:\n    def __init__(self):\n        self.chat = Chat()\n"
        "    def handler(self, text):\n        return self.chat.answer(text)\ndef main():\n    Bot().start()\n"
    )
    assert {b for _, b, _ in ways({"app/chat.py": chat, "app/main.py": kept})} == {False}
    anew = "from app.chat import Chat\ndef handler(text):\n    return Chat().answer(text)\n"
    assert {b for _, b, _ in ways({"app/chat.py": chat, "app/main.py": anew})} == {True}


def test_a_flag_that_guards_nothing() -> None:
    plain = FLAGGED.replace("        if self.ready:\n            return\n", "")
    kept = "from app.chat import Chat\nchat = Chat()\ndef handler(text):\n    return chat.answer(text)\n"
    assert {b for _, b, _ in ways({"app/chat.py": plain, "app/main.py": kept})} == {True}


def test_a_request_that_makes_the_object_but_never_asks_it_builds_nothing() -> None:
    main = "from app.chat import Chat\ndef handler():\n    return Chat().ready\ndef main():\n    Chat().answer('')\n"
    assert ways({"app/chat.py": FLAGGED, "app/main.py": main}) == []


def test_a_dict_that_is_filled_under_a_new_key_guards_nothing() -> None:
    source = """
        import uuid
        from crewai import Crew
        class Service:
            def __init__(self):
                self.crews = {}
            def make(self, work):
                if not work:
                    return None
                crew = Crew(memory=True)
                self.crews[uuid.uuid4()] = crew
                return crew
        service = Service()
        def handler(work):
            return service.make(work)
    """
    assert [b for _, b, _ in ways(source)] == [True]


NEVER = """
from crewai import Crew
class Service:
    def __init__(self):
        self.crews = {{}}
    {mark}
    def make(self, key):
        self.crews[key] = Crew(memory=True)
service = Service()
def handler():
    return list(service.crews)
"""


def test_readers_of_what_nothing_ever_makes() -> None:
    assert ways(NEVER.format(mark="")) == []
    assert [b for _, b, _ in ways(NEVER.format(mark="@app.on_event('startup')"))] == [False]
    used = NEVER.format(mark="") + "def other():\n    service.make(1)\n"
    assert [b for _, b, _ in ways(used, "handler", "other")] == [False, True]
