"""uvicorn: flags, UVICORN_* and WEB_CONCURRENCY. Its workers are started afresh, not forked."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.facts.servers.workers import workers
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.shell import Word

NAMES = ("uvicorn",)
_OPTIONS = {"--workers": "workers", "--app-dir": "app-dir"}
_FLAGS = (
    "--reload --no-access-log --access-log --proxy-headers --no-proxy-headers --server-header --no-server-header "
    "--date-header --no-date-header --factory --use-colors --no-use-colors --version --help"
)


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """With --reload there is one worker whatever --workers says."""
    options = read_options(words[1:], _OPTIONS, _FLAGS)
    target = options.first()
    folder = options.get("app-dir")
    reload = "--reload" in options.flags or any(name.startswith("--reload") for name, _ in options.values)
    count, place = workers(options, scene, "workers", variables=("UVICORN_WORKERS", "WEB_CONCURRENCY"))
    if reload:
        count, place = Known(1), None
    text = scene.shown(target) if target is not None else ""
    return (
        scene.process(
            words,
            "uvicorn",
            text,
            workers=count,
            workers_at=place,
            reload=reload,
            directory=join_path(scene.cwd, scene.shown(folder)) if folder is not None else scene.cwd,
        ),
    )
