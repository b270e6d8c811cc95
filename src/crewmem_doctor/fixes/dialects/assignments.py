"""`NAME=value` wherever lines of text set variables: .env files, Dockerfiles, units, crontabs, Procfiles, fly.toml.

The value is replaced in the quotes that it stands in. What cannot be said there without further quotes is refused.
"""

from __future__ import annotations

import re

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Dialect, Sources
from crewmem_doctor.fixes.text import Document
from crewmem_doctor.model.changes.deployment import RemoveSetting, ReplaceSetting
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.location import Location

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+-]+")
_SHELL = re.compile(r"[\s$`\\(]")
# NAME="value", "NAME=value" and NAME=value; Dockerfiles also take `ENV NAME value`.
_FORMS = (r"""(?<![\w.-])(?P<whole>["']?{name}["']?\s*=\s*(?P<quote>["'])(?P<value>[^"'\n]*)(?P=quote))""",
          r"""(?<![\w.-])(?P<whole>(?P<quote>["']){name}=(?P<value>[^"'\n]*)(?P=quote))""",
          r"""(?<![\w.-])(?P<whole>{name}\s*=\s*(?P<value>[^\s,;"'#]*))""")
_OLD = r"""(?i:env)\s+(?P<whole>{name}[ \t]+(?P<value>[^\s"'#]+)[ \t]*$)"""
_ENDINGS = (".env", ".service", ".conf", ".ini", ".toml", ".sh", "crontab", ".dockerfile", ".containerfile", "procfile")
_BEGINNINGS = (".env", "dockerfile", "containerfile", "crontab", "procfile")


def replace(change: ReplaceSetting, sources: Sources) -> list[Edit]:
    document = sources.document(change.at.path)
    number, found = _found(document, change.at, change.name)
    if not _PLAIN.fullmatch(change.value):
        raise Refused(f"{change.value!r} needs quotes at line {number} of {change.at.path}; write it there by hand")
    start, end = found.span("value")
    return [Edit(change.at.path, (number, start + 1), (number, end + 1), change.value)]


def remove(change: RemoveSetting, sources: Sources) -> list[Edit]:
    """The line, where nothing else stands on it; else the one assignment of several."""
    document = sources.document(change.at.path)
    number, found = _found(document, change.at, change.name)
    line = document.line(number)
    start, end = found.span("whole")
    before, after = line[:start].strip(), line[end:].strip()
    first = before.lower().rstrip(" =") in ("", "export", "env", "environment")
    if first and (not after or after.startswith("#")) and not _goes_on(document, number):
        return [document.without_lines(number, number)]
    if after == "\\" and not before:
        return [document.without_lines(number, number)]     # one line of several that a backslash joins
    if before and line[start - 1:start] == " " and not before.lower().endswith(("export", "env")):
        return [Edit(change.at.path, (number, start), (number, end + 1), "")]
    if after and after != "\\" and line[end:end + 1] == " ":
        return [Edit(change.at.path, (number, start + 1), (number, end + 2), "")]
    raise Refused(f"{change.name} stands among other words at line {number} of {change.at.path}; take it out by hand")


def _found(document: Document, at: Location, name: str) -> tuple[int, re.Match[str]]:
    """The one assignment of that name on the lines of a place."""
    word = re.escape(name)
    found: list[tuple[int, re.Match[str]]] = []
    for number in range(at.line, at.end_line + 1):
        line = document.line(number)
        if line.lstrip().startswith(("#", ";")):
            continue
        forms = (*_FORMS, _OLD) if re.match(r"\s*ENV\s", line, re.IGNORECASE) else _FORMS
        matches = next((m for form in forms if (m := list(re.finditer(form.format(name=word), line)))), [])
        found += [(number, match) for match in matches]
    if len(found) != 1:
        raise Refused(f"{name} is not set in plain words at line {at.line} of {document.path}")
    number, match = found[0]
    if _SHELL.search(match["value"]):
        raise Refused(f"{name} is computed at line {number} of {document.path}")
    return number, match


def _goes_on(document: Document, number: int) -> bool:
    """Whether the line is joined to the one before or behind it."""
    return any(document.line(n).rstrip().endswith("\\") for n in (number - 1, number))


def _sets(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.startswith(_BEGINNINGS) or name.endswith(_ENDINGS)


DIALECT = Dialect("assignments", owns=_sets, editors={ReplaceSetting: replace, RemoveSetting: remove})
