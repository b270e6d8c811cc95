from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.expand import expand
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import Command, commands, split

HERE = Location("start.sh")


def read(text: str) -> tuple[Command, ...]:
    return commands(Passage.of(text, "start.sh"))


def words(text: str) -> list[list[str]]:
    return [[w.text for w in c.words] for c in read(text) if c.words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", [["a", "b"]]),
        ("a && b || c; d | e\nf", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("# no\na # tail\nb#c", [["a"], ["b#c"]]),
        ("a > out 2>&1 < in b", [["a", "b"]]),
        ("a <<EOF b\nnot a command && x\nEOF\nc", [["a", "b"], ["c"]]),
        ("a <<-'E'\n\tx\n\tE\nb", [["a"], ["b"]]),
        ("a $(b; c) `d; e` ${F:-g; h}", [["a", "$(b; c)", "`d; e`", "${F:-g; h}"]]),
        ("if [ x ]; then a; elif y; then b; else c; fi; d", [["a"], ["b"], ["c"], ["d"]]),
        ("while true; do a; done", [["a"]]),
        ("for i in 1 2; do a $i; done", [["a", "$i"]]),
        ("case $1 in x|y) a;; (z) b ;; *) c; esac", [["a"], ["b"], ["c"]]),
        ("f() { a; }; function g { b; }\nf", [["a"], ["b"], ["f"]]),
        ("(a; b) & c", [["a"], ["b"], ["c"]]),
        ("[[ a && b ]] && c", [["[[", "a", "&&", "b", "]]"], ["c"]]),
        ("! a", [["a"]]),
        ("a;;b", [["a"], ["b"]]),
        ("echo 'open", [["echo", "open"]]),
    ],
)
def test_commands(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


def test_places() -> None:
    first, second = read("gunicorn \\\n  -w 4\n\tuvicorn a:b\n")
    assert [(w.text, w.at.line, w.at.column, w.at.end_column) for w in first.words] == [
        ("gunicorn", 1, 1, 9),
        ("-w", 2, 3, 5),
        ("4", 2, 6, 7),
    ]
    assert first.at == Location("start.sh", 1, 1, 2, 7)
    assert second.at == Location("start.sh", 3, 2, 3, 13)


def test_assignments_background_pipes_and_output() -> None:
    run, cat, end = read("A=1 B='x y' run & cat <<EOF > /f.sh\nbody\nEOF\nend | tee log")[:3]
    assert [(n, w.text) for n, w in run.assignments] == [("A", "1"), ("B", "x y")]
    assert run.background
    assert not cat.background
    assert (cat.heredoc, cat.writes.text if cat.writes else "") == ("body\n", "/f.sh")
    assert end.piped


def test_arrays_are_assignments() -> None:
    only, added, run = read('CMD=(uvicorn "a:b")\nCMD+=(--reload)\n"${CMD[@]}"')
    assert [(n, w.text) for n, w in only.assignments] == [("CMD", "uvicorn a:b")]
    assert [(n, w.text) for n, w in added.assignments] == [("CMD", "${CMD} --reload")]
    assert [w.text for w in run.words] == ["${CMD[@]}"]


def test_branches() -> None:
    a, b, c, d = (c for c in read('if [ "$1" = x ]; then a; else b; fi\ncase $2 in p|q) c;; esac\nd') if c.words)
    assert a.branches[0].construct == b.branches[0].construct != c.branches[0].construct
    assert a.branches[0].number != b.branches[0].number
    assert [w.text for w in a.branches[0].test] == ["[", "$1", "=", "x", "]"]
    assert c.branches[0].patterns == ("p", "q")
    assert d.branches == ()


def test_quotes_that_keep_a_dollar() -> None:
    (command,) = read('a \'$B\' \\$C "$D" $E "\\$F"')
    assert [(w.text, w.literal, w.bare) for w in command.words[1:]] == [
        ("$B", True, False),
        ("$C", True, False),
        ("$D", False, False),
        ("$E", False, True),
        ("\\$F", False, False),
    ]


def test_functions_are_named() -> None:
    assert [c.function for c in read("main() {\n a\n}\nmain") if c.function] == ["main"]


def test_split_knows_no_operators() -> None:
    assert [w.text for w in split("a 'b c' && d > e", HERE)] == ["a", "b c", "&&", "d", ">", "e"]


VARIABLES: dict[str, Answer[str]] = {
    "A": Known("1", Location("x", 7)),
    "EMPTY": Known(""),
    "SECRET": Unknown("SECRET is set elsewhere"),
    "MAYBE": Unknown("MAYBE may be set by the platform"),
    "PATH_": Known("a/b.tar.gz"),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x", "x"),
        ("$A-${A}", "1-1"),
        ("${A:-2}", "1"),
        ("${NONE:-2}", "2"),
        ("${NONE-2}", "2"),
        ("${EMPTY:-2}", "2"),
        ("${EMPTY-2}", ""),
        ("${NONE:-${A}}", "1"),
        ("${A:+y}", "y"),
        ("${NONE:+y}", ""),
        ("$NONE", ""),
        ("\\$A", "$A"),
        ("${MAYBE:-3}", "3"),
        ("${PATH_#*/}", "b.tar.gz"),
        ("${PATH_%.*}", "a/b.tar"),
        ("${PATH_%%.*}", "a/b"),
        ("${PATH_/b/c}", "a/c.tar.gz"),
        ("a$", "a$"),
    ],
)
def test_expansion(text: str, value: str) -> None:
    answer = expand(text, VARIABLES.get)
    assert isinstance(answer, Known)
    assert answer.value == value


