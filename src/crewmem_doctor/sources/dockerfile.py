"""Dockerfiles as instructions with their places. Any text gives instructions; nothing raises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell_tokens import Word

INSTRUCTIONS = frozenset(
    (
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    )
)
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
_HEREDOC = re.compile(r"(?<![<\S])[0-9]*<<(-?)(?:'([^'\s<]+)'|\"([^\"\s<]+)\"|([A-Za-z_][^\s<'\"|&;>)(]*))")
_FLAG = re.compile(r"--([A-Za-z][A-Za-z0-9-]*)(?:=(\S*))?(?=\s|$)")
_WITH_HEREDOC = ("RUN", "COPY", "ADD")
_WITH_JSON = ("RUN", "CMD", "ENTRYPOINT", "COPY", "ADD", "SHELL", "VOLUME")


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value` before an instruction's arguments; the value is empty for a bare `--name`."""

    name: str
    value: str
    at: Location


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document of RUN, COPY or ADD. A quoted one is taken as it is, without any variables replaced."""

    name: str
    body: Passage
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. `rest` is what follows its name and flags, continuations joined and comments inside dropped.

    `words` is the JSON form, None for the shell form. `at` spans all of it, heredocs left out. For ONBUILD, `rest` is
    the instruction to come.
    """

    name: str
    at: Location
    rest: Passage
    flags: tuple[Flag, ...] = ()
    words: tuple[Word, ...] | None = None
    heredocs: tuple[Heredoc, ...] = ()

    def flag(self, name: str) -> str:
        return next((f.value for f in reversed(self.flags) if f.name == name), "")


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """All instructions of one file, and its escape character. `odd` are lines that are no instruction."""

    path: str
    instructions: tuple[Instruction, ...]
    escape: str = "\\"
    odd: tuple[Location, ...] = ()


def parse(text: str, path: str) -> Dockerfile:
    """The instructions of a Dockerfile, as BuildKit splits them."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    reader = _Reader(lines, path, _escape(lines))
    found, odd = [], []
    for instruction in reader.run():
        if instruction.name in INSTRUCTIONS:
            found.append(instruction)
        else:
            odd.append(instruction.at)
    return Dockerfile(path, tuple(found), reader.escape, tuple(odd))


def _escape(lines: list[str]) -> str:
    """The escape character: parser directives stand before anything else, comments included."""
    for line in lines:
        match = _DIRECTIVE.match(line.strip())
        if match is None or match.group(1).lower() not in ("syntax", "escape", "check"):
            break
        if match.group(1).lower() == "escape":
            return "`" if match.group(2) == "`" else "\\"
    return "\\"


class _Reader:
    def __init__(self, lines: list[str], path: str, escape: str) -> None:
        self.lines = lines
        self.path = path
        self.escape = escape
        self.continued = re.compile(re.escape(escape) + r"[ \t]*$")
        self.number = 0  # of the next line, 0-based

    def run(self) -> Iterator[Instruction]:
        while self.number < len(self.lines):
            stripped = self.lines[self.number].strip()
            if not stripped or stripped.startswith("#"):
                self.number += 1
                continue
            yield self._instruction(self._logical())

    def _logical(self) -> Passage:
        """The next logical line: comments and blank lines between its parts vanish, as does the escape character."""
        pieces: list[str] = []
        marks: list[tuple[int, int, int]] = []
        size = 0
        first = self.number + 1
        column = 1
        while self.number < len(self.lines):
            line = self.lines[self.number]
            self.number += 1
            stripped = line.strip()
            if pieces and (not stripped or stripped.startswith("#")):
                continue
            indent = 0 if pieces else len(line) - len(line.lstrip())
            column = column if pieces else indent + 1
            match = self.continued.search(line)
            piece = line[indent : match.start() if match is not None else len(line)]
            marks.append((size, self.number, indent + 1))
            pieces.append(piece)
            size += len(piece)
            if match is None:
                break
        text = "".join(pieces)
        return Passage(text, Location(self.path, first, column), tuple(marks))

    def _instruction(self, line: Passage) -> Instruction:
        text = line.text.rstrip()
        name = (text.split(None, 1) or [""])[0]
        at = line.at(0, len(text))
        offset = _blank(text, len(name))
        flags: list[Flag] = []
        upper = name.upper()
        while upper not in ("ENV", "LABEL", "ARG", "ONBUILD") and (match := _FLAG.match(text, offset)) is not None:
            flags.append(Flag(match.group(1).lower(), match.group(2) or "", line.at(match.start(), match.end())))
            offset = _blank(text, match.end())
        rest = line.part(offset, len(text)) if offset < len(text) else Passage("", at)
        heredocs: tuple[Heredoc, ...] = ()
        onbuild = rest.text.split(None, 1)[0].upper() if upper == "ONBUILD" and rest.text else ""
        if (upper in _WITH_HEREDOC or onbuild in _WITH_HEREDOC) and "<<" in rest.text:
            heredocs = tuple(self._heredocs(rest.text))
        words = _json_words(rest) if upper in _WITH_JSON else None
        return Instruction(upper, at, rest, tuple(flags), words, heredocs)

    def _heredocs(self, text: str) -> Iterator[Heredoc]:
        for match in _HEREDOC.finditer(text):
            name = match.group(2) or match.group(3) or match.group(4)
            start = self.number
            while self.number < len(self.lines):
                line = self.lines[self.number]
                self.number += 1
                if (line.lstrip("\t") if match.group(1) else line) == name:
                    break
            else:
                # Never closed: Docker refuses such a file, and the rest of it would vanish in the document.
                self.number = start
                continue
            body = "\n".join(self.lines[start : self.number - 1])
            body = body + "\n" if body or self.number - 1 > start else ""
            yield Heredoc(name, Passage.of(body, self.path, start + 1), match.group(4) is None)


def _blank(text: str, offset: int) -> int:
    while offset < len(text) and text[offset].isspace():
        offset += 1
    return offset


def _json_words(rest: Passage) -> tuple[Word, ...] | None:
    """The words of the JSON form; None where it is not an array of strings, which makes it the shell form."""
    if not rest.text.startswith("["):
        return None
    decoder = json.JSONDecoder()
    try:
        # As BuildKit does, take the array and leave what follows it.
        values, _ = decoder.raw_decode(rest.text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    words: list[Word] = []
    offset = 1
    for value in values:
        offset = rest.text.index('"', offset)
        _, end = decoder.raw_decode(rest.text, offset)
        # No shell sees these words: a variable in them stays as it is.
        words.append(Word(value, rest.at(offset, end), True))
        offset = end
    return tuple(words)
