"""Every dialect of requirements, and the release that they decide."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewmem_doctor.facts.requirements import Asked, read_requirements
from crewmem_doctor.facts.requirements.entry import from_poetry, parse_line
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.release import Release, Version
from crewmem_doctor.releases.known import NEWEST, WITH_MEMORY
from crewmem_doctor.sources.discover import discover

HERE = Location("x")


def ask(root: Path, files: dict[str, str], **options: object) -> Asked:
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return read_requirements(discover(root), **options)  # type: ignore[arg-type]


def release(root: Path, files: dict[str, str], **options: object) -> Release:
    return ask(root, files, **options).release


UV = """version = 1

[[package]]
name = "aiohttp"
version = "3.9.0"

[[package]]
name = "crewai"
version = "1.9.3"
source = {source}
"""
REGISTRY = '{ registry = "https://index.example/simple" }'
POETRY = """[[package]]
name = "crewai"
version = "0.203.2"
description = "x"
optional = false

[package.extras]
tools = []
"""
LOCKED: list[tuple[str, str, str, int]] = [
    ("uv.lock", UV.replace("{source}", REGISTRY), "1.9.3", 9),
    ("poetry.lock", POETRY, "0.203.2", 3),
    ("pdm.lock", '[[package]]\nname = "crewai"\nversion = "1.0.0"\nrequires_python = ">=3.10"\n', "1.0.0", 3),
    ("pylock.toml", '[[packages]]\nname = "crewai"\nversion = "1.1.0"\nindex = "x"\n', "1.1.0", 3),
    ("Pipfile.lock", '{"_meta": {},\n "default": {\n  "crewai": {"version": "==0.86.0"}}}', "0.86.0", 3),
    (
        "requirements.txt",
        "# a comment\ncrewai[tools]==0.152.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n",
        "0.152.0",
        2,
    ),
    ("requirements.txt", "crewai===1.15.30 ; python_version >= '3.10'  # why", "1.15.30", 1),
    ("requirements.txt", "crewai @ git+https://github.com/crewAIInc/crewAI.git@v0.193.2", "0.193.2", 1),
    ("requirements.txt", "./wheels/crewai-1.10.1-py3-none-any.whl", "1.10.1", 1),
    ("requirements.txt", "crewai==1.16.2\n", "1.16.2", 1),
    ("requirements.txt", "crewai==1.10.0a1\n", "1.10.0", 1),
    ("requirements/prod.txt", "CrewAI == 0.130.0\n", "0.130.0", 1),
    ("requirements.in", "crewai==0.130.0\n", "0.130.0", 1),
    (
        "pyproject.toml",
        '[project]\nname = "x"\ndependencies = [\n  "fastapi",\n  "crewai[tools]==1.3.0",\n]\n',
        "1.3.0",
        5,
    ),
    ("pyproject.toml", '[project.optional-dependencies]\nai = ["crewai==1.3.0"]\n', "1.3.0", 2),
    ("pyproject.toml", '[dependency-groups]\nai = [{include-group = "b"}, "crewai==1.3.0"]\n', "1.3.0", 2),
    ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.10"\ncrewai = "0.55.2"\n', "0.55.2", 3),
    (
        "pyproject.toml",
        '[tool.poetry.dependencies]\ncrewai = {version = "==0.55.2", extras = ["tools"]}\n',
        "0.55.2",
        2,
    ),
    ("pyproject.toml", '[tool.poetry.group.ai.dependencies.crewai]\nversion = "0.55.2"\n', "0.55.2", 1),
    ("pyproject.toml", '[tool.pdm.dev-dependencies]\nai = ["crewai==1.2.0"]\n', "1.2.0", 2),
    ("pyproject.toml", '[tool.hatch.envs.default]\ndependencies = ["crewai==1.2.0"]\n', "1.2.0", 2),
    ("Pipfile", '[packages]\ncrewai = "==0.86.0"\n', "0.86.0", 2),
    ("setup.cfg", "[options]\ninstall_requires =\n    fastapi\n    crewai==0.80.0\n", "0.80.0", 4),
    (
        "setup.py",
        "from setuptools import setup\nREQ = ['a', 'crewai==0.80.0']\nsetup(install_requires=REQ)\n",
        "0.80.0",
        2,
    ),
    ("environment.yml", "dependencies:\n  - python=3.11\n  - pip:\n      - crewai==0.102.0\n", "0.102.0", 4),
    ("environment.yml", "dependencies:\n  - conda-forge::crewai==1.2.1\n", "1.2.1", 2),
]


@pytest.mark.parametrize(("path", "text", "version", "line"), LOCKED)
def test_what_decides_one_release(tmp_path: Path, path: str, text: str, version: str, line: int) -> None:
    found = release(tmp_path, {path: text})
    assert str(found.exact) == version
    assert found.source == path
    assert found.at is not None
    assert found.at.line == line


RANGES: list[tuple[str, str, str, str, str]] = [
    ("requirements.txt", "crewai>=1.10,<1.12\n", ">=1.10,<1.12", "1.10.1", "1.11.1"),
    ("requirements.txt", "crewai~=0.80.0\n", "~=0.80.0", "0.80.0", "0.80.0"),
    ("requirements.txt", "crewai==1.14.*", "==1.14.*", "1.14.1", "1.14.7"),
    ("requirements.txt", "crewai", "", str(WITH_MEMORY[0]), str(NEWEST)),
    ("requirements.txt", "crewai>=99.0", ">=99.0", "99.0.0", "99.0.0"),
    ("pyproject.toml", '[tool.poetry.dependencies]\ncrewai = "^0.51.0"\n', "^0.51.0", "0.51.0", "0.51.1"),
    ("pyproject.toml", '[tool.poetry.dependencies]\ncrewai = "~1.14"\n', "~1.14", "1.14.1", "1.14.7"),
    ("pyproject.toml", '[tool.poetry.dependencies]\ncrewai = "^1.14.0"\n', "^1.14.0", "1.14.1", str(NEWEST)),
    (
        "pyproject.toml",
        '[tool.poetry.dependencies]\ncrewai = "^0.28 || ^0.30"\n',
        "^0.28 || ^0.30",
        "0.28.0",
        "0.30.11",
    ),
    ("pyproject.toml", '[tool.poetry.dependencies]\ncrewai = "*"\n', "", str(WITH_MEMORY[0]), str(NEWEST)),
    ("Pipfile", '[packages]\ncrewai = "*"\n', "", str(WITH_MEMORY[0]), str(NEWEST)),
    ("environment.yml", "dependencies:\n  - crewai=1.14\n", "==1.14.*", "1.14.1", "1.14.7"),
    (
        "requirements.txt",
        "crewai @ git+https://user:secret@host.example/x.git@main",
        "@ git+https://host.example/x.git@main",
        str(WITH_MEMORY[0]),
        str(NEWEST),
    ),
    ("requirements.txt", "-e ../crewAI#egg=crewai", "@ ../crewAI#egg=crewai", str(WITH_MEMORY[0]), str(NEWEST)),
    ("uv.lock", UV.replace("{source}", '{ git = "https://x" }'), "@ git", str(WITH_MEMORY[0]), str(NEWEST)),
    (
        "pyproject.toml",
        '[project]\ndependencies = ["crewai>=1"]\n[tool.uv.sources]\ncrewai = { git = "https://x" }\n',
        "@ git",
        str(WITH_MEMORY[0]),
        str(NEWEST),
    ),
]


@pytest.mark.parametrize(("path", "text", "specifier", "oldest", "newest"), RANGES)
def test_what_leaves_several(tmp_path: Path, path: str, text: str, specifier: str, oldest: str, newest: str) -> None:
    found = release(tmp_path, {path: text})
    assert (found.specifier, str(found.candidates[0]), str(found.newest)) == (specifier, oldest, newest)
    assert found.exact is None
    assert found.at is not None


def test_without_any_requirement_every_release_is_possible(tmp_path: Path) -> None:
    found = release(tmp_path, {"requirements.txt": "crewai-tools==0.1\n# crewai==1.0\n", "README.md": "crewai==1.0"})
    assert found == Release(WITH_MEMORY)


def test_a_lock_beats_a_pin_beats_a_range(tmp_path: Path) -> None:
    files = {"pyproject.toml": '[project]\ndependencies = ["crewai>=0.80"]\n'}
    assert release(tmp_path, files).specifier == ">=0.80"
    assert release(tmp_path, {"requirements.txt": "crewai==0.86.0"}).specifier == "==0.86.0"
    assert release(tmp_path, {"uv.lock": UV.replace("{source}", REGISTRY)}).source == "uv.lock"


def test_lists_for_development_come_last(tmp_path: Path) -> None:
    found = release(tmp_path, {"requirements-dev.txt": "crewai==0.80.0", "requirements.txt": "crewai>=1.0"})
    assert found.specifier == ">=1.0"


def test_includes_and_constraints(tmp_path: Path) -> None:
    found = release(
        tmp_path,
        {
            "app/requirements.txt": "-r ../shared/base.list\n-c constraints.txt\n",
            "shared/base.list": "crewai>=0.80\n",
            "app/constraints.txt": "crewai==0.95.0\nredis==5\n",
            "app/main.py": "import crewai",
        },
    )
    assert (str(found.exact), found.source) == ("0.95.0", "app/constraints.txt")


def test_a_constraint_alone_asks_for_nothing(tmp_path: Path) -> None:
    asked = ask(tmp_path, {"constraints.txt": "crewai==0.95.0"})
    assert asked.release == Release(WITH_MEMORY)
    assert asked.requirements == ()


def test_includes_in_a_circle_end(tmp_path: Path) -> None:
    found = release(
        tmp_path,
        {"requirements.txt": "-r requirements-b.txt\n", "requirements-b.txt": "-r requirements.txt\ncrewai==1.0.0"},
    )
    assert str(found.exact) == "1.0.0"


def test_the_nearest_requirement_governs_a_path(tmp_path: Path) -> None:
    asked = ask(
        tmp_path,
        {
            "requirements.txt": "crewai==0.80.0",
            "services/chat/requirements.txt": "crewai==1.9.3",
            "services/chat/app/main.py": "import crewai",
            "tools/x.py": "import crewai",
            "services/other/y.py": "import crewai",
        },
        memories=["services/chat/app/main.py"],
    )
    assert str(asked.release.exact) == "1.9.3"
    for path, version in (("tools/x.py", "0.80.0"), ("services/other/y.py", "0.80.0"), ("services/chat/z.py", "1.9.3")):
        assert str(asked.choice.release_for(path).exact) == version


def test_a_requirement_beside_counts_where_none_is_above(tmp_path: Path) -> None:
    found = release(tmp_path, {"docker/requirements.txt": "crewai==1.9.3", "src/main.py": "import crewai"})
    assert str(found.exact) == "1.9.3"


def test_a_workspace_lock_decides_where_it_satisfies_the_nearer_range(tmp_path: Path) -> None:
    lock = UV.replace("{source}", REGISTRY)
    member = {
        "uv.lock": lock,
        "packages/a/pyproject.toml": '[project]\ndependencies = ["crewai>=1.0"]\n',
        "packages/a/m.py": "import crewai",
    }
    assert str(release(tmp_path / "one", member).exact) == "1.9.3"
    other = {**member, "packages/a/pyproject.toml": '[project]\ndependencies = ["crewai>=1.15"]\n'}
    assert release(tmp_path / "two", other).exact is None


def test_what_an_image_installs_counts_where_nothing_else_says_more(tmp_path: Path) -> None:
    service = Service(
        "compose:api",
        "api",
        "compose",
        Location("compose.yaml"),
        dockerfile="Dockerfile",
        packages=("crewai==0.102.0", "redis"),
    )
    files = {"Dockerfile": "FROM python\nRUN pip install crewai==0.102.0 redis\n"}
    asked = ask(tmp_path, files, services=[service])
    assert (str(asked.release.exact), asked.release.at) == ("0.102.0", Location("Dockerfile", 2, 17, 2, 32))
    assert {r.name for r in asked.requirements} == {"crewai", "redis"}


def test_the_user_s_word_beats_the_tree(tmp_path: Path) -> None:
    found = release(tmp_path, {"requirements.txt": "crewai==0.80.0"}, override=Version(1, 2, 3))
    assert (str(found.exact), found.source) == ("1.2.3", "--crewai-version")


def test_requirements_carry_names_extras_and_places(tmp_path: Path) -> None:
    asked = ask(
        tmp_path,
        {
            "requirements.txt": "Celery[Redis,msgpack] >= 5.3 ; python_version > '3'\n"
            "pywin32==1; sys_platform == 'win32'\n"
        },
    )
    (celery,) = asked.requirements
    assert (celery.name, celery.specifier, celery.extras, celery.locked) == (
        "celery",
        ">=5.3",
        ("msgpack", "redis"),
        False,
    )
    assert celery.at == Location("requirements.txt", 1, 1, 1, 52)


def test_an_origin_that_is_no_release_is_a_gap(tmp_path: Path) -> None:
    asked = ask(tmp_path, {"requirements.txt": "crewai @ git+https://u:p@h.example/c.git"})
    assert [(g.path, g.line, g.kind) for g in asked.gaps] == [("requirements.txt", 1, "dynamic")]
    assert "u:p" not in asked.gaps[0].why


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "[project\n"),
        ("Pipfile.lock", "{"),
        ("environment.yml", "a: [\n"),
        ("pyproject.toml", "a = " + "[" * 5000),
    ],
)
def test_broken_files_are_gaps(tmp_path: Path, path: str, text: str) -> None:
    """Where they mention crewai; others are of no interest."""
    assert ask(tmp_path, {path: text}).gaps == ()
    asked = ask(tmp_path, {path: "# crewai, dependencies\n" + text})
    assert [(g.path, g.kind) for g in asked.gaps] == [(path, "parse")]


def test_dotenv_files_of_the_tree(tmp_path: Path) -> None:
    asked = ask(tmp_path, {"app/.env": "A=2\n", ".env": "A=1\nB=$A/x\nC='$A'\nD\n", ".env.example": "E=1\n"})
    values = [(s.name, s.value.value if isinstance(s.value, Known) else None) for s in asked.dotenv]
    assert values == [("A", "1"), ("B", None), ("C", "$A"), ("A", "2")]
    assert isinstance(asked.dotenv[1].value, Unknown)


@pytest.mark.parametrize(
    ("value", "specifier"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0", ">=0,<1"),
        ("^0.0", ">=0.0,<0.1"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1", ">=1,<2"),
        ("1.2.*", "==1.2.*"),
        (">= 1.0, < 2.0", ">=1.0,<2.0"),
        (">=1.0 <2.0", ">=1.0,<2.0"),
        ("~=1.4", "~=1.4"),
        ("=1.2", "==1.2"),
    ],
)
def test_poetry_s_own_operators(value: str, specifier: str) -> None:
    entry = from_poetry("crewai", value, HERE, "", False)
    assert entry is not None
    assert entry.pep440 == (specifier,)


@given(st.text(max_size=60))
def test_no_line_fails(line: str) -> None:
    parse_line(line, HERE, "")
    from_poetry("x", line, HERE, "", False)


NAMES = [
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "Pipfile",
    "Pipfile.lock",
    "setup.cfg",
    "setup.py",
    "environment.yml",
    ".env",
]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(NAMES), st.binary(max_size=120), st.sampled_from([b"", b"crewai=="]))
def test_no_bytes_fail(tmp_path: Path, name: str, body: bytes, start: bytes) -> None:
    (tmp_path / name).write_bytes(start + body)
    assert read_requirements(discover(tmp_path)).release.candidates
    (tmp_path / name).unlink()
