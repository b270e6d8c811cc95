"""Every `crewmem:` comment of the tree, unread."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterator

from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Comment
from crewmem_doctor.sources.discover import SUPPRESSION, Tree

_START = re.compile(r"#\s*crewmem:", re.IGNORECASE)
_BLOCK_SCALAR = re.compile(r"(?:^|[:\-]\s)\s*(?:[&!]\S+\s+)*[|>][-+\d]*\s*(?:#.*)?$")
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")


def read_comments(tree: Tree) -> list[Comment]:
    """The comments of all Python files and of those others that a reader has opened: where nobody looked, nothing can
    be suppressed, so this comes after the readers.

    Real comments only: the same words in a Python string, a YAML text or a heredoc suppress nothing. `text` is the
    comment without its hash, from the word `crewmem:` on.
    """
    found: list[Comment] = []
    for path in tree.commented:
        found += python_comments(tree.text(path) or "", path)
    for path in tree.opened:
        body = tree.read(path)
        if body is not None and SUPPRESSION in body:
            found += line_comments(tree.text(path) or "", path)
    return sorted(found, key=lambda comment: comment.at)


def python_comments(text: str, path: str) -> Iterator[Comment]:
    """By Python's own tokens, so also up to the place where a file stops being Python."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and (match := _START.search(token.string)):
                line, column = token.start
                yield _comment(path, line, column + match.start(), token.line, token.string[match.start():])
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return


def line_comments(text: str, path: str) -> Iterator[Comment]:
    """For YAML, TOML, Dockerfiles, dotenv and shell: a hash at the start of a line or after a space, outside quotes."""
    lines = text.split("\n")
    content = _content(lines, path.rpartition("/")[2].lower())
    for number, line in enumerate(lines, 1):
        if number in content:
            continue
        match = _START.search(line)
        while match and not _is_comment(line[:match.start()]):
            match = _START.search(line, match.end())
        if match:
            yield _comment(path, number, match.start(), line, line[match.start():])


def _is_comment(before: str) -> bool:
    if not before.strip():
        return True
    if not before[-1].isspace():
        return False
    quote = ""
    for index, char in enumerate(before):
        if quote:
            if char == quote and not (quote == '"' and before[index - 1] == "\\"):
                quote = ""
        elif char == "#" and before[index - 1:index].isspace():
            return True         # a comment has begun already, and this one stands in it
        elif char in "\"'" and not before[index - 1:index].isalnum():
            quote = char
    return not quote


def _content(lines: list[str], name: str) -> set[int]:
    """The numbers of the lines that are the text of a block scalar, a heredoc or a multi-line string."""
    if name.endswith((".yml", ".yaml")):
        return _block_scalars(lines)
    if name.endswith(".toml"):
        return _between(lines, _odd_triple, lambda line, mark: mark in line)
    if "dockerfile" in name or "containerfile" in name or name.endswith((".sh", ".bash")):
        return _between(lines, _heredoc, lambda line, mark: line.strip() == mark)
    return set()


def _block_scalars(lines: list[str]) -> set[int]:
    inside: set[int] = set()
    indent = -1
    for number, line in enumerate(lines, 1):
        depth = len(line) - len(line.lstrip())
        if indent >= 0 and (depth > indent or not line.strip()):
            inside.add(number)
            continue
        indent = depth if _BLOCK_SCALAR.search(line) and not line.lstrip().startswith("#") else -1
    return inside


def _between(lines: list[str], opens: Callable[[str], str], closes: Callable[[str, str], bool]) -> set[int]:
    inside: set[int] = set()
    mark = ""
    for number, line in enumerate(lines, 1):
        if mark:
            inside.add(number)
            mark = "" if closes(line, mark) else mark
        else:
            mark = opens(line)
    return inside


def _heredoc(line: str) -> str:
    match = _HEREDOC.search(line)
    return match[2] if match and not line.lstrip().startswith("#") else ""


def _odd_triple(line: str) -> str:
    return next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")


def _comment(path: str, line: int, column: int, whole: str, text: str) -> Comment:
    text = text.rstrip()
    at = Location(path, line, column + 1, line, column + len(text) + 1)
    return Comment(at, text.lstrip("#").strip(), not whole[:column].strip())
