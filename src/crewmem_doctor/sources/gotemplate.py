"""Go templates, as charts use them: text and actions as a tree. Nothing is evaluated here, and any text parses.

Formatters turn `{{ x }}` into `{ { x } }`, which is no template any more; it is read as what was meant, and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Union

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.goexpression import Call, Expression, Field, Literal, Variable, declared, name_and_value

__all__ = ["Action", "Call", "Expression", "Field", "Literal", "Part", "Template", "Text", "Variable", "parse"]

_OPEN = re.compile(r"\{\{|\{ \{(?=\s*-?\s*[.$\w(\"])")
_MAX_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Action:
    """Anything between braces. `keyword` is "", "if", "with", "range", "define", "block", "template", "let".

    `value` is None where it cannot be read. `names` are variables (of range and let) or the name of a definition.
    """

    keyword: str
    value: Expression | None
    start: int
    end: int
    names: tuple[str, ...] = ()
    body: tuple[Part, ...] = ()
    other: tuple[Part, ...] = ()  # what `else` leads to


Part = Union[Text, Action]


@dataclass(frozen=True, slots=True)
class Template:
    """`damaged` is the offset of the first pair of braces that a formatter took apart, -1 where there is none."""

    parts: tuple[Part, ...]
    damaged: int = -1


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    inner: str | None = None  # None for text


def parse(text: str) -> Template:
    """The parts of a template. Never raises: what is never closed or opened is passed over."""
    reader = _Reader(text)
    parts = reader.until()
    return Template(tuple(parts), reader.damaged)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.damaged = -1
        self.pieces = list(self._pieces())
        self.place = 0
        self.depth = 0
        self.ended = ""  # the `else …` or `end` that ended the last body

    def _pieces(self) -> Iterator[_Piece]:
        text, done, trim = self.text, 0, False
        while match := _OPEN.search(text, done):
            close, after = _closing(text, match.end(), match[0] != "{{")
            if close < 0:
                break
            if match[0] != "{{" and self.damaged < 0:
                self.damaged = match.start()
            inner = text[match.end() : close]
            left = inner.lstrip() if match[0] != "{{" else inner
            cut = left.startswith("-") and left[1:2] in (" ", "\t", "\n", "")
            yield _trimmed(text, done, match.start(), trim, cut)
            inner = left[1:] if cut else inner
            right = inner.rstrip() if match[0] != "{{" else inner
            trim = right.endswith("-") and right[-2:-1] in (" ", "\t", "\n")
            yield _Piece(match.start(), after, right[:-1] if trim else inner)
            done = after
        yield _trimmed(text, done, len(text), trim, False)

    def until(self) -> list[Part]:
        """The parts up to the `else` or `end` of the construct that is open."""
        out: list[Part] = []
        while self.place < len(self.pieces):
            piece = self.pieces[self.place]
            self.place += 1
            if piece.inner is None:
                if piece.end > piece.start:
                    out.append(Text(self.text[piece.start : piece.end], piece.start))
                continue
            words = piece.inner.strip()
            keyword = re.match(r"\w*", words)
            word = keyword[0] if keyword else ""
            if word in ("end", "else"):
                if self.depth:
                    self.ended = words
                    return out
            elif words and not words.startswith("/*"):
                out.append(self._action(word, words, piece))
        self.ended = "end"
        return out

    def _action(self, word: str, words: str, piece: _Piece) -> Action:
        if word in ("if", "with", "range", "define", "block"):
            return self._block(word, words[len(word) :], piece)
        if word in ("break", "continue"):
            return Action("", Literal(""), piece.start, piece.end)
        if word == "template":
            name, value = name_and_value(words[len(word) :])
            return Action("template", value, piece.start, piece.end, (name,))
        names, value = declared(words)
        return Action("let" if names else "", value, piece.start, piece.end, names)

    def _block(self, word: str, rest: str, piece: _Piece) -> Action:
        names: tuple[str, ...]
        if word in ("define", "block"):
            name, value = name_and_value(rest)
            names = (name,)
        else:
            names, value = declared(rest)
        if self.depth >= _MAX_DEPTH:
            return Action(word, None, piece.start, piece.end, names)
        self.depth += 1
        body = self.until()
        other: list[Part] = []
        if self.ended.startswith("else"):
            chained = re.match(r"else\s+(if|with)\b", self.ended)
            # `else if` has no end of its own.
            other = [self._block(chained[1], self.ended[chained.end() :], piece)] if chained else self.until()
        self.depth -= 1
        return Action(word, value, piece.start, piece.end, names, tuple(body), tuple(other))


def _trimmed(text: str, start: int, end: int, left: bool, right: bool) -> _Piece:
    while left and start < end and text[start] in " \t\n":
        start += 1
    while right and end > start and text[end - 1] in " \t\n":
        end -= 1
    return _Piece(start, end)


def _closing(text: str, start: int, damaged: bool) -> tuple[int, int]:
    """Where the action that begins at `start` ends, and where the text goes on; (-1, -1) where it does not end."""
    body = text[start : start + 20].lstrip(" -\n\t")
    if body.startswith("/*"):
        comment = text.find("*/", start)
        start = comment + 2 if comment >= 0 else start
    ends = ("} }", "}}") if damaged else ("}}",)
    i = start
    while i < len(text):
        char = text[i]
        if char in '"`':
            end = i + 1
            while end < len(text) and text[end] != char and (char == "`" or text[end] != "\n"):
                end += 2 if text[end] == "\\" and char == '"' else 1
            i = end + 1
            continue
        for closer in ends:
            if text.startswith(closer, i):
                return i, i + len(closer)
        i += 1
    return -1, -1
