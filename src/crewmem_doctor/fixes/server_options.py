"""Options of Redis and its kin, wherever they are set: a command line, a list of words, a variable, a mounted file."""

from __future__ import annotations

import re

from crewmem_doctor.fixes.refused import Refused
from crewmem_doctor.fixes.registry import Sources
from crewmem_doctor.fixes.text import Document
from crewmem_doctor.fixes.yaml import Yaml
from crewmem_doctor.model.deployment import Service, Setting
from crewmem_doctor.model.finding import Edit
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.yaml import Node, Scalar, Sequence

PROGRAMS = {"redis": "redis-server", "valkey": "valkey-server", "keydb": "keydb-server"}


def replaced(service: Service, name: str, value: str, sources: Sources) -> Edit | None:
    """The new value in the place of the old one; None where the option is not set."""
    setting = _last(service, name)
    if setting is None:
        return None
    document, at = sources.document(setting.at.path), setting.at
    text = document.slice((at.line, at.column), (at.end_line, at.end_column))
    between = r"""["']?(?:[ \t]+|[ \t]*,\s*|[ \t]*\n[ \t]*-[ \t]+)["']?"""
    found = list(re.finditer(rf"(?<![\w-])(?:--)?{re.escape(name)}{between}(?P<value>[\w-]+)", text))
    if not found:
        raise Refused(f"{name} is set at line {at.line} of {at.path}, but not in plain words")
    match = found[-1]
    start, end = (_point(text, at, offset) for offset in match.span("value"))
    return Edit(at.path, start, end, value)


def beside(service: Service, name: str, value: str, sources: Sources) -> Edit | None:
    """A line more in the mounted file that sets other options; None where there is none."""
    setting = next((s for s in reversed(service.configured) if s.at.path != service.at.path), None)
    if setting is None:
        return None
    document = sources.document(setting.at.path)
    return document.insertion(document.end_of(setting.at.end_line), f"\n{name} {value}")


def appended(yaml: Yaml, command: Node, name: str, value: str) -> list[Edit]:
    """The option at the end of a command, a text or a list of words."""
    if isinstance(command, Sequence) and command.items:
        return yaml.extend(command, (f"--{name}", value))
    if not isinstance(command, Scalar) or command.null:
        raise Refused(f"line {command.at.line} of {command.at.path} is no command")
    return [_at_end(yaml.file, command, f" --{name} {value}")]


def _at_end(document: Document, command: Scalar, text: str) -> Edit:
    at = command.at
    end = (at.end_line, at.end_column - 1 if command.quoted else at.end_column)
    last = document.line(at.end_line)[:at.end_column - 1]
    if re.search(r"[;&|]|\bsh\b", command.value):
        raise Refused(f"line {at.line} of {at.path} runs more than the server; add{text} there")
    if command.quoted and last.endswith("\\"):
        raise Refused(f"line {at.end_line} of {at.path} ends in an escape")
    return document.insertion(end, text)


def _last(service: Service, name: str) -> Setting | None:
    return next((s for s in reversed(service.configured) if s.name == name), None)


def _point(text: str, at: Location, offset: int) -> tuple[int, int]:
    before = text[:offset]
    if "\n" not in before:
        return at.line, at.column + offset
    return at.line + before.count("\n"), offset - before.rfind("\n")
