"""The `fastapi` command, which runs uvicorn."""

from __future__ import annotations

from crewmem_doctor.facts.servers.options import read_options
from crewmem_doctor.facts.servers.scene import Scene
from crewmem_doctor.facts.servers.workers import workers
from crewmem_doctor.model.deployment import Process
from crewmem_doctor.model.known import Known
from crewmem_doctor.sources.shell import Word

NAMES = ("fastapi",)
_OPTIONS = {"--workers": "workers", "--app": "app", "--entrypoint": "entrypoint", "-e": "entrypoint"}
_FLAGS = "--reload --no-reload --proxy-headers --no-proxy-headers"
# Where `fastapi run` looks when it is given no path.
_DEFAULTS = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")


def read(words: tuple[Word, ...], scene: Scene) -> tuple[Process, ...]:
    """`run` serves, `dev` reloads; the target is the file, or `module:name` where it is given so."""
    options = read_options(words[1:], _OPTIONS, _FLAGS)
    command = options.positional[0].text if options.positional else ""
    if command not in ("run", "dev"):
        return ()
    entry = options.get("entrypoint")
    if entry is None and len(options.positional) > 1:
        entry = options.positional[1]
    default = next((path for path in _DEFAULTS if scene.find(path)), "main.py")
    reload = (command == "dev" and "--no-reload" not in options.flags) or "--reload" in options.flags
    count, place = workers(options, scene, "workers", variables=("WEB_CONCURRENCY",))
    if reload:
        count, place = Known(1), None
    return (
        scene.process(
            words,
            "uvicorn",
            scene.shown(entry) if entry is not None else default,
            workers=count,
            workers_at=place,
            reload=reload,
        ),
    )
