"""Finding `crewmem:` comments, and only comments."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewmem_doctor.facts.comments import line_comments, python_comments, read_comments
from crewmem_doctor.sources.discover import discover


def test_python_comments_are_tokens_not_strings() -> None:
    text = (
        "x = 1  # crewmem: ignore[CM101] -- a cache\n"
        "# crewmem: ignore[no-volume]\n"
        'y = "# crewmem: ignore[CM102] -- a string"\n'
        '"""\n# crewmem: ignore[CM103] -- a docstring\n"""\n'
        "z = 2  # noqa  # crewmem: ignore[CM104] -- after another\n"
    )
    found = list(python_comments(text, "a.py"))
    assert [(c.at.line, c.at.column, c.alone) for c in found] == [(1, 8, False), (2, 1, True), (7, 16, False)]
    assert found[0].text == "crewmem: ignore[CM101] -- a cache"
    assert found[0].at.end_column == len(text.split("\n")[0]) + 1


def test_a_file_that_stops_being_python_is_read_up_to_there() -> None:
    text = "# crewmem: ignore[CM101] -- first\nx = (\n"
    assert len(list(python_comments(text, "a.py"))) == 1


@pytest.mark.parametrize(
    ("path", "line", "columns"),
    [
        ("compose.yaml", "    - api:/data  # crewmem: ignore[CM203] -- scratch", [18]),
        ("compose.yaml", "# crewmem: ignore[CM203] -- scratch", [1]),
        ("compose.yaml", 'a: "# crewmem: ignore[CM203] -- quoted"', []),
        ("compose.yaml", "a: b# crewmem: ignore[CM203] -- no space before", []),
        ("compose.yaml", "a: it's  # crewmem: ignore[CM203] -- an apostrophe", [10]),
        ("compose.yaml", "a: 'x # crewmem: y' # crewmem: ignore[CM203] -- z", [21]),
        ("compose.yaml", "a: 1  # see 'b # crewmem: ignore[CM203] -- z", [16]),
        ("pyproject.toml", 'crewai = "^1"  # crewmem: ignore[CM604] -- tested', [16]),
        ("Dockerfile", "RUN x  # crewmem: ignore[CM201] -- y", [8]),
    ],
)
def test_comments_by_line(path: str, line: str, columns: list[int]) -> None:
    assert [c.at.column for c in line_comments(line, path)] == columns


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("compose.yaml", "command: |\n  # crewmem: ignore[CM201] -- text\n  run\nb: 1\n"),
        ("compose.yaml", "- >-\n\n  # crewmem: ignore[CM201] -- text\n"),
        ("Dockerfile", "RUN <<EOF\n# crewmem: ignore[CM201] -- text\nEOF\n"),
        ("pyproject.toml", 'a = """\n# crewmem: ignore[CM201] -- text\n"""\n'),
    ],
)
def test_texts_over_several_lines_are_no_comments(path: str, text: str) -> None:
    assert list(line_comments(text, path)) == []
    after = text + "# crewmem: ignore[CM201] -- after\n"
    assert [c.alone for c in line_comments(after, path)] == [True]


def test_comments_of_python_and_of_opened_files_in_order(tmp_path: Path) -> None:
    for name in ("z.py", "a.yaml", "b.yaml"):
        (tmp_path / name).write_text("# crewmem: ignore[CM101] -- x\n")
    tree = discover(tmp_path)
    tree.text("b.yaml")
    assert [c.at.path for c in read_comments(tree)] == ["b.yaml", "z.py"]


@given(st.text(max_size=120), st.sampled_from(["a.yaml", "Dockerfile", "a.toml", ".env"]))
def test_no_text_fails(text: str, path: str) -> None:
    list(python_comments(text + "# crewmem: x", "a.py"))
    list(line_comments(text + "# crewmem: x", path))
