"""Where a report says that records land when no service runs the memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from crewmem_doctor import examine
from crewmem_doctor.settings import Settings

CREW = """import os
from crewai import Agent, Crew, Task

helper = Agent(role="Helper", goal="Help", backstory="Helps")


def answer(text):
    {line}
    task = Task(description=text, expected_output="Text", agent=helper)
    return Crew(agents=[helper], tasks=[task], memory=True).kickoff()
"""
MAIN = """import os
{line}
from crew import answer

if __name__ == "__main__":
    print(answer(input()))
"""
DEFAULT = "$HOME/.local/share/$APP/memory"


def location(root: Path, crew: str = "pass", main: str = "", other: str = "") -> str:
    (root / "crew.py").write_text(CREW.format(line=crew), encoding="utf-8")
    (root / "main.py").write_text(MAIN.format(line=main), encoding="utf-8")
    (root / "other.py").write_text("import os\nimport crewai\n" + other + "\n", encoding="utf-8")
    (root / "requirements.txt").write_text("crewai==1.15.30\n", encoding="utf-8")
    return examine(root, Settings()).locations["m1"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('os.environ["CREWAI_STORAGE_DIR"] = "./db/store"', "/$APP/db/store/memory"),
        ('os.environ.setdefault("CREWAI_STORAGE_DIR", "/data/crewai")', "/data/crewai/memory"),
        ('os.environ["CREWAI_STORAGE_DIR"] = os.path.join(os.path.dirname(__file__), "m")', "$CREWAI_STORAGE_DIR/memory"),
        ('os.environ["SOMETHING_ELSE"] = "/data"', DEFAULT),
    ],
)
def test_what_the_code_sets_itself(tmp_path: Path, line: str, expected: str) -> None:
    assert location(tmp_path, crew=line) == expected
    assert location(tmp_path, main=line) == expected


def test_another_programs_setting_is_no_ones_here(tmp_path: Path) -> None:
    assert location(tmp_path, other='os.environ["CREWAI_STORAGE_DIR"] = "/data/other"') == DEFAULT
