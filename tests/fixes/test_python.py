"""Python edits: what is not altered keeps its form, and what is written runs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from crewmem_doctor.fixes.dialects import python
from crewmem_doctor.fixes.dialects.python import arguments
from crewmem_doctor.fixes.registry import Sources, write
from crewmem_doctor.fixes.text import Document
from crewmem_doctor.model.changes import Change, Refusal
from crewmem_doctor.model.changes.code import (
    AddArgument,
    RemoveArgument,
    ReplaceArgument,
    ReplaceExpression,
    ScopeMemory,
)
from crewmem_doctor.model.location import Location


def at(text: str, what: str) -> Location:
    """The place of the only occurrence of a text."""
    assert text.count(what) == 1, what
    before, _, _ = text.partition(what)
    whole = before + what
    return Location("m.py", before.count("\n") + 1, len(before) - before.rfind("\n"),
                    whole.count("\n") + 1, len(whole) - whole.rfind("\n"))


def edited(text: str, change: Change, newline: str = "\n") -> str:
    body = text.replace("\n", newline).encode()
    edits = write([change], Sources(lambda path: body if path == "m.py" else None))
    assert not isinstance(edits, Refusal), edits.reason
    return Document.read("m.py", body).spliced(edits).decode()


def refused(text: str, change: Change) -> str:
    answer = write([change], Sources(lambda _: text.encode()))
    assert isinstance(answer, Refusal), answer
    return answer.reason


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


@pytest.mark.parametrize(("before", "argument", "after"), [
    ("f(a=1, b=2)\n", "b=2", "f(a=1)\n"),
    ("f(a=1, b=2)\n", "a=1", "f(b=2)\n"),
    ("f(b=2)\n", "b=2", "f()\n"),
    ("f(a=1, b=2,)\n", "b=2", "f(a=1,)\n"),
    ("f(\n    a=1,  # one\n    b=2,  # two\n)\n", "b=2", "f(\n    a=1,  # one\n)\n"),
    ("f(\n    a=1,  # one\n    b=2,  # two\n)\n", "a=1", "f(\n    b=2,  # two\n)\n"),
    ("f(\n    a=1,  # one\n    b=2  # two\n)\n", "b=2", "f(\n    a=1,  # one\n)\n"),
    ("f(\n    b=2,\n)\n", "b=2", "f()\n"),
    ("f(\n  a=1,\n  b=g(\n    2,\n  ),\n  *c,\n)\n", "b=g(\n    2,\n  )", "f(\n  a=1,\n  *c,\n)\n"),
    ("x = 'é😀'; f(a=1, b=2)\n", "b=2", "x = 'é😀'; f(a=1)\n"),
])
def test_an_argument_goes_alone(before: str, argument: str, after: str) -> None:
    assert edited(before, RemoveArgument(at(before, argument))) == after
    assert edited(before, RemoveArgument(at(before, argument)), "\r\n") == after.replace("\n", "\r\n")


@pytest.mark.parametrize(("before", "argument", "after"), [
    ("f(a=1, old=x)\n", "old=x", "f(a=1, memory=True)\n"),
    ("f(memory=False, old=x)\n", "old=x", "f(memory=True)\n"),
    ("f(\n    old=x,  # why\n    a=1,\n)\n", "old=x", "f(\n    memory=True,  # why\n    a=1,\n)\n"),
])
def test_an_argument_for_another(before: str, argument: str, after: str) -> None:
    assert edited(before, ReplaceArgument(at(before, argument), "memory", "True")) == after


@pytest.mark.parametrize(("before", "after"), [
    ("Crew().kickoff()\n", "Crew(memory=True).kickoff()\n"),
    ("Crew(a=1).kickoff(b=2)\n", "Crew(a=1, memory=True).kickoff(b=2)\n"),
    ("Crew(\n    a=1,  # one\n    b=2,\n).kickoff()\n", "Crew(\n    a=1,  # one\n    b=2,\n    memory=True,\n).kickoff()\n"),
    ("Crew(\n    a=1,\n)\n", "Crew(\n    a=1,\n    memory=True,\n)\n"),
])
def test_an_argument_more(before: str, after: str) -> None:
    change = AddArgument(at(before, "Crew"), "memory", "True")
    assert edited(before, change) == after
    assert "is given memory already" in refused(after, change)


def test_an_expression_with_what_it_needs() -> None:
    before = dedent("""
        '''Doc.'''

        import os
        from crewai import Crew

        path = "/tmp/x"  # here
        """)
    change = ReplaceExpression(at(before, '"/tmp/x"'), 'Path("/data")', (("pathlib", "Path"), ("crewai", "Crew")))
    assert edited(before, change) == before.replace('"/tmp/x"', 'Path("/data")').replace(
        "import Crew\n", "import Crew\nfrom pathlib import Path\n")


SCOPED = (("""
    import os

    from crewai import Crew
    from crewai.memory import Memory

    os.environ["A"] = "1"


    def team(agents, user):
        return Crew(agents=agents, memory={"type": "x", "user_id": user.id})  # theirs
    """, """
    import os

    from crewai import Crew
    from crewai.memory import Memory

    os.environ["A"] = "1"

    memory = Memory()


    def team(agents, user):
        return Crew(agents=agents, memory=memory.scope(f"/user/{user.id}/chat"))  # theirs
    """), ("""
    from crewai import Crew

    memory = "taken"


    # Answers.
    @app.post("/chat")
    def chat(body):
        return Crew(
            memory={
                "user_id": body["user"],
            },
        )
    """, """
    from crewai import Crew
    from crewai.memory import Memory

    memory = "taken"

    crew_memory = Memory()


    # Answers.
    @app.post("/chat")
    def chat(body):
        return Crew(
            memory=crew_memory.scope("/user/" + str(body["user"]) + "/chat"),
        )
    """))


@pytest.mark.parametrize(("before", "after"), SCOPED)
def test_a_scope_for_each_caller(before: str, after: str) -> None:
    before, after = dedent(before), dedent(after)
    start = before.index("memory={")
    change = ScopeMemory(at(before, before[start:before.index("}", start) + 1]), keys=("session_id", "user_id"))
    assert edited(before, change) == after


def test_a_dict_that_is_made_elsewhere_is_refused() -> None:
    text = "settings = {}\nCrew(memory=settings)\n"
    assert "made elsewhere" in refused(text, ScopeMemory(at(text, "memory=settings"), keys=("user_id",)))


@pytest.mark.parametrize("text", ["f(a=1\n", "f(" + "(" * 3000 + ")" * 3000 + ")\n", "x = " + "-" * 20000 + "1\n"])
def test_what_python_refuses_never_reaches_libcst(text: str) -> None:
    reason = refused(text, RemoveArgument(Location("m.py", 1, 3, 1, 6)))
    assert "Python" in reason or "deeply" in reason


def test_deep_nesting_that_python_takes_is_refused_and_nothing_crashes() -> None:
    text = "x = " + "a." * 900 + "b\nf(a=1, b=2)\n"
    answer = write([RemoveArgument(at(text, "b=2"))], Sources(lambda _: text.encode()))
    assert isinstance(answer, Refusal) is False or "deeply" in answer.reason


def test_a_large_call_is_rewritten_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "rewritten", lambda *_: pytest.fail("in this process"))
    monkeypatch.setattr(python, "LIMIT", 1000)
    inner = ", ".join(f"x{number}" for number in range(500))
    text = f"f(a=[{inner}], b=2)\n"
    assert edited(text, RemoveArgument(at(text, "b=2"))) == f"f(a=[{inner}])\n"
    assert "may be" not in refused(text, RemoveArgument(Location("m.py", 1, 1, 1, 2)))


def test_libcst_sees_the_call_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    whole = arguments.rewritten
    monkeypatch.setattr(arguments, "rewritten", lambda *task: seen.append(task[1]) or whole(*task))
    filler = "".join(f"x{number} = [{number}, {{'a': f(a=1)}}]\n" for number in range(5000))
    text = f"{filler}{'y = ' + 'a.' * 900 + 'b'}\ng(a=1, b=2)\n{filler}"
    assert edited(text, RemoveArgument(at(text, "b=2"))) == text.replace(", b=2", "")
    assert seen == ["g(a=1, b=2)"]


def test_a_scan_and_a_fix_of_yaml_load_no_libcst(tmp_path: Path) -> None:
    from crewmem_doctor.rules import _trees

    for name, text in _trees.service("services:\n  api:\n    build: .\n").items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    code = ("import sys\nfrom crewmem_doctor.cli.main import main\n"
            "status = main(sys.argv[1:])\n"
            "print('libcst' in sys.modules, 'crewmem_doctor.fixes.planner' in sys.modules, file=sys.stderr)\n")
    for words, loaded in (["scan", "."], "False False"), (["fix", ".", "-q"], "False True"), (
            ["scan", ".", "-f", "json"], "False True"):
        done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stderr.splitlines()[-1] == loaded, words
