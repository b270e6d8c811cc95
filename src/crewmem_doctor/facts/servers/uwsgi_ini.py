"""uWSGI's .ini files, with what they include; never run."""

from __future__ import annotations

import os.path
import re

from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.shell import Word

_PLACEHOLDER = re.compile(r"%\(([\w-]+)\)|\$\((\w+)\)")
_MOST = 8


def read_ini(name: str, scene: Scene) -> tuple[tuple[tuple[str, Word], ...], tuple[str, ...]] | None:
    """The options of the file's [uwsgi] section (of `name:section` where one is named), in order, with underscores as
    dashes, and the files read; None where the file is not in the tree."""
    options: list[tuple[str, Word]] = []
    files: list[str] = []
    queue = [name]
    while queue and len(files) < _MOST:
        wanted, _, section = queue.pop(0).partition(":")
        found = scene.read(wanted)
        if found is None:
            if not files:
                return None
            continue
        path, passage = found
        if path in files:
            continue
        files.append(path)
        for key, word in _section(passage.text, path, section or "uwsgi", options):
            options.append((key, word))
            if key in ("ini", "include", "inherit"):
                beside = word.text if word.text.startswith("/") else os.path.join(os.path.dirname(wanted), word.text)
                queue.append(beside)
    return tuple(options), tuple(files)


def _section(text: str, path: str, section: str, before: list[tuple[str, Word]]) -> list[tuple[str, Word]]:
    out: list[tuple[str, Word]] = []
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if bare.startswith("["):
            inside = bare.strip("[]").strip() == section
        elif inside and bare and not bare.startswith((";", "#")):
            key, equals, value = bare.partition("=")
            value = re.split(r"\s[;#]", value)[0].strip() if equals else "true"
            known = {k: w.text for k, w in (*before, *out)}
            at = Location(path, number, line.index(bare) + 1, number, len(line.rstrip()) + 1)
            out.append((key.strip().lower().replace("_", "-"), Word(_filled(value, known), at)))
    return out


def _filled(value: str, known: dict[str, str]) -> str:
    """`%(key)` is an earlier option of the file, `$(NAME)` a variable of the environment."""
    return _PLACEHOLDER.sub(lambda m: known.get(m[1], "$" + m[1]) if m[1] else "${" + m[2] + "}", value)
