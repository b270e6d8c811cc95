"""setup.cfg, environment.yml, and what images install with pip."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crewmem_doctor.facts.requirements.entry import Entry, normalised, parse_line
from crewmem_doctor.facts.requirements.text import read_text
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree

_SECTION = re.compile(r"\[([^\]]+)\]")
_KEY = re.compile(r"([\w.-]+)\s*[=:]\s*(.*)")


def read_setup_cfg(text: str, path: str) -> list[Entry]:
    home = path.rpartition("/")[0]
    section = key = ""
    found = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip()
        if header := _SECTION.match(line):
            section, key = header[1].strip(), ""
            continue
        rest = line.strip()
        if line and not line[0].isspace():
            pair = _KEY.match(line)
            key, rest = (pair[1], pair[2].strip()) if pair else ("", "")
        wanted = (section == "options" and key == "install_requires") or section == "options.extras_require"
        if not wanted or not rest or rest.startswith(("#", ";")):
            continue
        column = raw.rfind(rest) + 1
        entry = parse_line(rest, Location(path, number, column, number, column + len(rest)), home)
        if entry is not None:
            found.append(entry)
    return found


def is_conda(name: str) -> bool:
    return name.endswith((".yml", ".yaml")) and re.match(r"(?:env|environment)\b|conda", name) is not None


def read_conda(tree: Tree, path: str) -> tuple[list[Entry], list[Gap]]:
    from crewmem_doctor.sources import yaml

    text = tree.text(path)
    if text is None or "dependencies" not in text:
        return [], []
    documents, gaps = yaml.load(text, path)
    found: list[Entry] = []
    home = path.rpartition("/")[0]
    for document in documents:
        listed = document.get("dependencies") if isinstance(document, yaml.Mapping) else None
        for item in listed.items if isinstance(listed, yaml.Sequence) else ():
            if isinstance(item, yaml.Scalar):
                entry = _conda_spec(item.value, item.at, home)
                found += [entry] if entry else []
            elif isinstance(item, yaml.Mapping):
                pip = item.get("pip")
                for line in pip.items if isinstance(pip, yaml.Sequence) else ():
                    if isinstance(line, yaml.Scalar):
                        found += _pip_line(tree, line.value, line.at, home)
    return found, gaps


def _pip_line(tree: Tree, line: str, at: Location, home: str) -> list[Entry]:
    include = re.match(r"(?:-r|--requirement)(?:\s+|=)?(\S+)", line)
    if include:
        return read_text(tree, join_path(home, include[1]))
    entry = parse_line(line, at, home)
    return [entry] if entry else []


def _conda_spec(spec: str, at: Location, home: str) -> Entry | None:
    """`channel::name=1.2=build`; a single `=` matches every release that begins so."""
    match = re.match(r"(?:[\w./-]+::)?([A-Za-z0-9._-]+?)\s*((?:[=<>!~]|\s).*)?$", spec.strip())
    if match is None:
        return None
    version = (match[2] or "").strip()
    if single := re.match(r"=(?!=)([^=\s]+)", version):
        version = f"=={single[1].rstrip('.*')}.*"
    elif double := re.match(r"(==[^=\s]+)", version):
        version = double[1]
    elif not re.match(r"[<>!~]", version):
        version = ""
    return parse_line(f"{normalised(match[1])}{version}", at, home)


def read_images(tree: Tree, services: Iterable[Service]) -> list[Entry]:
    """The packages that images install by name, each where the Dockerfile names it."""
    found = []
    seen: set[tuple[str, str]] = set()
    for service in services:
        for word in service.packages:
            path = service.dockerfile or service.at.path
            if (path, word) in seen:
                continue
            seen.add((path, word))
            entry = parse_line(word, _place_of(tree, path, word), service.context or path.rpartition("/")[0])
            if entry is not None:
                found.append(entry)
    return found


def _place_of(tree: Tree, path: str, word: str) -> Location:
    for number, line in enumerate((tree.text(path) or "").split("\n"), 1):
        column = line.find(word)
        if column >= 0:
            return Location(path, number, column + 1, number, column + len(word) + 1)
    return Location(path)
