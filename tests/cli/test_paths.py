"""Several paths are one audit of the folder that holds them, narrowed to what was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from crewmem_doctor.cli.scan import audited
from crewmem_doctor.errors import UsageError
from crewmem_doctor.sources.discover import discover

FILES = ("a/b/x.py", "a/b/deep/y.py", "a/c/z.py", "a [1]/q.py", "r.py", "compose.yaml", "e/compose.yaml", "e/f.py")


@pytest.mark.parametrize(("wanted", "expected"), [
    (["."], {*FILES}), (["a/b", "e"], {"a/b/x.py", "a/b/deep/y.py", "e/f.py", "e/compose.yaml"}),
    (["a [1]", "r.py"], {"a [1]/q.py", "r.py"}), (["a", "a/b"], {"b/x.py", "b/deep/y.py", "c/z.py"}),
    (["r.py", "a/b", "a/b/deep/y.py"], {"r.py", "a/b/x.py", "a/b/deep/y.py"}), (["a", "."], {*FILES}),
    (["a/c/z.py", "e/compose.yaml"], {"a/c/z.py", "e/compose.yaml"}), (["a/c/z.py"], {"z.py"}),
])
def test_paths(tmp_path: Path, wanted: list[str], expected: set[str]) -> None:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import crewai\n", encoding="utf-8")
    root, patterns = audited([str(tmp_path / name) for name in wanted])
    tree = discover(root, exclude=patterns)
    assert {*tree.python, *tree.files} == expected


def test_a_path_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match="does not exist"):
        audited([".", "no/such/path"])
