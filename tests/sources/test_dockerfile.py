from __future__ import annotations

import dockerfile as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor.sources.dockerfile import INSTRUCTIONS, parse

TEXTS = {
    "plain": "FROM python:3.12\nRUN a\nCMD b c\n",
    "continued": "FROM a\nRUN x \\\n    && y \\  \n # a comment\n\n    && z\nCMD b\n",
    "comment first": "# note\n# syntax=docker/dockerfile:1\nFROM a\n",
    "escape": "# escape=`\nFROM a\nRUN x `\n  y\nCOPY C:\\x D:\\\n",
    "late escape": "# note\n# escape=`\nFROM a\nRUN x `\nRUN y\n",
    "json": 'FROM a\nCMD ["a", "b c", "\\u0041\\"q"]\nENTRYPOINT [ "x" ]\nSHELL ["bash", "-c"]\nVOLUME ["/a", "/b"]\n',
    "no json": "FROM a\nCMD ['a', 'b']\nCMD [ a ]\n",
    "empty json": "FROM a\nCMD []\n",
    "flags": "FROM --platform=linux/amd64 a AS b\nCOPY --chown=u:g --from=b x y\nRUN --mount=type=cache,target=/c a",
    "heredoc": "FROM a\nRUN <<EOF\na\nRUN not\nEOF\nCOPY <<A <<B /d/\n1\nA\n2\nB\nCMD c\n",
    "quoted heredoc": "FROM a\nCOPY <<'E' /x\n$A\nE\nRUN cat <<-\"F\" > y\n\tz\n\tF\nUSER u\n",
    "no heredoc": "FROM a\nRUN cat <<< here\nRUN echo a<<b\nENV A=<<B\nCMD c\n",
    "onbuild": "FROM a\nONBUILD RUN x\nHEALTHCHECK --interval=5s CMD y\nHEALTHCHECK NONE\n",
    "cases": 'from a as B\nrun x\ncmd ["y"]\nExpose 80\n',
    "crlf": "FROM a\r\nRUN x \\\r\n  y\r\nCMD z\r\n",
    "indented": "  FROM a\n\tRUN x\n",
    "env": "FROM a\nENV A=b C=\"d e\" \\\n    F='g h'\nENV OLD value with spaces\nLABEL a=b\nARG X=1\n",
    "last continues": "FROM a\nRUN x \\",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_agrees_with_buildkit(text: str) -> None:
    mine = parse(text, "Dockerfile").instructions
    theirs = oracle.parse_string(text)
    assert [i.name for i in mine] == [c.cmd.upper() for c in theirs]
    assert [i.at.line for i in mine] == [c.start_line for c in theirs]
    assert [[h.body.text for h in i.heredocs] for i in mine] == [
        [_chomped(h.content, text) for h in c.heredocs] for c in theirs
    ]
    assert [[f.name for f in i.flags] for i in mine] == [[f[2:].partition("=")[0] for f in c.flags] for c in theirs]
    assert [None if i.words is None else [w.text for w in i.words] for i in mine] == [
        list(c.value) if c.json else None for c in theirs
    ]
    for instruction, command in zip(mine, theirs, strict=True):
        if instruction.name in ("RUN", "CMD", "ENTRYPOINT") and instruction.words is None:
            assert instruction.rest.text.split() == " ".join(command.value).split()


def _chomped(content: str, text: str) -> str:
    """BuildKit takes the tabs of `<<-` off; here the body keeps its places, and readers do not mind blanks."""
    return "\tz\n" if content == "z\n" and "<<-" in text else content


def test_places() -> None:
    copy = parse("FROM a\n  COPY --from=b \\\n   x \\\n   y/\n", "d/Dockerfile").instructions[1]
    assert (copy.at.path, copy.at.line, copy.at.column, copy.at.end_line, copy.at.end_column) == (
        "d/Dockerfile",
        2,
        3,
        4,
        6,
    )
    assert (copy.flags[0].at.column, copy.flag("from")) == (8, "b")
    start = copy.rest.text.index("y/")
    assert (copy.rest.at(start, start + 2).line, copy.rest.at(start, start + 2).column) == (4, 4)


def test_places_of_json_words() -> None:
    cmd = parse('FROM a\nCMD ["uvicorn", \\\n     "a:b"]\n', "Dockerfile").instructions[1]
    assert cmd.words is not None
    assert [(w.text, w.at.line, w.at.column, w.at.end_column, w.literal) for w in cmd.words] == [
        ("uvicorn", 2, 6, 15, True),
        ("a:b", 3, 6, 11, True),
    ]


def test_what_is_no_instruction_is_told() -> None:
    file = parse("FROM a\nRUNN x\n<<<<<<< HEAD\nCMD y\n", "Dockerfile")
    assert [i.name for i in file.instructions] == ["FROM", "CMD"]
    assert [at.line for at in file.odd] == [2, 3]


def test_an_open_heredoc_swallows_nothing() -> None:
    assert [i.name for i in parse("FROM a\nRUN cat <<EOF\nCMD x\n", "Dockerfile").instructions] == [
        "FROM",
        "RUN",
        "CMD",
    ]


LINES = st.lists(
    st.sampled_from(
        [
            "FROM a AS b",
            "RUN x",
            "RUN x \\",
            "# c",
            "",
            "  y \\",
            "COPY <<E /x",
            "E",
            'CMD ["a",',
            'CMD ["a"]',
            "ENV A=b",
            "ENV A b",
            "# escape=`",
            "RUN a `",
            "USER",
            "\ufeff",
            "ONBUILD",
            "ARG",
            "COPY",
            "VOLUME [",
            "HEALTHCHECK CMD",
        ]
    ),
    max_size=15,
).map("\n".join)


@given(st.one_of(st.text(max_size=80), LINES))
@settings(max_examples=400, deadline=None)
def test_no_text_raises(text: str) -> None:
    for instruction in parse(text, "Dockerfile").instructions:
        assert instruction.name in INSTRUCTIONS
        assert 1 <= instruction.at.line <= text.count("\n") + 1


@given(LINES)
@settings(max_examples=300, deadline=None)
def test_agrees_with_buildkit_where_that_accepts(text: str) -> None:
    try:
        theirs = oracle.parse_string(text)
    except (oracle.GoParseError, oracle.GoIOError):
        return
    mine = parse(text, "Dockerfile")
    if not mine.odd:
        assert [(i.name, i.at.line) for i in mine.instructions] == [(c.cmd.upper(), c.start_line) for c in theirs]
