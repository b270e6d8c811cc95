"""granian: flags and GRANIAN_*; its workers are spawned."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.facts.servers.workers import workers
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.sources.shell import Word

NAMES = ("granian",)
_OPTIONS = {"--workers": "workers", "--working-dir": "directory", "--interface": "interface"}
_FLAGS = (
    "--reload --no-reload --factory --no-factory --access-log --no-access-log --log --no-log --ws --no-ws "
    "--respawn-failed-workers --no-respawn-failed-workers --process-name --no-uds-permissions --help --version"
)


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    options = read_options(words[1:], _OPTIONS, _FLAGS)
    count, place = workers(options, scene, "workers", variables=("GRANIAN_WORKERS",))
    target = options.first()
    folder = options.get("directory")
    return (
        scene.process(
            words,
            "granian",
            scene.shown(target) if target is not None else "",
            workers=count,
            workers_at=place,
            reload="--reload" in options.flags,
            directory=join_path(scene.cwd, scene.shown(folder)) if folder is not None else scene.cwd,
        ),
    )
