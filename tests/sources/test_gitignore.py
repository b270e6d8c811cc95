"""Patterns of .gitignore files, with git itself as the judge where it is there."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewmem_doctor.sources.gitignore import IgnoreFile, ignored


def says(text: str, path: str, is_dir: bool = False, base: str = "") -> bool:
    return ignored((IgnoreFile(text, base),), path.rpartition("/")[2], path, is_dir)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a.py", "x/y/a.py", True),
        ("/a.py", "x/a.py", False),
        ("/a.py", "a.py", True),
        ("x/a.py", "x/a.py", True),
        ("x/a.py", "y/x/a.py", False),
        ("**/x/a.py", "y/x/a.py", True),
        ("x/**", "x/y/z", True),
        ("x/**", "x", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a**b", "axxb", True),
        ("a**b", "a/b", False),
        ("*.py[cod]", "m.pyc", True),
        ("*.py[!cod]", "m.pyc", False),
        ("[a-c].txt", "b.txt", True),
        ("[]]x", "]x", True),
        ("[[:digit:]]", "7", True),
        ("[[:nonsense:]]", "7", False),
        ("\\#x", "#x", True),
        ("#x", "#x", False),
        ("\\!x", "!x", True),
        ("x\\ ", "x ", True),
        ("x  ", "x", True),
        ("x[", "x[", False),
        ("x\\", "x\\", False),
        ("?.py", "a.py", True),
        ("?.py", "ab.py", False),
        ("*$py.class", "a$py.class", True),
        ("a*b*c*d*e", "axbxcxdxe", True),
        ("a*b*c*d*e", "axbxcxdx", False),
        ("*.a.*.b.*.c", "x.a.y.b.z.c", True),
        ("é*", "école", True),
    ],
)
def test_single_patterns(pattern: str, path: str, expected: bool) -> None:
    assert says(pattern, path) is expected


def test_the_last_match_decides_and_folders_only_match_folders() -> None:
    text = "*.log\n!keep.log\nbuild/\n"
    assert says(text, "a.log")
    assert not says(text, "x/keep.log")
    assert says(text, "build", is_dir=True)
    assert not says(text, "build")


def test_a_nested_file_overrules_the_one_above() -> None:
    chain = (IgnoreFile("*.py\n"), IgnoreFile("!a.py\n/b.py\n", "app/"))
    assert not ignored(chain, "a.py", "app/a.py", False)
    assert ignored(chain, "b.py", "app/b.py", False)
    assert ignored(chain, "c.py", "app/c.py", False)


def test_patterns_that_blow_up_elsewhere_are_quick() -> None:
    text = "\n".join(("*a" * 60 + "x", "**/a/" * 50 + "x", "a/**/" * 4 + "x", "(" * 300, "[" * 300))
    started = time.process_time()
    for path in ("a" * 250, "a/" * 120 + "a"):
        assert not says(text, path)
    assert time.process_time() - started < 1


@given(st.text(max_size=80), st.text(min_size=1, max_size=30))
def test_no_text_fails(text: str, path: str) -> None:
    says(text, path, base="")


_PIECES = st.lists(
    st.sampled_from(["a", "b", "ab", "*", "**", "?", "/", "[ab]", "[!a]", ".py", "\\*", "a*"]), min_size=1, max_size=6
)
_PATTERNS = st.lists(
    st.tuples(st.sampled_from(["", "!", "/"]), _PIECES, st.sampled_from(["", "/"])), min_size=1, max_size=5
)
PATHS = ["a", "b", "ab", "a.py", "ab.py", "d/a", "d/b.py", "d/ab/a", "d/ab/b.py", "a*", "ab/a/b/a.py"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_PATTERNS)
def test_git_agrees(repository: Path, patterns: list[tuple[str, list[str], str]]) -> None:
    text = "\n".join(start + "".join(pieces) + end for start, pieces, end in patterns)
    (repository / ".gitignore").write_text(text)
    asked = subprocess.run(
        ["git", "-C", str(repository), "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "--stdin"],
        input="\n".join(PATHS),
        capture_output=True,
        text=True,
        check=False,
    )
    file = IgnoreFile(text)
    mine = [path for path in PATHS if _ignored_with_parents(file, path)]
    assert mine == asked.stdout.split("\n")[:-1], text


def _ignored_with_parents(file: IgnoreFile, path: str) -> bool:
    parts = path.split("/")
    folders = ["/".join(parts[:n]) for n in range(1, len(parts))]
    if any(ignored((file,), folder.rpartition("/")[2], folder, True) for folder in folders):
        return True
    is_dir = any(other.startswith(path + "/") for other in PATHS)
    return ignored((file,), parts[-1], path, is_dir)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    try:
        subprocess.run(["git", "init", "-q", str(root)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git is not installed")
    for path in ("d", "ab/a"):
        (root / path).mkdir(parents=True, exist_ok=True)
    return root
