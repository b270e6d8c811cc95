"""The words and operators of shell text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.expand import closing_brace
from crewmem_doctor.sources.passage import Passage

_OPERATORS = ("\n", ";;&", "&&", "||", ";;", ";&", "|&", ";", "|", "&", "(", ")")
_REDIRECT = re.compile(r"(?:[0-9]+)?(?:<<<|<<-?|<>|>>|>\||>&|<&|>|<)|&>>?")
_CAP = 256 * 1024
_STOP = " \t\r\n;|&()<>"


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its quotes taken off. Variables stay as written; `literal` says that a `$` in it means itself.

    `bare` words had no quotes at all: a shell splits what their variables hold.
    """

    text: str
    at: Location
    literal: bool = False
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A word, an operator, or a redirection with the word it leads to. `plain` words were written without quotes."""

    at: Location
    word: Word | None = None
    operator: str = ""
    plain: bool = False
    assignment: bool = False  # what precedes the first `=` was not quoted
    redirect: str = ""
    heredoc: str | None = None

    @property
    def text(self) -> str:
        return self.word.text if self.word is not None else ""


def tokens(passage: Passage, operators: bool = True) -> list[Token]:
    """The tokens of the passage; none of one that is too long to be meant for a shell.

    Without `operators` everything between blanks is a word.
    """
    if len(passage.text) > _CAP:
        return []
    return _Lexer(passage, operators).run()


class _Lexer:
    def __init__(self, passage: Passage, operators: bool) -> None:
        self.passage = passage
        self.text = passage.text
        self.operators = operators
        self.place = 0
        self.out: list[Token] = []
        self.waiting: list[tuple[int, str, bool]] = []  # token, terminator, strip tabs

    def run(self) -> list[Token]:
        text = self.text
        while self.place < len(text):
            char = text[self.place]
            if char in " \t\r":
                self.place += 1
            elif char == "\\" and text[self.place + 1 : self.place + 2] == "\n":
                self.place += 2
            elif char == "\n" and not self.operators:
                self.place += 1
            elif char == "#" and self.operators:
                end = text.find("\n", self.place)
                self.place = len(text) if end < 0 else end
            elif not self.operators or not (self._redirect() or self._operator()):
                self._take_word()
        return self.out

    def _operator(self) -> bool:
        for operator in _OPERATORS:
            if self.text.startswith(operator, self.place):
                self.out.append(Token(self.passage.at(self.place, self.place + len(operator)), None, operator))
                self.place += len(operator)
                if operator == "\n" and self.waiting:
                    self._heredocs()
                return True
        return False

    def _redirect(self) -> bool:
        match = _REDIRECT.match(self.text, self.place)
        if match is None:
            return False
        start, kind = self.place, match.group().lstrip("0123456789")
        self.place = match.end()
        while self.text[self.place : self.place + 1] in (" ", "\t"):
            self.place += 1
        if self.place >= len(self.text) or self.text[self.place] in _STOP:
            self.out.append(Token(self.passage.at(start, self.place), redirect=kind))
            return True
        word, plain, _ = self._word()
        if kind in ("<<", "<<-"):
            self.waiting.append((len(self.out), word.text, kind == "<<-"))
        # `2>` keeps the error stream apart: only the plain output counts as what the command writes.
        shown = kind if match.group()[0] not in "23456789" else "2>"
        self.out.append(Token(self.passage.at(start, self.place), word, plain=plain, redirect=shown))
        return True

    def _heredocs(self) -> None:
        for index, terminator, strip in self.waiting:
            lines: list[str] = []
            while self.place < len(self.text):
                end = self.text.find("\n", self.place)
                end = len(self.text) if end < 0 else end
                line = self.text[self.place : end]
                self.place = end + 1
                line = line.lstrip("\t") if strip else line
                if line.rstrip("\r") == terminator:
                    break
                lines.append(line + "\n")
            old = self.out[index]
            self.out[index] = Token(old.at, old.word, redirect=old.redirect, heredoc="".join(lines))
        self.place = min(self.place, len(self.text))
        self.waiting.clear()

    def _take_word(self) -> None:
        start = self.place
        word, plain, assignment = self._word()
        if self.place == start:  # a stray character that nothing else takes
            self.place += 1
            return
        self.out.append(Token(word.at, word, plain=plain, assignment=assignment))

    def _word(self) -> tuple[Word, bool, bool]:
        start = self.place
        pieces: list[str] = []
        plain = assignment = True
        literal_dollar = live_dollar = seen_equals = False
        stop = _STOP if self.operators else " \t\r\n"
        while self.place < len(self.text):
            char = self.text[self.place]
            if char in stop:
                break
            if char in "'\"\\":
                plain = False
                assignment = assignment and seen_equals
            before = self.place
            piece = self._piece(char)
            pieces.append(piece)
            seen_equals = seen_equals or (char == "=")
            quoted = char == "'" or (char == "\\" and piece == "$")
            literal_dollar = literal_dollar or (quoted and "$" in piece)
            live_dollar = live_dollar or (not quoted and ("$" in piece or "`" in piece))
            if self.place == before:
                self.place += 1
        text = "".join(pieces)
        word = Word(text, self.passage.at(start, self.place), literal_dollar and not live_dollar, plain)
        return word, plain, assignment and seen_equals

    def _piece(self, char: str) -> str:
        """The next stretch of a word, quotes taken off."""
        text, start = self.text, self.place
        if char == "'":
            end = text.find("'", start + 1)
            end = len(text) if end < 0 else end
            self.place = end + 1
            return text[start + 1 : end]
        if char == '"':
            return self._double()
        if char == "\\":
            self.place = min(start + 2, len(text))
            following = text[start + 1 : start + 2]
            return "" if following == "\n" else following
        if char in "$`":
            self.place = _skip_expansion(text, start)
            return text[start : self.place]
        self.place = start + 1
        return char

    def _double(self) -> str:
        text = self.text
        self.place += 1
        out: list[str] = []
        while self.place < len(text):
            char = text[self.place]
            if char == '"':
                self.place += 1
                break
            if char == "\\" and self.place + 1 < len(text):
                following = text[self.place + 1]
                self.place += 2
                # An escaped dollar keeps its backslash, so that a later expansion leaves it alone.
                out.append("" if following == "\n" else following if following in '"\\' else "\\" + following)
            elif char in "$`":
                end = _skip_expansion(text, self.place)
                out.append(text[self.place : end])
                self.place = end
            else:
                out.append(char)
                self.place += 1
        return "".join(out)


def _skip_expansion(text: str, start: int) -> int:
    """Where `$(…)`, `${…}`, `` `…` `` or a bare `$` at `start` ends; the end of the text if it is never closed."""
    if text[start] == "`":
        end = text.find("`", start + 1)
        return len(text) if end < 0 else end + 1
    opener = text[start + 1 : start + 2]
    if opener == "{":
        end = closing_brace(text, start + 1)
        return start + 1 if end < 0 else end + 1
    if opener != "(":
        return start + 1
    depth, quote, i = 0, "", start + 1
    while i < len(text):
        char = text[i]
        if char == "\\":
            i += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return i + 1
        i += 1
    return len(text)
