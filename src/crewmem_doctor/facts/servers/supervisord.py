"""The programs of a supervisord.conf that a container runs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.model.deployment import Setting
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.shell import Word

_PLACES = ("supervisord.conf", "etc/supervisord.conf", "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")
_PAIR = re.compile(r"""([A-Za-z_]\w*)=("[^"]*"|'[^']*'|[^,]*)""")
_PERCENT = re.compile(r"%\(ENV_(\w+)\)s")


@dataclass(frozen=True, slots=True)
class Program:
    """One `[program:x]`. `at` is its `numprocs`, where it has one, else its command."""

    command: Passage
    at: Location
    directory: str = ""
    copies: int = 1
    settings: tuple[Setting, ...] = ()
    scripts: tuple[str, ...] = ()


def programs(words: tuple[Word, ...], scene: Scene) -> tuple[Program, ...]:
    """The programs of the file that `-c` names or of the first that supervisord looks for, its includes among them."""
    options = read_options(words[1:], {"-c": "config", "--configuration": "config"}, "-n --nodaemon")
    word = options.get("config")
    for name in (scene.shown(word),) if word is not None else _PLACES:
        found = scene.read(name)
        if found is not None:
            return tuple(_programs(found[1].text, found[0], scene))
    if word is not None:
        return ()
    # Debian's own configuration includes that folder.
    parts = [scene.read(c.target) for c in scene.copies if re.match(r"/etc/supervisor/conf\.d/[^/]+$", c.target)]
    return tuple(p for part in parts if part is not None for p in _programs(part[1].text, part[0], scene))


def _programs(text: str, path: str, scene: Scene) -> list[Program]:
    out: list[Program] = []
    section: dict[str, Passage] | None = None
    sections: list[dict[str, Passage]] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            section = {} if stripped.lower().startswith("[program:") else None
            if section is not None:
                sections.append(section)
        elif section is not None and "=" in line and not stripped.startswith((";", "#")):
            key, _, value = line.partition("=")
            bare = re.split(r"\s;", value)[0]
            column = len(key) + 2 + len(bare) - len(bare.lstrip())
            section[key.strip().lower()] = Passage.of(bare.strip(), path, number, column)
    for section in sections:
        if "command" in section and section.get("autostart", Passage("", Location(path))).text.lower() not in (
            "false",
            "no",
            "0",
        ):
            out.append(_program(section, path, scene))
    return out


def _program(section: dict[str, Passage], path: str, scene: Scene) -> Program:
    command = section["command"]
    text = _PERCENT.sub(r"${\1}", command.text)
    copies = section.get("numprocs")
    count = int(copies.text[:6]) if copies is not None and copies.text.isdigit() and copies.text.isascii() else 1
    directory = section["directory"].text if "directory" in section else ""
    settings = []
    variables = section.get("environment")
    for match in _PAIR.finditer(variables.text if variables is not None else ""):
        value = match.group(2).strip("\"'")
        answer: Answer[str] = Unknown("supervisord fills it in") if "%(" in value else Known(value)
        settings.append(Setting(match.group(1), answer, command.whole))
    passage = command if text == command.text else Passage(text, command.whole)
    return Program(
        passage,
        copies.whole if copies is not None else command.whole,
        directory,
        count,
        tuple(settings),
        (*scene.scripts, path),
    )
