"""Memories made before a fork: in the code itself, and by the import of a module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from crewmem_doctor.facts.python import read_code
from crewmem_doctor.sources.discover import discover

Writer = Callable[[Mapping[str, "str | bytes"]], Path]
HELD = """from crewai import Crew

crew = Crew(agents=[], tasks=[], memory=True)


def work(x):
    return crew.kickoff()


"""


@pytest.mark.parametrize(("start", "what"), [
    ("import multiprocessing as mp\nmp.Process(target=work, args=(1,)).start()\n", "multiprocessing.Process"),
    ("from multiprocessing import Pool\nwith Pool(2) as pool:\n    pool.map(work, [1])\n", "multiprocessing.Pool"),
    ("from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor().submit(work, 1)\n",
     "concurrent.futures.ProcessPoolExecutor"),
    ("import os\n\ndef go():\n    if os.fork() == 0:\n        crew.kickoff()\n", "os.fork"),
])
def test_a_child_that_uses_it(tree: Writer, start: str, what: str) -> None:
    facts = read_code(discover(tree({"app.py": HELD + start})))
    assert [(f.what, [m.line for m in f.memories]) for f in facts.code.forks] == [(what, [3])]


@pytest.mark.parametrize("start", [
    "import multiprocessing as mp\nmp.Process(target=print).start()\n",
    "import multiprocessing as mp\nmp.set_start_method('spawn')\nmp.Process(target=work, args=(1,)).start()\n",
    "import multiprocessing as mp\nmp.get_context('spawn').Process(target=work).start()\n",
    "from threading import Thread\nThread(target=work).start()\n",
    "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor().submit(work, 1)\n",
])
def test_no_child_that_uses_it(tree: Writer, start: str) -> None:
    assert read_code(discover(tree({"app.py": HELD + start}))).code.forks == ()


def test_a_child_that_builds_its_own(tree: Writer) -> None:
    text = HELD.replace("crew = Crew", "def build():\n    return Crew").replace("crew.kickoff", "build().kickoff")
    start = "import multiprocessing as mp\nmp.Process(target=work, args=(1,)).start()\n"
    assert read_code(discover(tree({"app.py": text + start}))).code.forks == ()


BUILDER = "from crewai import Crew\n\n\ndef build():\n    return Crew(agents=[], tasks=[], memory=True)\n"


@pytest.mark.parametrize(("main", "expected"), [
    ("from crew import build\n\ncrew = build()\n", ("main.py",)),
    ("from crew import build\n\n\ndef setup():\n    return build()\n\n\ncrew = setup()\n", ("main.py",)),
    ("from crew import build\n\nif __name__ == '__main__':\n    build()\n", ()),
    ("from crew import build\n\n\ndef handler():\n    return build()\n", ()),
    ("from crew import build\n\nhandlers = {'a': build}\n", ()),
])
def test_modules_whose_import_makes_it(tree: Writer, main: str, expected: tuple[str, ...]) -> None:
    (memory,) = read_code(discover(tree({"crew.py": BUILDER, "main.py": main}))).memories
    assert memory.made_at_import == expected
