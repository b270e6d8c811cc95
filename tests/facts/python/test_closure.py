"""Which modules are parsed, and how little of the rest is looked at."""

from __future__ import annotations

from collections.abc import Iterable

from python_tree import FakeTree

from crewmem_doctor.facts.python.index import CodeBase

CREW = "from crewai import Crew\n\ndef build():\n    return Crew(memory=True)\n"


class Counting(FakeTree):
    def __init__(self, files: dict[str, str]) -> None:
        super().__init__(files)
        self.searched = 0

    def grep(self, needles: Iterable[bytes], among: Iterable[str] | None = None) -> list[str]:
        # The few words that are asked of all files are noted while these are read for the first time.
        self.searched += 0 if among is None else len(list(among))
        return super().grep(needles, among)

    def mentions(self, words: Iterable[bytes], among: Iterable[str]) -> dict[bytes, list[str]]:
        paths = list(among)
        self.searched += len(paths)
        return {word: super(Counting, self).grep([word], paths) for word in words}


def test_a_word_in_an_import_of_something_else_is_not_parsed() -> None:
    base = CodeBase(FakeTree({
        "app/__init__.py": "", "app/crew.py": CREW, "app/api.py": "from app.crew import build\n",
        "app/other.py": "from somewhere import crew\nfrom app import unrelated\n",
    }))
    assert {"app/crew.py", "app/api.py"} <= set(base.modules)
    assert not base.is_loaded("app/other.py")


def test_statements_that_cannot_be_read_alone_are_read_whole() -> None:
    base = CodeBase(FakeTree({
        "app/__init__.py": "", "app/crew.py": CREW,
        "app/api.py": "def f():\n    from app.crew import (  # (one)\n        build,\n    )\n    return build()\n",
    }))
    assert "app/api.py" in base.modules


def test_what_names_a_function_for_a_queue_is_parsed() -> None:
    job = "import {0}\n\ndef f(q):\n    q.enqueue('{1}', 'x')\n"
    base = CodeBase(FakeTree({
        "app/__init__.py": "", "app/crew.py": CREW, "app/web.py": job.format("flask", "app.crew.build"),
        "app/mail.py": job.format("rq", "app.letters.send"), "app/letters.py": "def send(): ...\n",
        "app/text.py": "NAME = 'app.crew.build'\n", "main.py": "from app import web\n",
    }))
    assert {"app/web.py", "main.py"} <= set(base.modules)
    assert not {"app/mail.py", "app/text.py"} & set(base.modules)


def test_importers_of_importers_at_any_distance_and_outside_the_package() -> None:
    base = CodeBase(FakeTree({
        "app/__init__.py": "", "app/crew.py": CREW, "app/a.py": "from . import crew\n",
        "app/b.py": "from app.a import crew\n", "run.py": "import app.b\n", "tools/x.py": "import app\n",
    }))
    assert {"app/a.py", "app/b.py", "run.py"} <= set(base.modules)


def test_a_file_is_searched_a_few_times_however_long_the_chain() -> None:
    files = {f"step{n}.py": f"from step{n - 1} import build\n" for n in range(1, 9)}
    files |= {f"unrelated{n}.py": "import json\n" for n in range(50)}
    tree = Counting({"step0.py": CREW, **files})
    assert "step8.py" in CodeBase(tree).modules
    assert tree.searched < 3 * len(tree.python)


def test_files_outside_are_searched_once_for_the_names_of_several_packages() -> None:
    packages = {f"{name}/{file}": text for name in ("red", "green", "blue", "grey")
                for file, text in (("__init__.py", ""), ("crew.py", CREW))}
    outside = {f"outside{n}.py": f"import json\n# {' '.join(('red', 'green', 'blue', 'grey'))}\n" for n in range(60)}
    tree = Counting({**packages, **outside, "main.py": "from blue.crew import build\n"})
    assert "main.py" in CodeBase(tree).modules
    assert tree.searched < 2 * len(tree.python)