@pytest.mark.parametrize("text", ["$SECRET", "${SECRET:-1}", "$(nproc)", "`x`", "${A", "${NONE:?}", "$MAYBE", "$#"])
def test_what_cannot_be_expanded(text: str) -> None:
    assert isinstance(expand(text, VARIABLES.get), Unknown)


def test_confidence_and_place_of_an_expansion() -> None:
    assert expand("$A", VARIABLES.get, HERE) == Known("1", Location("x", 7))
    assert expand("${N:-1}", VARIABLES.get, HERE) == Known("1", HERE, "medium")


SHELLISH = st.text(st.sampled_from("ab=$ {}()'\"`\\\n;&|<>#![]-12"), max_size=80)
PIECES = st.lists(
    st.sampled_from(
        [
            "if",
            "then",
            "else",
            "elif",
            "fi",
            "case",
            "in",
            "esac",
            ";;",
            ")",
            "(",
            "while",
            "do",
            "done",
            "for",
            "function",
            "f()",
            "{",
            "}",
            "&&",
            "||",
            "|",
            "&",
            ";",
            "<<EOF",
            "EOF",
            "a",
            "$(",
            "${",
            "`",
            "'",
            '"',
            "\n",
            "[[",
            "]]",
            "X=",
            "X=(",
            ">",
            "<",
        ]
    ),
    max_size=30,
).map(" ".join)


@given(st.one_of(st.text(max_size=60), SHELLISH, PIECES))
@settings(max_examples=500, deadline=None)
def test_no_text_raises(text: str) -> None:
    lines = text.count("\n") + 1
    for command in read(text):
        assert 1 <= command.at.line <= command.at.end_line <= lines
        for word in command.words:
            assert 1 <= word.at.line <= lines
    split(text, HERE)
    expand(text, VARIABLES.get)


@pytest.mark.parametrize("piece", ["${", "$(", "`", "'", '"', "if ", "case x in ", "( ", "<<E ", "a=( ", "&& ", "\\\n"])
def test_long_odd_text_takes_no_time(piece: str) -> None:
    start = time.process_time()
    read(piece * 20_000)
    expand(piece * 20_000, VARIABLES.get)
    assert time.process_time() - start < 4
