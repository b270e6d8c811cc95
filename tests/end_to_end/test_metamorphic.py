"""Changes that must not change the answer, on every fixture: place, line ends, lines above, neighbours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crewmem_doctor import examine
from crewmem_doctor.model.deployment import EVENTS

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
FOLDERS = sorted(path.parent for path in FIXTURES.rglob("requirements.txt")) + sorted(
    path.parent for path in FIXTURES.rglob("pyproject.toml"))
CHOSEN = [pytest.param(folder, id=folder.relative_to(FIXTURES).as_posix()) for folder in FOLDERS
          if folder.name in ("broken", "as-is", "fixed")]
TEXTS = (".py", ".yaml", ".yml", ".txt", ".toml", ".sh")


def answer(root: Path) -> tuple[int, list[tuple[str, str]], list[str]]:
    """Status, what was found, and the survival table, without places."""
    report = examine(root)
    found = sorted((finding.rule, finding.severity) for finding in report.findings)
    cells = [" ".join(row.outcomes[event].word for event in EVENTS) for row in report.rows]
    return report.exit_code, found, sorted(cells)


def rewrite(root: Path, change: Callable[[bytes], bytes], suffixes: tuple[str, ...] = TEXTS) -> None:
    for path in root.rglob("*"):
        if path.is_file() and (path.suffix in suffixes or path.name == "Dockerfile"):
            path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize("folder", CHOSEN)
def test_a_folder_deeper(folder: Path, tmp_path: Path) -> None:
    """The service of a monorepo is judged as it is alone."""
    shutil.copytree(folder, tmp_path / "services" / "backend")
    assert answer(tmp_path) == answer(folder)


@pytest.mark.parametrize("folder", CHOSEN)
def test_windows_line_ends_and_a_byte_order_mark(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    rewrite(copy, lambda content: b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    assert answer(copy) == answer(folder)


@pytest.mark.parametrize("folder", CHOSEN)
def test_fingerprints_outlive_edits_above(folder: Path, tmp_path: Path) -> None:
    """A baseline must survive a licence header."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    rewrite(copy, lambda content: b"# Copyright\n\n\n" + content, (".py", ".yaml", ".yml"))

    def prints(root: Path) -> list[str]:
        return sorted(finding.fingerprint for finding in examine(root).findings)

    assert prints(copy) == prints(folder)


@pytest.mark.parametrize("folder", CHOSEN)
def test_neighbours_do_not_matter(folder: Path, tmp_path: Path) -> None:
    """Documentation, a front end, a vendored environment and somebody else's `Crew`."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    others = {
        "docs/memory.md": "Use `Crew(memory=True)` and CREWAI_STORAGE_DIR=/tmp.\n",
        "web/package.json": '{"name": "crewai-front-end"}\n',
        "venv/lib/python3.12/site-packages/crewai/crew.py": "class Crew: ...\nCrew(memory=True)\n",
        "venv/pyvenv.cfg": "home = /usr\n",
        "tests/test_crew.py": "from crewai import Crew\nCrew(memory=True)\n",
        "ships/models.py": "class Crew:\n    pass\n\n\ncrew = Crew(memory=True)   # crewai is not meant\n",
        ".github/workflows/ci.yaml": "jobs:\n  test:\n    env: {CREWAI_STORAGE_DIR: /tmp/x}\n",
    }
    for name, text in others.items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert answer(copy) == answer(folder)
