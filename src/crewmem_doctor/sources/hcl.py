"""Terraform's HCL and Azure's Bicep, read for their literals: a tree of the same nodes as YAML gives.

Blocks and objects become mappings, a repeated block a sequence. Whatever is no literal (a reference, a call, a
conditional) becomes a scalar that is `templated`, with its source as text. Any text gives a tree; none raises.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.yaml_nodes import Mapping, Node, Scalar, Sequence

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v]+|(?:\#|//)[^\n]*|/\*.*?(?:\*/|\Z))
      |(?P<heredoc><<[-~]?(?P<tag>[A-Za-z_]\w*)[^\n]*\n)
      |(?P<multi>'''(?P<lines>.*?)(?:'''|\Z))
      |(?P<string>"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?)
      |(?P<number>-?\d+(?:\.\d+)?)
      |(?P<name>[A-Za-z_][\w-]*)
      |(?P<newline>\n)
      |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_DEPTH = 60
_OPEN_HEREDOCS = 20
_OPEN, _CLOSE = frozenset("{[("), frozenset("}])")


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """A block at the top of a file: `resource "aws_lambda_function" "crew" {…}`, in Bicep `resource x 'type' = {…}`."""

    kind: str
    labels: tuple[str, ...]
    body: Mapping
    at: Location


def load(text: str, path: str) -> list[Block]:
    """The blocks of a file in order."""
    return _Reader(text, path).blocks()


def _tokens(text: str) -> Iterator[Token]:
    """The tokens of a file; those of a heredoc and of a triple-quoted string have their body as text."""
    place, failed = 0, 0
    while (match := _TOKEN.match(text, place)) is not None:
        kind, place = match.lastgroup or "sign", match.end()
        if kind == "heredoc":
            closing = re.compile(rf"^[ \t]*{match['tag']}\b", re.MULTILINE)
            end = closing.search(text, place) if failed < _OPEN_HEREDOCS else None
            if end is not None:
                yield Token(kind, text[place : end.start()], match.start(), end.end())
                place = end.end()
                continue
            failed += 1  # never closed: so many that searching on would take too long
            kind, place = "sign", match.start() + 2
        if kind == "multi":
            yield Token(kind, match["lines"], match.start(), place)
        elif kind != "space":
            yield Token(kind, text[match.start() : place], match.start(), place)


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self.text, self.path = text, path
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.tokens = list(_tokens(text))
        self.place = 0

    def blocks(self) -> list[Block]:
        found = []
        while self.place < len(self.tokens):
            start = self.place
            token = self.tokens[start]
            self.place += 1
            if token.kind != "name":
                continue
            labels: list[str] = []
            while (word := self._peek()) is not None and (word.kind in ("name", "string") or word.text in ("=", ":")):
                if word.kind != "sign":
                    labels.append(_unquoted(word.text))
                self.place += 1
            # Bicep: `= if (condition) {` and `= [for x in y: {`
            if word is not None and word.text in "([" and token.text in ("resource", "module"):
                self._skip_to("{")
                word = self._peek()
            if word is not None and word.text == "{":
                at = self._span(token.start, self.tokens[self.place - 1].end)
                body = self._object(0)
                found.append(Block(token.text, tuple(labels), body, at))
        return found

    def _skip_to(self, sign: str) -> None:
        while (token := self._peek()) is not None and token.text != sign:
            self.place += 1

    def _peek(self, ahead: int = 0) -> Token | None:
        index = self.place + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def _object(self, depth: int) -> Mapping:
        """From the opening brace past the closing one."""
        start = self.tokens[self.place].start
        self.place += 1
        entries: list[tuple[Scalar, Node]] = []
        while (token := self._peek()) is not None:
            if token.text == "}":
                self.place += 1
                break
            if token.kind not in ("name", "string") or depth > _DEPTH:
                if token.text in _OPEN:
                    self._raw(stop="")
                else:
                    self.place += 1
                continue
            self._entry(entries, depth)
        return Mapping(_grouped(entries), self._span(start, self._last()))

    def _entry(self, entries: list[tuple[Scalar, Node]], depth: int) -> None:
        token = self.tokens[self.place]
        key = Scalar(_unquoted(token.text), "str", self._span(token.start, token.end), token.kind == "string")
        self.place += 1
        after = self._peek()
        while after is not None and after.kind == "string":  # labels of a nested block
            self.place += 1
            after = self._peek()
        if after is None:
            return
        if after.text == "{":
            entries.append((key, self._object(depth + 1)))
        elif after.text in ("=", ":"):
            self.place += 1
            while (value := self._peek()) is not None and value.kind == "newline":
                self.place += 1
            entries.append((key, self._value(depth + 1)))

    def _value(self, depth: int) -> Node:
        token = self._peek()
        if token is None:
            return Scalar("", "null", self._span(len(self.text), len(self.text)))
        if depth > _DEPTH:
            return self._raw()
        if token.text == "{":
            return self._object(depth)
        if token.text == "[":
            return self._list(depth)
        call = self._peek(1), self._peek(2)
        if token.text in ("jsonencode", "tolist", "toset") and call[0] is not None and call[0].text == "(":
            self.place += 2
            inner = self._value(depth + 1)
            self._until(")")
            return inner
        if self._ends_value(self._peek(1)):
            self.place += 1
            return self._literal(token)
        return self._raw()

    def _literal(self, token: Token) -> Scalar:
        at = self._span(token.start, token.end)
        if token.kind in ("string", "multi", "heredoc"):
            value = _unquoted(token.text) if token.kind == "string" else token.text
            return Scalar(value, "str", at, True, "${" in value or "%{" in value)
        if token.kind == "number" or token.text in ("true", "false"):
            return Scalar(token.text, "str", at)
        if token.text == "null":
            return Scalar("", "null", at)
        return Scalar(token.text, "str", at, False, True)

    def _list(self, depth: int) -> Node:
        start = self.tokens[self.place].start
        self.place += 1
        found: list[Node] = []
        while (token := self._peek()) is not None:
            if token.text == "]":
                self.place += 1
                break
            if token.kind == "newline" or token.text == ",":
                self.place += 1
            elif token.text == "for":
                self._until("]")
                return Scalar("[for …]", "str", self._span(start, self._last()), False, True)
            else:
                before = self.place
                found.append(self._value(depth + 1))
                self.place = max(self.place, before + 1)
        return Sequence(tuple(found), self._span(start, self._last()))

    def _raw(self, stop: str = ",") -> Scalar:
        """An expression that is not read: up to the end of its line or list, past what it opens."""
        start = self.tokens[self.place].start
        level = 0
        while (token := self._peek()) is not None:
            if not level and (token.kind == "newline" or token.text in _CLOSE or (stop and token.text == stop)):
                break
            level += (token.text in _OPEN) - (token.text in _CLOSE)
            self.place += 1
            if not stop and not level:
                break
        end = self._last() if self.place and self.tokens[self.place - 1].end > start else start
        return Scalar(self.text[start:end], "str", self._span(start, end), False, True)

    def _until(self, sign: str) -> None:
        level = 0
        while (token := self._peek()) is not None:
            self.place += 1
            if token.text == sign and not level:
                return
            level += (token.text in _OPEN) - (token.text in _CLOSE)

    def _ends_value(self, token: Token | None) -> bool:
        return token is None or token.kind == "newline" or token.text in (",", "}", "]", ")")

    def _last(self) -> int:
        return self.tokens[self.place - 1].end if self.place else 0

    def _span(self, start: int, end: int) -> Location:
        row, last = bisect_right(self.starts, start), bisect_right(self.starts, max(start, end - 1))
        return Location(self.path, row, start - self.starts[row - 1] + 1, last, end - self.starts[last - 1] + 1)


def _grouped(entries: list[tuple[Scalar, Node]]) -> tuple[tuple[Scalar, Node], ...]:
    """A block that stands several times becomes a list under its first key."""
    blocks: dict[str, list[Node]] = {}
    for key, value in entries:
        if isinstance(value, Mapping):
            blocks.setdefault(key.value, []).append(value)
    out: list[tuple[Scalar, Node]] = []
    for key, value in entries:
        same = blocks.get(key.value, [])
        if not isinstance(value, Mapping) or len(same) == 1:
            out.append((key, value))
        elif same[0] is value:
            out.append((key, Sequence(tuple(same), value.at)))
    return tuple(out)


def _unquoted(text: str) -> str:
    if text[:1] not in ("'", '"'):
        return text
    body = text[1:-1] if len(text) > 1 and text[-1] == text[0] else text[1:]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), body) if "\\" in body else body
