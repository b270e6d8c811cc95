"""The pipelines inside the braces of Go templates."""

from __future__ import annotations

import re
from typing import Union

from crewmem_doctor.model.record import dataclass

_TOKEN = re.compile(
    r"\s+|(?P<string>\"(?:[^\"\\]|\\.)*\"|`[^`]*`)|(?P<char>'(?:[^'\\]|\\.)+')|(?P<number>[+-]?\d[\w.]*)"
    r"|(?P<declare>:=)|(?P<sign>[()|=,])|(?P<variable>\$\w*)|(?P<dots>\.[\w.]*)|(?P<word>\w+)"
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}
_MAX_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Literal:
    """A string (`quoted`), number, boolean or nil, as text."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """`.a.b`, `$x.a`, `(…).a`: `base` is None for the dot."""

    base: Expression | None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """`$x`; the name is empty for `$`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments, what is piped into it last."""

    name: str
    arguments: tuple[Expression, ...] = ()


Expression = Union[Literal, Field, Variable, Call]


def declared(words: str) -> tuple[tuple[str, ...], Expression | None]:
    """`$x := …`, `$i, $x := …`, `$x = …`, or only an expression."""
    match = re.match(r"\s*(\$\w+)\s*(?:,\s*(\$\w+)\s*)?(:=|=(?!=))", words)
    if match is None:
        return (), expression(words)
    return tuple(name[1:] for name in match.group(1, 2) if name), expression(words[match.end() :])


def name_and_value(words: str) -> tuple[str, Expression | None]:
    match = re.match(r"\s*(?:\"([^\"]*)\"|`([^`]*)`)", words)
    if match is None:
        return "", None
    return match[1] or match[2] or "", expression(words[match.end() :]) if words[match.end() :].strip() else None


def expression(words: str) -> Expression | None:
    """A pipeline; None where it cannot be read."""
    tokens: list[tuple[str, str, bool]] = []
    done = 0
    while done < len(words):
        match = _TOKEN.match(words, done)
        if match is None or match.end() == done:
            return None
        if match.lastgroup:
            glued = done > 0 and not words[done - 1].isspace()
            tokens.append((match.lastgroup, match[0], glued))
        done = match.end()
    reader = _Tokens(tokens)
    found = reader.pipeline(0)
    return found if reader.place == len(tokens) else None


class _Tokens:
    def __init__(self, tokens: list[tuple[str, str, bool]]) -> None:
        self.tokens = tokens
        self.place = 0

    def peek(self) -> tuple[str, str, bool]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("", "", False)

    def pipeline(self, depth: int) -> Expression | None:
        value = self.command(depth, None)
        while value is not None and self.peek()[1] == "|":
            self.place += 1
            value = self.command(depth, value)
        return value

    def command(self, depth: int, piped: Expression | None) -> Expression | None:
        kind, word, _ = self.peek()
        if kind == "word" and word not in ("true", "false", "nil"):
            self.place += 1
            arguments: list[Expression] = []
            while self.peek()[0] and self.peek()[1] not in ("|", ")"):
                argument = self.operand(depth)
                if argument is None:
                    return None
                arguments.append(argument)
            return Call(word, tuple(arguments) if piped is None else (*arguments, piped))
        value = self.operand(depth)
        if piped is not None or value is None or (self.peek()[0] and self.peek()[1] not in ("|", ")")):
            return None  # a method with arguments, or a value that something is piped into
        return value

    def operand(self, depth: int) -> Expression | None:
        kind, word, _ = self.peek()
        self.place += 1
        value: Expression | None = None
        if kind == "string":
            body = word[1:-1]
            value = Literal(
                body if word[0] == "`" else re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), body), True
            )
        elif kind == "number" or word in ("true", "false", "nil"):
            value = Literal(word)
        elif kind == "dots":
            value = Field(None, tuple(filter(None, word.split("."))))
        elif kind == "variable":
            value = Variable(word[1:])
        elif kind == "word":
            value = Call(word)
        elif word == "(" and depth < _MAX_DEPTH:
            value = self.pipeline(depth + 1)
            if self.peek()[1] != ")":
                return None
            self.place += 1
        while value is not None and self.peek()[0] == "dots" and self.peek()[2] and kind in ("variable", "sign"):
            value = Field(value, tuple(filter(None, self.peek()[1].split("."))))
            self.place += 1
        return value
