"""The walk: what it sees, what it leaves out, and what it reads."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewmem_doctor.errors import UsageError
from crewmem_doctor.sources import _hits
from crewmem_doctor.sources import tree as reading
from crewmem_doctor.sources.decode import decode
from crewmem_doctor.sources.discover import Tree, discover

CREW = "from crewai import Crew\n"


def tree_of(root: Path, files: dict[str, str | bytes], **options: object) -> Tree:
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
    return discover(root, **options)  # type: ignore[arg-type]


def test_python_hits_and_candidates_are_sorted_relative_paths(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path,
        {
            "b/main.py": CREW,
            "a.py": "x = 1\n",
            "settings.py": 'os.environ["CREWAI_STORAGE_DIR"]\n',
            "m.py": "import mem0",
            "Dockerfile": "FROM x",
            "deploy/prod.Dockerfile": "",
            "compose.override.yaml": "",
            "data.json": "{}",
            "README.md": "crewai",
            "requirements/base.txt": "crewai",
            "notes.txt": "",
            "gunicorn.conf.py": "workers = 2",
            ".env": "A=1",
            ".env.example": "",
            "Procfile": "",
            "vercel.json": "",
            "docker-entrypoint": "",
        },
    )
    assert tree.python == ("a.py", "b/main.py", "gunicorn.conf.py", "m.py", "settings.py")
    assert tree.hits == ("b/main.py", "m.py", "settings.py")
    assert tree.files == (
        ".env",
        ".env.example",
        "Dockerfile",
        "Procfile",
        "README.md",
        "compose.override.yaml",
        "deploy/prod.Dockerfile",
        "docker-entrypoint",
        "requirements/base.txt",
        "vercel.json",
    )
    assert tree.gaps == ()


@pytest.mark.parametrize(
    "path",
    [
        ".git/hooks/a.py",
        "node_modules/x/a.py",
        "pkg/__pycache__/a.py",
        "env/Lib/site-packages/crewai/crew.py",
        ".tox/py/a.py",
        "x.egg-info/a.py",
        "tests/a.py",
        "src/Tests/a.py",
        "examples/app/a.py",
        "docs/a.py",
        "a_test.py",
        "test_a.py",
        "conftest.py",
        "web/.next/a.py",
    ],
)
def test_what_nobody_deploys_is_left_out(tmp_path: Path, path: str) -> None:
    tree = tree_of(tmp_path, {path: CREW, "app.py": CREW})
    assert tree.hits == ("app.py",)
    assert not tree.exists(path) or path.rpartition("/")[0] == ""


def test_tests_and_examples_count_when_asked_for(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"tests/test_a.py": CREW, "examples/b.py": CREW, ".tox/c.py": CREW}, include_tests=True)
    assert tree.hits == ("examples/b.py", "tests/test_a.py")


def test_a_root_inside_a_folder_of_examples_is_not_an_example(tmp_path: Path) -> None:
    root = tmp_path / "examples" / "service"
    assert tree_of(root, {"main.py": CREW}).hits == ("main.py",)


@pytest.mark.parametrize(
    "files",
    [
        {"venv/pyvenv.cfg": "", "venv/lib/a.py": CREW},
        {"anything/pyvenv.cfg": "", "anything/a.py": CREW},
        {".venv/bin/activate": "", ".venv/lib/python3.11/a.py": CREW},
        {"env/Scripts/activate": "", "env/Lib/a.py": CREW},
        {"conda/conda-meta/x": "", "conda/a.py": CREW},
    ],
)
def test_virtual_environments_are_left_out(tmp_path: Path, files: dict[str, str]) -> None:
    assert tree_of(tmp_path, {**files, "main.py": CREW}).hits == ("main.py",)


def test_a_folder_that_is_only_called_env_is_scanned(tmp_path: Path) -> None:
    assert tree_of(tmp_path, {"env/settings.py": CREW}).hits == ("env/settings.py",)


def test_copies_of_crewai_itself_are_left_out_and_projects_like_it_are_not(tmp_path: Path) -> None:
    package = {
        f"backend/crewai/src/crewai/{name}": CREW for name in ("__init__.py", "crew.py", "task.py", "process.py")
    }
    fork = {
        f"lib/fork/{name}": CREW
        for name in (
            "__init__.py",
            "crew.py",
            "task.py",
            "process.py",
            "memory/a.py",
            "telemetry/a.py",
            "utilities/a.py",
        )
    }
    own = {f"src/crewai/{name}": CREW for name in ("__init__.py", "crew.py", "agents.py", "task.py")}
    tree = tree_of(tmp_path, {**package, **fork, **own})
    assert set(tree.hits) == set(own)
    assert discover(tmp_path / "backend/crewai/src/crewai").python == ()


def test_build_output_is_left_out_beside_an_egg_info_only(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"a/x.egg-info/PKG-INFO": "", "a/build/lib/m.py": CREW, "b/build/m.py": CREW})
    assert tree.hits == ("b/build/m.py",)


def test_ignored_files_do_not_exist(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path,
        {
            ".gitignore": "*.log\n/data/\n.env\nsecret_*.py\n!secret_kept.py\n",
            "secret_a.py": CREW,
            "secret_kept.py": CREW,
            ".env": "A=1",
            "data/m.py": CREW,
            "app/data/m.py": CREW,
            "app/.gitignore": "m.py\n",
            "app/n.py": CREW,
        },
    )
    assert tree.hits == ("app/n.py", "secret_kept.py")
    assert not tree.exists(".env")
    assert tree.read(".env") is None
    assert tree.exists("app/n.py")
    assert tree.is_dir("app/data")
    assert not tree.is_dir("data")


def test_excluded_patterns_work_like_those_of_the_root(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"old/a.py": CREW, "new/a.py": CREW, "new/b.py": CREW}, exclude=("old/", "/new/b.py"))
    assert tree.hits == ("new/a.py",)


def test_links_never_lead_outside_nor_in_circles(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text(CREW)
    (outside / "Dockerfile").write_text("FROM x")
    root = tmp_path / "root"
    root.mkdir()
    (root / "real.Dockerfile").write_text("FROM y")
    (root / "Dockerfile").symlink_to(root / "real.Dockerfile")
    (root / "Dockerfile.out").symlink_to(outside / "Dockerfile")
    (root / "linked").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "self.py").symlink_to(root / "self.py")
    (root / "away.py").symlink_to(outside / "secret.py")
    tree = discover(root)
    assert tree.files == ("Dockerfile", "real.Dockerfile")
    assert tree.text("Dockerfile") == "FROM y"
    assert tree.python == ()
    assert tree.read("Dockerfile.out") is None
    assert tree.read("away.py") is None
    assert tree.read("linked/secret.py") is None
    assert tree.read("../outside/secret.py") is None


def test_files_over_the_cap_are_gaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SIZE_CAP", 100_000)
    tree = tree_of(
        tmp_path, {"big.py": CREW + "#" * 100_000, "fits.py": CREW + "#" * 90_000, "compose.yaml": "#" * 200_000}
    )
    assert tree.hits == ("fits.py",)
    assert len(tree.read("fits.py") or b"") == 90_000 + len(CREW)
    assert tree.read("compose.yaml") is None
    assert [(gap.path, gap.kind) for gap in tree.gaps] == [("big.py", "too-large"), ("compose.yaml", "too-large")]


def test_unreadable_files_and_folders_are_gaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_open, real_scandir = os.open, os.scandir

    def refuse_open(path: str, flags: int) -> int:
        if path.endswith("closed.py"):
            raise PermissionError(13, "Permission denied", path)
        return real_open(path, flags)

    def refuse_scandir(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return real_scandir(path)

    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(reading.os, "open", refuse_open)
    monkeypatch.setattr(os, "scandir", refuse_scandir)
    tree = tree_of(tmp_path, {"closed.py": CREW, "open.py": CREW})
    assert tree.hits == ("open.py",)
    assert [(g.path, g.kind, g.why) for g in tree.gaps] == [
        ("closed.py", "unreadable", "Permission denied"),
        ("locked", "unreadable", "Permission denied"),
    ]


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_is_no_text_is_a_gap(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.py")).write_text(CREW)
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    tree = discover(tmp_path)
    assert tree.hits == ()
    assert [(gap.path, gap.kind) for gap in tree.gaps] == [("caf\\xe9.py", "unreadable")]


def test_pipes_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    os.mkfifo(tmp_path / "Dockerfile")
    tree = discover(tmp_path)
    assert (tree.python, tree.files) == ((), ())


def test_one_file_alone_can_be_scanned(tmp_path: Path) -> None:
    tree_of(tmp_path, {"test_one.py": CREW, "two.py": CREW, ".gitignore": "*.py"})
    tree = discover(tmp_path / "test_one.py")
    assert (tree.root, tree.hits, tree.files) == (tmp_path, ("test_one.py",), ())


def test_a_path_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        discover(tmp_path / "nowhere")


def test_grep_named_match_and_children(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"a.py": "from app.crew import x", "b.py": "pass", "x/DockerFile.Dev": "", "x/c.yml": ""})
    assert tree.grep([b"app.crew", b"nothing"]) == ["a.py"]
    assert tree.grep([b"pass"], among=["a.py"]) == []
    assert tree.match("dockerfile*") == ["x/DockerFile.Dev"]
    assert tree.named(lambda name: name.endswith(".yml")) == ["x/c.yml"]
    assert tree.children("x") == ["DockerFile.Dev", "c.yml"]
    assert tree.exists("./x/c.yml")
    assert tree.is_dir("x/")
    assert tree.is_dir("")
    assert not tree.is_dir("x/c.yml")


def test_bodies_of_a_large_tree_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_hits, "_KEEP", 10)
    tree = tree_of(tmp_path, {"a.py": "x" * 50, "b.py": CREW, "c.py": "y" * 50})
    assert tree.text("a.py") == "x" * 50
    assert tree.grep([b"y"]) == ["c.py"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\xef\xbb\xbfa\r\nb\rc", "a\nb\nc"),
        (b"caf\xe9", "caf�"),
        ("ab".encode("utf-16"), "ab"),
        (b"\xff\xfea", "�"),
    ],
)
def test_any_bytes_become_text(body: bytes, text: str) -> None:
    assert decode(body) == text


def test_a_coding_comment_is_obeyed_in_python_only(tmp_path: Path) -> None:
    body = b"#!/usr/bin/python\n# -*- coding: latin-1 -*-\nx = '\xe9'\n"
    tree = tree_of(tmp_path, {"a.py": body, "a.sh": body, "b.py": b"# coding: nonsense\nx = 1\n"})
    assert "é" in (tree.text("a.py") or "")
    assert "�" in (tree.text("a.sh") or "")
    assert tree.text("b.py") == "# coding: nonsense\nx = 1\n"


@given(st.binary(max_size=300), st.booleans())
def test_decoding_never_fails(body: bytes, python: bool) -> None:
    assert "\r" not in decode(body, python=python) or body.startswith((b"\xff\xfe", b"\xfe\xff"))


def test_comments_and_opened_files_are_remembered(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"a.py": "x = 1  # crewmem: ignore[CM101] -- y", "b.py": CREW, "c.yaml": "", "d.yaml": ""})
    assert tree.commented == ("a.py",)
    tree.read("d.yaml")
    assert tree.opened == ["d.yaml"]


def test_the_walk_agrees_with_git_on_a_real_repository(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "core.excludesFile=/dev/null"]
    try:
        subprocess.run([*git, "init", "-q"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git is not installed")
    tree = tree_of(
        tmp_path,
        {
            ".gitignore": "out/\n*.gen.py\n!keep.gen.py\nsub/**/deep.py\n",
            "a.gen.py": "",
            "keep.gen.py": "",
            "out/x.py": "",
            "sub/one/two/deep.py": "",
            "sub/deep.py": "",
            "sub/.gitignore": "!deep.py\n",
            "sub/out/y.py": "",
            "other.py": "",
        },
    )
    listed = subprocess.run(
        [*git, "ls-files", "-co", "--exclude-standard", "*.py"], check=True, capture_output=True, text=True
    )
    assert list(tree.python) == sorted(listed.stdout.split())
