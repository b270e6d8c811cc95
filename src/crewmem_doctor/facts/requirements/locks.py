"""Lock files: uv, Poetry, PDM, pylock.toml and Pipenv."""

from __future__ import annotations

import json
import re

from crewmem_doctor.facts.requirements.entry import Entry, normalised
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap

# These files are long and written by programs, so their tables are found without parsing all of them.
_TABLE = re.compile(r"^\[\[packages?\]\][ \t]*\n((?:(?!\[\[)[^\n]*\n?)*)", re.MULTILINE)
_NAME = re.compile(r"^name[ \t]*=[ \t]*[\"']([^\"'\n]+)[\"']", re.MULTILINE)
_VERSION = re.compile(r"^version[ \t]*=[ \t]*[\"']([^\"'\n]+)[\"']", re.MULTILINE)
_ORIGIN = re.compile(r"^(?:source[ \t]*=[ \t]*\{[ \t]*(?P<kind>git|path|directory|editable|virtual|url)\b"
                     r"|type[ \t]*=[ \t]*[\"'](?P<type>git|directory|file|url)[\"']"
                     r"|(?P<key>git|path)[ \t]*=|\[(?:packages\.)?(?P<vcs>vcs|directory)\])", re.MULTILINE)


def is_lock(name: str) -> bool:
    return name in ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pipfile.lock") or (
        name.startswith("pylock.") and name.endswith(".toml"))


def read_lock(text: str, path: str) -> tuple[list[Entry], Gap | None]:
    if path.lower().endswith("pipfile.lock"):
        return _pipenv(text, path)
    home = path.rpartition("/")[0]
    entries = []
    line, position = 1, 0
    for table in _TABLE.finditer(text):
        line += text.count("\n", position, table.start())
        position = table.start()
        entry = _package(table[1], path, line + 1, home)
        if entry is not None:
            entries.append(entry)
    return entries, None


def _package(body: str, path: str, first: int, home: str) -> Entry | None:
    name, version = _NAME.search(body), _VERSION.search(body)
    if name is None:
        return None
    at = _line(body, version or name, path, first)
    origin = _ORIGIN.search(body)
    kind = next((k for k in origin.groups() if k), "") if origin else ""
    if version is None or kind:
        # The number that a lock gives for a repository or a folder is what its metadata claimed on the day.
        return Entry(normalised(name[1]), f"@ {kind or 'unknown'}", at, home, "unknown") if kind != "virtual" else None
    pin = f"=={version[1]}"
    return Entry(normalised(name[1]), pin, at, home, "lock", (pin,))


def _line(body: str, match: re.Match[str], path: str, first: int) -> Location:
    number = first + body.count("\n", 0, match.start())
    return Location(path, number, 1, number, match.end() - match.start() + 1)


def _pipenv(text: str, path: str) -> tuple[list[Entry], Gap | None]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as problem:
        return [], Gap(path, getattr(problem, "lineno", 1), "parse", "not valid JSON")
    home = path.rpartition("/")[0]
    entries = []
    sections = table.items() if isinstance(table, dict) else ()
    for section, packages in sections:
        if section == "_meta" or not isinstance(packages, dict):
            continue
        for name, about in packages.items():
            version = about.get("version") if isinstance(about, dict) else None
            at = _json_place(text, name, path)
            weak = section == "develop"
            if isinstance(version, str) and version.startswith("=="):
                entries.append(Entry(normalised(name), version, at, home, "lock", (version,), weak=weak))
            elif isinstance(about, dict) and ("git" in about or "path" in about or "file" in about):
                entries.append(Entry(normalised(name), "@ git" if "git" in about else "@ path", at, home, "unknown",
                                     weak=weak))
    return entries, None


def _json_place(text: str, name: str, path: str) -> Location:
    start = text.find(f'"{name}"')
    if start < 0:
        return Location(path)
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start)
    return Location(path, line, column, line, column + len(name) + 2)
