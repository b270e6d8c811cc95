"""requirements.txt and its kin: pip's own format."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crewmem_doctor.facts.requirements.entry import Entry, folder, is_weak, parse_line
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.discover import Tree

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)(?:\s+|=)?(\S+)")
_OPTIONS = re.compile(r"\s--?[A-Za-z][\w-]*(?:[= ]\S+)?")
_DEEPEST = 20


def read_text(tree: Tree, path: str) -> list[Entry]:
    """The entries of a file and of those that it includes, all of them speaking for the folder of the first."""
    return _read(tree, path, folder(path), is_weak(path.rpartition("/")[2]), "constraint" in path.lower(), {path})


def _read(tree: Tree, path: str, home: str, weak: bool, constraint: bool, seen: set[str]) -> list[Entry]:
    text = tree.text(path)
    if text is None:
        return []
    found = []
    for line, at in _logical_lines(text, path):
        include = _INCLUDE.match(line)
        if include:
            target = join_path(path.rpartition("/")[0], include[1])
            if target not in seen and len(seen) < _DEEPEST:
                seen.add(target)
                constrains = constraint or line.startswith(("-c", "--constraint"))
                found += _read(tree, target, home, weak, constrains, seen)
            continue
        editable = re.match(r"(?:-e|--editable)(?:\s+|=)(.*)", line)
        if line.startswith("-") and not editable:
            continue
        wanted = editable[1] if editable else _OPTIONS.sub("", line)
        entry = parse_line(wanted, at, home, weak=weak, constraint=constraint)
        if entry is not None:
            found.append(entry)
    return found


def _logical_lines(text: str, path: str) -> Iterator[tuple[str, Location]]:
    """Lines without comments, joined over a final backslash; the place is that of the first."""
    pending, first = "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = _COMMENT.sub("", raw)
        if not pending:
            first = number
        if line.rstrip().endswith("\\"):
            pending += line.rstrip()[:-1] + " "
            continue
        whole, pending = (pending + line).strip(), ""
        if whole:
            yield whole, _place(path, first, text)


def _place(path: str, number: int, text: str) -> Location:
    line = _COMMENT.sub("", text.split("\n", number)[number - 1]).rstrip().removesuffix("\\").rstrip()
    return Location(path, number, len(line) - len(line.lstrip()) + 1, number, len(line) + 1)
