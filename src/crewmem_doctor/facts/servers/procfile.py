"""honcho, foreman and their kin, which start every line of a Procfile."""

from __future__ import annotations

import re

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.record import dataclass
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import Word

NAMES = ("honcho", "foreman", "forego", "overmind", "hivemind", "goreman")
_LINE = re.compile(r"([\w-]+):[ \t]*(\S.*)$")
_OPTIONS = {
    "-f": "file",
    "--procfile": "file",
    "-c": "concurrency",
    "-m": "concurrency",
    "--concurrency": "concurrency",
    "--formation": "concurrency",
    "-l": "only",
    "--processes": "only",
    "-d": "root",
    "--app-root": "root",
    "--root": "root",
    "-e": "env",
    "--env": "env",
    "-p": "port",
    "--port": "port",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One process type. `at` is what says how many of it run."""

    command: Passage
    copies: int
    at: Location
    path: str
    root: str


def started(words: tuple[Word, ...], scene: Scene) -> tuple[Line, ...] | None:
    """The lines that `honcho start` and the like run; None where that is not what the words ask for."""
    options = read_options(words[1:], _OPTIONS, "--no-prefix --no-colour --quiet -q -D --daemonize")
    rest = [scene.shown(w) for w in options.positional]
    name = words[0].text.rpartition("/")[2]
    if name != "hivemind":
        if not rest or rest[0] not in ("start", "s"):
            return None
        rest = rest[1:]
    file, root = options.get("file"), options.get("root")
    if name == "hivemind" and rest:
        named, rest = rest[0], []
    else:
        named = scene.shown(file) if file is not None else "Procfile"
    folder = scene.shown(root) if root is not None else ""
    found = scene.read(named) or (scene.moved(folder).read(named) if folder else None)
    if found is None:
        return None
    only = options.get("only")
    wanted = {*rest, *(scene.shown(only).split(",") if only is not None else ())}
    counts = _counts(options.get("concurrency"), scene)
    lines = _lines(found[1].text, found[0], counts, folder)
    return tuple(line for kind, line in lines if line.copies and (not wanted or kind in wanted))


def _counts(word: Word | None, scene: Scene) -> dict[str, tuple[int, Location]]:
    """`web=2,worker=1`."""
    pairs = (pair.partition("=") for pair in (scene.shown(word).split(",") if word is not None else ()))
    return {name.strip(): (int(count[:4]), word.at) for name, _, count in pairs
            if word is not None and count.isdigit() and count.isascii()}


def _lines(text: str, path: str, counts: dict[str, tuple[int, Location]], root: str) -> list[tuple[str, Line]]:
    out = []
    for number, raw in enumerate(text.split("\n"), 1):
        match = _LINE.match(raw)
        if match is not None:
            command = Passage.of(match[2].rstrip(), path, number, match.start(2) + 1)
            count, at = counts.get(match[1]) or counts.get("all") or (1, command.whole)
            out.append((match[1], Line(command, count, at, path, root)))
    return out
