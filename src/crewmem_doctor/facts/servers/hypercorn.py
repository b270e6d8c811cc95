"""hypercorn: its workers are spawned."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.facts.servers.workers import workers
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.known import Unknown
from crewmem_doctor.sources.shell import Word

NAMES = ("hypercorn",)
_OPTIONS = {
    "-w": "workers",
    "--workers": "workers",
    "-k": "class",
    "--worker-class": "class",
    "-b": "bind",
    "--bind": "bind",
    "-c": "config",
    "--config": "config",
    "-g": "group",
    "-u": "user",
    "-m": "umask",
    "-p": "pid",
}
_FLAGS = "--debug --reload --version --help"


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """A configuration file that is named may set the workers; it is not read."""
    options = read_options(words[1:], _OPTIONS, _FLAGS)
    config = options.get("config")
    default = None if config is None else Unknown(f"{scene.shown(config)} may set the workers", config.at)
    count, place = workers(options, scene, "workers", default=default)
    target = options.first()
    return (
        scene.process(
            words,
            "hypercorn",
            scene.shown(target) if target is not None else "",
            workers=count,
            workers_at=place,
            reload="--reload" in options.flags,
        ),
    )
