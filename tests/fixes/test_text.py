"""Splices leave every other byte as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.text import Document, Taken, between, conflict, joined
from crewmem_doctor.model.finding import Edit

LINES = st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8), max_size=8)


@pytest.mark.parametrize(("body", "expected"), [
    (b"a\nb\nc", b"a\nX\nb\nc"),
    (b"a\r\nb\r\nc\r\n", b"a\r\nX\r\nb\r\nc\r\n"),
    (b"\xef\xbb\xbfa\r\nb", b"\xef\xbb\xbfa\r\nX\r\nb"),
    ("ä\nb\n".encode("utf-16"), "ä\nX\nb\n".encode("utf-16")),
    (b"a\r\nb\nc\r\n", b"a\r\nX\r\nb\nc\r\n"),
])
def test_an_insertion_speaks_the_files_own_language(body: bytes, expected: bytes) -> None:
    document = Document.read("f.txt", body)
    assert document.spliced([document.insertion(document.end_of(1), "\nX")]) == expected


def test_a_coding_comment_decides() -> None:
    body = "# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1")
    document = Document.read("f.py", body)
    edit = Edit("f.py", (2, 8), (2, 11), "'à'")
    assert document.spliced([edit]) == "# -*- coding: latin-1 -*-\nname = 'à'\n".encode("latin-1")
    with pytest.raises(Refused, match="cannot say"):
        document.spliced([Edit("f.py", (2, 8), (2, 11), "'…'")])


@pytest.mark.parametrize("body", [b"\xff\xfea", b"a\xffb", b"# coding: nonsense\n"])
def test_what_would_not_come_back_the_same_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="without loss"):
        Document.read("f.py", body)


@pytest.mark.parametrize("point", [(0, 1), (4, 1), (1, 3), (1, 0)])
def test_a_place_that_is_not_there_is_refused(point: tuple[int, int]) -> None:
    with pytest.raises(Refused):
        Document.read("f.txt", b"a\nb").offset(point)


def test_columns_count_code_points() -> None:
    document = Document.read("f.txt", "😀é x".encode())
    assert document.spliced([Edit("f.txt", (1, 4), (1, 5), "y")]) == "😀é y".encode()


def test_taking_out_the_last_line() -> None:
    for body, left in ((b"a\nb\n", b"a\n"), (b"a\nb", b"a"), (b"a\r\nb\r\n", b"a\r\n")):
        document = Document.read("f.txt", body)
        assert document.spliced([document.without_lines(2, 2)]) == left


def test_edits_that_meet() -> None:
    first = Edit("f", (1, 1), (1, 5), "x")
    assert conflict(first, Edit("f", (1, 4), (1, 6), "y"))
    assert conflict(Edit("f", (1, 1), (1, 1), "x"), Edit("f", (1, 1), (1, 1), "y"))
    assert not conflict(first, first)
    assert not conflict(first, Edit("f", (1, 5), (1, 6), "y"))
    assert not conflict(first, Edit("g", (1, 1), (1, 5), "y"))


def test_insertions_of_one_remedy_at_one_point_go_from_the_inside_out() -> None:
    outer, inner = (Edit("f", (3, 4), (3, 4), text) for text in ("\nvolumes:\n  m:", "\n    a: b"))
    assert joined([outer, inner]) == (Edit("f", (3, 4), (3, 4), "\n    a: b\nvolumes:\n  m:"),)
    with pytest.raises(Refused, match="two changes meet"):
        joined([Edit("f", (1, 1), (1, 5), "x"), Edit("f", (1, 4), (1, 6), "y")])


@given(LINES, LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_the_difference_of_two_texts_turns_one_into_the_other(
        old: list[str], new: list[str], newline: str, mark: bool) -> None:
    body = (b"\xef\xbb\xbf" if mark else b"") + newline.join(old).encode()
    document = Document.read("f.txt", body)
    if len(old) < 2 and newline != "\n":
        newline = "\n"      # nothing there says otherwise
    edits = joined(between(document, "\n".join(new)))
    assert document.spliced(edits) == (b"\xef\xbb\xbf" if mark else b"") + newline.join(new).encode()


PLACES = st.tuples(st.integers(1, 3), st.integers(1, 6))
EDITS = st.builds(lambda path, ends, text: Edit(path, *sorted(ends), text), st.sampled_from("ab"), st.tuples(PLACES, PLACES), st.sampled_from(("", "x")))


@given(st.lists(EDITS, max_size=30))
def test_what_is_taken_is_what_does_not_conflict(edits: list[Edit]) -> None:
    """The neighbours in order of place are enough to ask."""
    taken, slow = Taken(), list[Edit]()
    for edit in edits:
        free = not any(conflict(edit, other) for other in slow)
        assert taken.add([edit]) is free
        slow += [edit] if free else []
