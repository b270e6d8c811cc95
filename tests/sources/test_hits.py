"""The pass over all Python files: what it notes, and that a large tree gives the answers that a small one gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from crewmem_doctor.sources import _hits
from crewmem_doctor.sources.discover import Tree, discover

CREW = "from crewai import Crew  # crewmem: ignore\n"
FILES = {
    "aside/zero.py": "from writers.agents import build\n",
    "aside/one.py": "import modal\n",
    "app/writers/__init__.py": "",
    "app/writers/agents.py": CREW,
    "app/writers/zebra.py": "from writers.agents import build\n",
    "app/other/__init__.py": "",
    "app/other/main.py": CREW,
    "main.py": "import writers\nimport other\n",
    "nothing.py": "pass\n",
}


def tree_of(root: Path, files: dict[str, str]) -> Tree:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return discover(root)


def test_a_large_tree_gives_the_answers_of_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tree_of(tmp_path, FILES)
    monkeypatch.setattr(_hits, "_KEEP_FILES", 2)
    large = tree_of(tmp_path, FILES)
    assert (large.hits, large.commented) == (small.hits, small.commented)
    assert small.hits == ("app/other/main.py", "app/writers/agents.py")
    assert b"writers" not in small.noted
    assert b"writers" in large.noted
    words = [b"writers", b"other", b"modal", b"absent"]
    assert large.mentions(words, small.python[2:]) == small.mentions(words, small.python[2:])
    assert small.mentions(words, small.python)[b"other"] == ["main.py"]
    for word in [b"import modal", *words]:
        assert large.grep([word]) == small.grep([word]), word


def test_who_mentions_the_package_of_agents_is_known_without_reading_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_hits, "_KEEP_FILES", 2)
    tree = tree_of(tmp_path, FILES)
    monkeypatch.setattr(tree, "load", lambda path: pytest.fail(f"{path} is read again"))
    assert tree.mentions([b"writers"], tree.python)[b"writers"] == ["app/writers/zebra.py", "aside/zero.py", "main.py"]


def test_many_packages_are_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_hits, "_KEEP_FILES", 2)
    files = {f"p{n}/{name}": text for n in range(9) for name, text in (("__init__.py", ""), ("agents.py", CREW))}
    assert set(tree_of(tmp_path, files).noted) == {b"modal", b"enqueue"}
