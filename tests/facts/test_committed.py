"""Databases of records that lie in the tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from crewmem_doctor.facts.committed import committed_stores
from crewmem_doctor.sources.discover import discover

Writer = Callable[[Mapping[str, "str | bytes"]], Path]
TREE = {
    "data/memory/memories.lance/data/0.lance": "x", "chroma.sqlite3": "x", "a/b/flow_states.db": "x",
    "notes.txt": "x", "app.lance": "a file", "app.py": "import crewai\n",
}


def test_what_lies_there(tree: Writer) -> None:
    found = committed_stores(discover(tree(TREE)))
    assert found == ("a/b/flow_states.db", "chroma.sqlite3", "data/memory/memories.lance")


@pytest.mark.parametrize(("ignore", "left"), [
    ({".gitignore": "*.lance/\n*.db\n"}, ("chroma.sqlite3",)),
    ({".dockerignore": "data\n**/*.db\n"}, ("chroma.sqlite3",)),
    ({".dockerignore": "*\n!app.py\n"}, ()),
    ({"a/.dockerignore": "b/\n"}, ("chroma.sqlite3", "data/memory/memories.lance")),
    ({"ops/api.Dockerfile.dockerignore": "*\n"},
     ("a/b/flow_states.db", "chroma.sqlite3", "data/memory/memories.lance")),
])
def test_what_git_or_docker_leaves_out(tree: Writer, ignore: dict[str, str], left: tuple[str, ...]) -> None:
    assert committed_stores(discover(tree({**TREE, **ignore}))) == left
